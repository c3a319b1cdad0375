"""What a file's columns are taken for."""

import pytest

from subscribers.imports import mapping
from subscribers.models import CustomField


def taken(workspace, *columns):
    samples = [["a@example.com", *["x"] * (len(columns) - 1)]]
    found = mapping.suggest(workspace, columns=columns, samples=samples)
    return [target.to for target in found]


@pytest.mark.parametrize(
    ("columns", "to"),
    [
        (("email", "Vorname", "Name"), ["email", "first_name", "last_name"]),
        (("email", "Name"), ["email", "name"]),
        (("email", "Interessen"), ["email", "tags"]),
        (("email", "Stadt"), ["email", "new"]),
        # Name beside one half of a name is the other half; beside both it adds nothing.
        (("Email", "Name", "Surname"), ["email", "first_name", "last_name"]),
        (("Email", "Surname", "Name"), ["email", "last_name", "first_name"]),
        (("Email", "Nama", "Nama belakang"), ["email", "first_name", "last_name"]),
        (("E-mail", "Nom", "Prénom"), ["email", "last_name", "first_name"]),
        (("E-mail", "Jméno", "Příjmení"), ["email", "first_name", "last_name"]),
        (("email", "Name", "First Name", "Last Name"), ["email", "", "first_name", "last_name"]),
        (("email", "Display Name", "First", "Last"), ["email", "", "first_name", "last_name"]),
        (("email", "Full name", "First name"), ["email", "name", ""]),
        (("email", "Display name"), ["email", "name"]),
    ],
)
def test_names_of_columns(workspace, columns, to):
    assert taken(workspace, *columns) == to


LANGUAGES = {
    "French": "Adresse e-mail|Prénom|Nom de famille|Ville|Pays|Date de naissance|Étiquettes",
    "Spanish": "Correo electrónico|Nombres|Apellidos|Ciudad|País|Fecha de nacimiento|Etiquetas",
    "Portuguese": "E-mail|Primeiro nome|Sobrenome|Cidade|País|Data de nascimento|Etiquetas",
    "Italian": "Indirizzo e-mail|Nome|Cognome|Città|Paese|Data di nascita|Etichette",
    "German": "E-Mail-Adresse|Vorname|Nachname|Stadt|Land|Geburtsdatum|Schlagwörter",
    "Dutch": "E-mailadres|Voornaam|Achternaam|Woonplaats|Land|Geboortedatum|Etiketten",
    "Swedish": "E-postadress|Förnamn|Efternamn|Stad|Land|Födelsedatum|Etiketter",
    "Polish": "Adres e-mail|Imię|Nazwisko|Miasto|Kraj|Data urodzenia|Etykiety",
    "Czech": "E-mailová adresa|Jméno|Příjmení|Město|Země|Datum narození|Štítky",
    "Hungarian": "E-mail cím|Keresztnév|Vezetéknév|Város|Ország|Születési dátum|Címkék",
    "Romanian": "Adresă de e-mail|Prenume|Nume de familie|Oraș|Țară|Data nașterii|Etichete",
    "Turkish": "E-posta adresi|ADI|SOYADI|Şehir|Ülke|Doğum Tarihi|Etiketler",
    "Russian": "Эл. почта|Имя|Фамилия|Город|Страна|Дата рождения|Теги",
    "Ukrainian": "Електронна пошта|Ім'я|Прізвище|Місто|Країна|Дата народження|Мітки",
    "Greek": "Ηλεκτρονικό ταχυδρομείο|Όνομα|Επώνυμο|Πόλη|Χώρα|Ημερομηνία γέννησης|Ετικέτες",
    "Chinese": "电子邮件|名|姓|城市|国家|出生日期|标签",
    "Japanese": "メールアドレス|名|姓|市区町村|国|生年月日|タグ",
    "Korean": "이메일 주소|이름|성|도시|국가|생년월일|태그",
    "Vietnamese": "Địa chỉ email|Tên|Họ|Thành phố|Quốc gia|Ngày sinh|Thẻ",
    "Thai": "อีเมล|ชื่อ|นามสกุล|เมือง|ประเทศ|วันเกิด|แท็ก",
    "Hindi": "ईमेल|पहला नाम|उपनाम|शहर|देश|जन्म तिथि|टैग",
    "Arabic": "البريد الإلكتروني|الاسم الأول|اسم العائلة|المدينة|البلد|تاريخ الميلاد|الوسوم",
    "Hebrew": "דואר אלקטרוני|שם פרטי|שם משפחה|עיר|מדינה|תאריך לידה|תגיות",
    "Indonesian": "Alamat email|Nama depan|Nama belakang|Kota|Negara|Tanggal lahir|Label",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_are_known_in_many_languages(workspace, language):
    for key, label in (("city", "City"), ("country", "Country"), ("birthday", "Birthday")):
        CustomField.objects.create(workspace=workspace, key=key, label=label, type="text")
    found = taken(workspace, *LANGUAGES[language].split("|"))
    fields = ["field:city", "field:country", "field:birthday"]
    assert found == ["email", "first_name", "last_name", *fields, "tags"]


@pytest.mark.parametrize(
    "column",
    [
        "zipcode", "ZIP", "Post code", "PLZ", "CAP", "CEP", "Código Postal", "Postal Code",
        "Phone", "Mobile Number", "tel", "Cell phone", "Customer ID", "customerId", "郵便番号",
        "Kode pos", "WhatsApp",
    ],
)  # fmt: skip
def test_codes_are_never_numbers(workspace, column):
    samples = [["a@example.com", "80331"], ["b@example.com", "1067"]]
    found = mapping.suggest(workspace, columns=["email", column], samples=samples)
    assert (found[1].to, found[1].type) == ("new", "text")


@pytest.mark.parametrize("column", ["Age", "orders", "amount paid", "Points"])
def test_numbers_are_still_numbers(workspace, column):
    samples = [["a@example.com", "80331"], ["b@example.com", "1067"]]
    found = mapping.suggest(workspace, columns=["email", column], samples=samples)
    assert (found[1].to, found[1].type) == ("new", "number")


def test_own_fields_are_known_by_their_names_in_other_languages(workspace):
    for key, label in (("city", "City"), ("birthday", "Birthday"), ("interests", "Interests")):
        CustomField.objects.create(workspace=workspace, key=key, label=label, type="text")
    found = taken(workspace, "email", "Stadt", "Geburtstag", "Interessen")
    assert found == ["email", "field:city", "field:birthday", "field:interests"]
