"""What people call their columns, in the languages that most files are in."""

import re
from collections.abc import Sequence

from subscribers.imports.normalizing import fold


def _plain_words(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in text.split("|"))


# As tools write them that keep several of a person; the first that is filled counts.
NUMBERED_EMAILS = frozenset(
    f"email{number}{what}" for number in range(1, 6) for what in ("value", "address", "")
)
EMAIL = NUMBERED_EMAILS | _plain_words(
    "email|e-mail address|mail|mail address|e-address|subscriber|subscriber email|alamat email"
    "|contact email"
    "|surel|alamat surel|adresse e-mail|adresse mail|courriel|adresse électronique"
    "|e-mail-adresse|mailadresse|correo|correo electrónico|dirección de correo"
    "|dirección de correo electrónico|indirizzo e-mail|indirizzo mail|posta elettronica"
    "|endereço de e-mail|endereço de email|correio eletrônico|correio eletrónico|e-mailadres"
    "|mailadres|e-post|e-postadress|epostadresse|e-mailadresse|sähköposti|sähköpostiosoite"
    "|adres e-mail|adres email|poczta|e-mailová adresa|emailová adresa|e-mail cím|email cím"
    "|adresă de e-mail|adresa de email|e-posta|e-posta adresi|eposta|электронная почта"
    "|эл. почта|почта|адрес электронной почты|имейл|мейл|электронный адрес|електронна пошта"
    "|пошта|ел. пошта|електронна поща|ηλεκτρονικό ταχυδρομείο|ηλεκτρονική διεύθυνση|ημέιλ"
    "|メール|メールアドレス|Eメール|電子メール|电子邮件|电子邮箱|邮箱|邮箱地址|电邮|邮件地址"
    "|電子郵件|電子信箱|電郵|信箱|이메일|이메일 주소|전자우편|메일|อีเมล|อีเมล์|ที่อยู่อีเมล"
    "|thư điện tử|địa chỉ email|địa chỉ thư|ईमेल|ई-मेल|ईमेल पता|البريد الإلكتروني|البريد"
    "|الإيميل|ایمیل|پست الکترونیک|דוא״ל|דואל|דואר אלקטרוני|אימייל|מייל|e-mel"
)
FIRST_NAME = _plain_words(
    "first name|first|fname|given name|given|forename|vorname|rufname|prénom|primer nombre"
    "|nombre de pila|nombres|primeiro nome|nome próprio|nome de batismo|voornaam|roepnaam"
    "|förnamn|fornavn|etunimi|nama depan|nama pertama|keresztnév|utónév|prenume|křestní jméno"
    "|krstné meno|ime|vardas|vārds|eesnimi|имя|имя подписчика|ім'я|ім’я|име|собствено име"
    "|μικρό όνομα|名|ファーストネーム|下の名前|ชื่อจริง|ชื่อต้น|tên gọi|पहला नाम|प्रथम नाम"
    "|الاسم الأول|الإسم الأول|نام|שם פרטי|نام کوچک"
)
LAST_NAME = _plain_words(
    "last name|last|lname|surname|family name|family|second name|nachname|familienname|zuname"
    "|nom de famille|apellido|apellidos|cognome|sobrenome|último nome|apelido|achternaam"
    "|familienaam|efternamn|etternavn|efternavn|sukunimi|nama belakang|nama keluarga|nazwisko"
    "|příjmení|priezvisko|vezetéknév|családnév|nume de familie|prezime|priimek|pavardė|uzvārds"
    "|perekonnanimi|soyad|soyadı|soyisim|фамилия|прізвище|фамилно име|επώνυμο|επίθετο|姓|苗字"
    "|성|นามสกุล|họ|họ và tên đệm|उपनाम|कुलनाम|اسم العائلة|اللقب|الاسم الأخير|نام خانوادگی"
    "|שם משפחה"
)
# The whole name where it stands alone; beside one half of a name it is the other half.
NAME = _plain_words(
    "name|nama|nom|nombre|nome|naam|namn|navn|nimi|imię|jméno|meno|név|nume|ad|adı|isim|όνομα"
    "|名前|名字|이름|ชื่อ|tên|नाम|الاسم|اسم|שם"
)
WHOLE_NAME = _plain_words(
    "full name|contact name|nama lengkap|nom complet|nom et prénom|nombre completo"
    "|nombre y apellidos|nome completo|nome e cognome|volledige naam|fullständigt namn"
    "|fullt navn|koko nimi|imię i nazwisko|celé jméno|celé meno|jméno a příjmení|teljes név"
    "|nume complet|ime i prezime|ad soyad|adı soyadı|isim soyisim|vor- und nachname"
    "|vollständiger name|имя и фамилия|фио|полное имя|піб|ім'я та прізвище|ονοματεπώνυμο|氏名"
    "|お名前|姓名|성명|성함|ชื่อ-นามสกุล|ชื่อ นามสกุล|họ tên|họ và tên|पूरा नाम|الاسم الكامل"
    "|الاسم بالكامل|نام و نام خانوادگی|שם מלא"
)
SHOWN_NAME = _plain_words("display name|nickname|screen name|user name|username|anzeigename|pseudo")
LANGUAGE = _plain_words(
    "language|lang|locale|preferred language|bahasa|sprache|langue|idioma|lingua|língua|taal"
    "|språk|sprog|kieli|język|jazyk|nyelv|limba|limbă|jezik|dil|язык|мова|език|γλώσσα|言語|语言"
    "|語言|언어|ภาษา|ngôn ngữ|भाषा|اللغة|زبان|שפה"
)
TIME_ZONE = _plain_words(
    "time zone|tz|zona waktu|zeitzone|fuseau horaire|zona horaria|huso horario|fuso orario"
    "|fuso horário|tijdzone|tidszon|tidssone|tidszone|aikavyöhyke|strefa czasowa|časové pásmo"
    "|időzóna|fus orar|saat dilimi|часовой пояс|часовий пояс|ζώνη ώρας|タイムゾーン|时区|時區"
    "|시간대|เขตเวลา|múi giờ|समय क्षेत्र|المنطقة الزمنية|אזור זמן"
)
TAGS = _plain_words(
    "tags|tag|labels|label|tagar|schlagworte|schlagwörter|étiquettes|mots-clés|etiquetas"
    "|etichette|etiketten|etiketter|taggar|tunnisteet|tagi|etykiety|štítky|címkék|etichete"
    "|oznake|etiketler|etiket|теги|метки|тег|мітки|етикети|ετικέτες|タグ|标签|標籤|태그|แท็ก"
    "|ป้ายกำกับ|thẻ|nhãn|टैग|الوسوم|وسوم|برچسب|תגיות|תגים"
)
LISTS = _plain_words("lists|list|list name|mailing list|mailing lists|daftar|listes|listas|liste")
# Where there is no field of that name.
AS_TAGS = _plain_words("interests|interessen|minat|centres d'intérêt|intereses|interessi")
# Names of fields that many keep of their own.
CITY = _plain_words(
    "city|town|stadt|ort|wohnort|ville|ciudad|localidad|población|città|comune|cidade|município"
    "|stad|woonplaats|plaats|by|kaupunki|kota|miasto|město|mesto|obec|város|település|oraș|oraş"
    "|grad|miestas|pilsēta|linn|şehir|il|город|місто|град|πόλη|市|市区町村|都市|城市|도시|시"
    "|เมือง|จังหวัด|thành phố|tỉnh/thành|शहर|नगर|المدينة|شهر|עיר|bandar"
)
COUNTRY = _plain_words(
    "country|country name|land|negara|pays|país|paese|nazione|maa|kraj|země|krajina|stát|ország"
    "|țară|ţară|država|zemlja|šalis|valsts|riik|ülke|страна|країна|държава|χώρα|国|国家|國家"
    "|국가|나라|ประเทศ|quốc gia|nước|देश|البلد|الدولة|کشور|מדינה|ארץ"
)
BIRTHDAY = _plain_words(
    "birthday|birthdate|birth date|date of birth|dob|geburtstag|geburtsdatum|tanggal lahir"
    "|tgl lahir|date de naissance|anniversaire|fecha de nacimiento|cumpleaños|data di nascita"
    "|compleanno|data de nascimento|aniversário|geboortedatum|verjaardag|födelsedatum"
    "|födelsedag|fødselsdato|fødselsdag|bursdag|syntymäaika|syntymäpäivä|data urodzenia"
    "|urodziny|datum narození|narozeniny|dátum narodenia|születési dátum|születésnap"
    "|data nașterii|datum rođenja|doğum tarihi|doğum günü|дата рождения|день рождения"
    "|дата народження|день народження|рождена дата|рожден ден|ημερομηνία γέννησης|γενέθλια"
    "|生年月日|誕生日|出生日期|生日|생년월일|생일|วันเกิด|วันเดือนปีเกิด|ngày sinh|sinh nhật"
    "|जन्मतिथि|जन्म तिथि|जन्मदिन|تاريخ الميلاد|عيد الميلاد|تاریخ تولد|תאריך לידה|יום הולדת"
)
SIGNED_UP = _plain_words(
    "signup date|sign up date|signed up|signed up at|subscribed on|subscribed at|subscribe date"
    "|subscription date|date subscribed|date added|opt-in date"
    "|anmeldedatum|angemeldet am|eintragungsdatum|erstellt am|date d'inscription|inscrit le"
    "|date inscription|date de création|fecha de suscripción|fecha suscripción|fecha de alta"
    "|fecha de registro|data di iscrizione|data iscrizione|data de inscrição|data inscrição"
    "|data de cadastro|inschrijfdatum|aanmelddatum|aangemeld op|registreringsdatum"
    "|anmälningsdatum|påmeldingsdato|tilmeldingsdato|liittymispäivä|tanggal daftar"
    "|tanggal berlangganan|data zapisu|data rejestracji"
    "|datum registrace|datum přihlášení|feliratkozás dátuma|data înscrierii|data abonării"
    "|abonelik tarihi|kayıt tarihi|üyelik tarihi|дата подписки|дата регистрации|дата підписки"
    "|дата реєстрації|ημερομηνία εγγραφής|登録日|登録日時|購読開始日|注册日期|注册时间"
    "|订阅日期|订阅时间|註冊日期|訂閱日期|가입일|구독일|등록일|วันที่สมัคร|วันที่ลงทะเบียน"
    "|ngày đăng ký|पंजीकरण तिथि|تاريخ التسجيل|تاريخ الاشتراك|تاریخ عضویت|תאריך הרשמה|תאריך הצטרפות"
)
# Perhaps a club or a shop: a field, no proof of a sign-up.
JOINED = _plain_words("joined|date joined|join date|tanggal bergabung|data dołączenia")
PHONE = _plain_words(
    "phone|phone number|telephone|tel|tel.|mobile|mobile phone|cell|cell phone|whatsapp|sms"
    "|telefon|telefonnummer|handy|handynummer|mobil|téléphone|portable|teléfono|móvil|celular"
    "|telefono|cellulare|telefone|telemóvel|telefoon|mobiel|puhelin|telepon|hp|no hp|nomor hp"
    "|komórka|telefonszám|gsm|cep telefonu|телефон|мобильный|мобільний|τηλέφωνο|κινητό|電話"
    "|電話番号|携帯|电话|手机|手機|전화|전화번호|휴대폰|โทรศัพท์|เบอร์โทร|điện thoại"
    "|số điện thoại|फ़ोन|फोन|मोबाइल|الهاتف|رقم الهاتف|الجوال|تلفن|موبایل|טלפון|נייד|fax"
)
POSTCODE = _plain_words(
    "zip|zip code|postcode|post code|postal code|postal|plz|postleitzahl|code postal|cp"
    "|código postal|cap|codice postale|cep|código de endereçamento postal|postnummer"
    "|postinumero|kode pos|kodepos|kod pocztowy|psč|irányítószám|cod poștal|poštanski broj"
    "|posta kodu|почтовый индекс|индекс|поштовий індекс|індекс|пощенски код"
    "|ταχυδρομικός κώδικας|τκ|郵便番号|邮编|邮政编码|郵遞區號|우편번호|รหัสไปรษณีย์|mã bưu điện"
    "|mã bưu chính|पिन कोड|الرمز البريدي|کد پستی|מיקוד|pin code|eircode"
)
ALIKE_FIELDS: tuple[frozenset[str], ...] = (
    CITY,
    COUNTRY,
    BIRTHDAY,
    SIGNED_UP | JOINED,
    PHONE,
    POSTCODE,
    _plain_words("interests|interest|interessen|minat|intérêts|intereses|interessi"),
    _plain_words(
        "company|company name|organisation|organization|firma|unternehmen|perusahaan|empresa"
        "|entreprise|société|azienda|bedrijf|företag|virksomhed|yritys|cég|şirket|компания"
        "|компанія|εταιρεία|会社|会社名|公司|회사|บริษัท|công ty|कंपनी|الشركة|שרכת|חברה"
    ),
)
# Words of numbers that name something: a zero in front belongs to them, and nobody adds them up.
CODE_PARTS = ("postcode", "zipcode", "postal", "phone", "telefon", "telepon", "mobile", "iban")
CODE_ENDINGS = frozenset(
    {"id", "no", "nr", "num", "code", "number", "nummer", "numero", "número", "nomor", "sku", "zip"}
)
WORDS = re.compile(r"[^\W\d_]+")
HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def is_code(column: str) -> bool:
    """Say whether a column holds postcodes, phone numbers, ids: digits, but no number."""
    word = fold(column)
    if word in PHONE or word in POSTCODE or any(part in word for part in CODE_PARTS):
        return True
    words = WORDS.findall(HUMPS.sub(" ", column).lower())
    return bool(words) and (words[-1] in CODE_ENDINGS or words[0] in {"zip", "plz", "tel", "id"})


def name_parts(words: Sequence[str]) -> dict[int, str]:
    """Say which part of a name columns hold: first_name, last_name, name, or "" to leave it out.

    ``words`` are the columns' names as `fold` writes them.

    ``Name`` alone is the whole name; beside ``Surname`` it is the first, beside ``Vorname`` the
    last name. Where both halves stand, a whole or shown name adds nothing.
    """
    first = next((i for i, word in enumerate(words) if word in FIRST_NAME), None)
    last = next((i for i, word in enumerate(words) if word in LAST_NAME), None)
    whole = next((i for i, word in enumerate(words) if word in WHOLE_NAME), None)
    name = next((i for i, word in enumerate(words) if word in NAME), None)
    if name is not None and (first is None) != (last is None) and whole is None:
        first, last = (name if first is None else first), (name if last is None else last)
    any_name = NAME | WHOLE_NAME | SHOWN_NAME
    found = {i: "" for i, word in enumerate(words) if word in any_name}
    if first is not None and last is not None:
        return {**found, first: "first_name", last: "last_name"}
    if whole is not None:
        halves = {i: "" for i in (first, last) if i is not None}
        return {**found, **halves, whole: "name"}
    if first is not None or last is not None:
        half, to = (first, "first_name") if first is not None else (last, "last_name")
        return {**found, half or 0: to}
    if name is not None:
        return {**found, name: "name"}
    shown = next((i for i, word in enumerate(words) if word in SHOWN_NAME), None)
    return {**found, shown: "name"} if shown is not None else found
