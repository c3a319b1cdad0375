"""Names and cities of many languages, and the older encodings that files of them are written in."""

import unicodedata

# Each person: first name, last name, city. A small file has the first five of a language.
PEOPLE = {
    "german": """
        Jörg Müller Köln
        Jürgen Groß Düsseldorf
        Käthe Schäfer München
        Björn Krüger Nürnberg
        Günter Weiß Saarbrücken
        Sören Jäger Lübeck
        Bärbel Böhm Göttingen
        Heike Schröder Würzburg
        Jens Vogel Gießen
        Ute König Tübingen
    """,
    "french": """
        François Lefèvre Orléans
        Hélène Béranger Besançon
        Zoé Garçon Nîmes
        André Côté Angoulême
        Gaëlle Benoît Sète
        Maëlys Grégoire Béziers
        Cécile Rousseau Évreux
        Jérôme Thévenot Châlons
        Loïc Guérin Saint-Étienne
        Noémie Hébert Mâcon
    """,
    "spanish": """
        José Núñez Málaga
        María Peña Cádiz
        Íñigo Martínez Gijón
        Begoña López Logroño
        Iñaki Ibáñez Córdoba
        Ángel Gutiérrez León
        Sofía Fernández Almería
        Raúl Jiménez Ávila
        Lucía Sánchez Cáceres
        Andrés Muñoz Alcorcón
    """,
    "portuguese": """
        João Conceição Brasília
        Inês Magalhães Évora
        Luís Simões Guimarães
        Antônio Gonçalves Goiânia
        Lúcia Araújo Florianópolis
        Cátia Leitão Covilhã
        Cauã Brandão Maringá
        Débora Falcão Niterói
        Márcia Assunção Cuiabá
        Sebastião Galvão Belém
    """,
    "italian": """
        Niccolò Fabbri Forlì
        Nicolò Rossi Città di Castello
        Cosimo Cantù Mondovì
        Noè Bertè Canicattì
        Mosè Nicolò Agrò
        Niccolò Salò Patù
        Giosuè Corrà Nardò
        Desirè Calò Cefalù
        Josè Bordò Santhià
        Andrè Conversì Almè
    """,
    "swedish": """
        Åsa Sjöberg Malmö
        Göran Öberg Västerås
        Märta Lindström Örebro
        Håkan Åkesson Göteborg
        Björn Ström Linköping
        Sören Nyström Jönköping
        Kerstin Wählin Umeå
        Ängla Hägg Luleå
        Jörgen Sjögren Växjö
        Stig Källström Skövde
    """,
    "danish": """
        Søren Kjærgaard Århus
        Jørgen Sørensen København
        Bjørn Øster Helsingør
        Åse Nørgaard Næstved
        Mads Møller Hillerød
        Karen Blåbjerg Køge
        Kåre Bækgaard Rønne
        Mikkel Højgaard Tårnby
        Lærke Jørgensen Skælskør
        Gøril Åkjær Sæby
    """,
    "icelandic": """
        Björk Guðmundsdóttir Reykjavík
        Þórður Sigurðsson Ísafjörður
        Guðrún Ægisdóttir Hafnarfjörður
        Sæþór Jónsson Kópavogur
        Ásdís Þórsdóttir Húsavík
        Árni Friðriksson Siglufjörður
        Hólmfríður Björnsdóttir Garðabær
        Örn Davíðsson Mosfellsbær
        Óðinn Þráinsson Höfn
        Sigríður Böðvarsdóttir Seyðisfjörður
    """,
    "polish": """
        Łukasz Żółć Gdańsk
        Małgorzata Wiśniewska Łódź
        Święczysław Śląski Kraków
        Agnieszka Dąbrowska Wrocław
        Zdzisław Gąska Częstochowa
        Michał Wójcik Poznań
        Paweł Kołodziej Rzeszów
        Stanisław Zieliński Bielsko-Biała
        Grażyna Jabłońska Świdnica
        Bożena Źrebiec Ciechanów
    """,
    "czech": """
        Jiří Dvořák Plzeň
        Ondřej Šťastný Žižkov
        Lukáš Černý Děčín
        Tomáš Růžička Přerov
        Kateřina Němcová Havířov
        Zdeněk Kříž Třebíč
        Božena Žáková Břeclav
        Matěj Pokorný Jičín
        Štěpán Doležal Ústí
        Anežka Procházková Kroměříž
    """,
    "slovak": """
        Ľuboš Hudák Košice
        Žofia Kováčová Žilina
        Ján Šťavina Trenčín
        Ľudmila Čierna Piešťany
        Štefan Ďurica Nové Zámky
        Jozef Tóth Prešov
        Mária Horváthová Levice
        Martin Kňažko Liptovský Mikuláš
        Zuzana Ondrejková Púchov
        Peter Krajčí Považská Bystrica
    """,
    "hungarian": """
        Győző Szőke Győr
        Ödön Kőszegi Kőszeg
        Erzsébet Fűzfői Balatonfűzfő
        Zsófia Tóth Mezőkövesd
        Tünde Erdős Hódmezővásárhely
        Lőrinc Szabó Gödöllő
        Ágnes Kovács Dunaújváros
        Enikő Vörös Törökszentmiklós
        Gergő Lengyel Érd
        Csongor Hegedűs Vác
    """,
    "romanian": """
        Ştefan Ţiriac Bucureşti
        Mădălina Bălăşescu Iaşi
        Ionuţ Rădulescu Timişoara
        Cătălin Ţurcanu Braşov
        Ileana Grădinaru Constanţa
        Răzvan Muşat Piteşti
        Anişoara Lăcătuş Bacău
        Gheorghiţă Stănescu Galaţi
        Viorel Dănilă Ploieşti
        Luminiţa Văcărescu Târgovişte
    """,
    "croatian": """
        Željko Šarić Šibenik
        Đurđica Matić Čakovec
        Krešimir Ćosić Požega
        Snježana Žagar Poreč
        Siniša Đukić Križevci
        Bože Kovačević Karlovac
        Tomislav Jurčić Varaždin
        Nikolina Vučić Vukovar
        Vedran Čolak Ogulin
        Ana Marušić Bjelovar
    """,
    "turkish": """
        Gülşah Yıldız İstanbul
        Çağlar Öztürk Eskişehir
        Şükrü Doğan İzmir
        Ayşe Kılıç Diyarbakır
        Oğuz Şahin Muğla
        Tuğba Aydın Balıkesir
        Hüseyin Çelik Kırşehir
        Işıl Güneş Şanlıurfa
        Zeynep Arslan Iğdır
        Barış Koç Tekirdağ
    """,
    "russian": """
        Иван Петров Москва
        Ольга Смирнова Екатеринбург
        Дмитрий Кузнецов Новосибирск
        Анна Соколова Казань
        Алексей Попов Самара
        Екатерина Лебедева Омск
        Михаил Козлов Челябинск
        Татьяна Новикова Уфа
        Сергей Морозов Пермь
        Наталья Волкова Воронеж
    """,
    "ukrainian": """
        Володимир Шевченко Київ
        Олександр Ковальчук Харків
        Наталія Бондаренко Львів
        Юлія Ткаченко Одеса
        Андрій Мельник Дніпро
        Ігор Гнатюк Запоріжжя
        Оксана Кравчук Чернівці
        Євген Поліщук Тернопіль
        Людмила Лисенко Рівне
        Сергій Марченко Хмельницький
    """,
    "bulgarian": """
        Георги Иванов София
        Мария Димитрова Пловдив
        Стефан Стоянов Варна
        Елена Николова Бургас
        Николай Тодоров Русе
        Десислава Ангелова Плевен
        Петър Христов Сливен
        Йордан Василев Добрич
        Цветелина Колева Шумен
        Иванка Петкова Велико Търново
    """,
    "greek": """
        Γιώργος Παπαδόπουλος Αθήνα
        Ελένη Δημητρίου Θεσσαλονίκη
        Κώστας Οικονόμου Πάτρα
        Μαρία Γεωργίου Ηράκλειο
        Νίκος Βασιλείου Λάρισα
        Άννα Παππά Βόλος
        Δημήτρης Αντωνίου Ιωάννινα
        Σοφία Νικολάου Χανιά
        Γιάννης Καραγιάννης Ρόδος
        Κατερίνα Αλεξίου Καβάλα
    """,
    "hebrew": """
        דוד כהן ירושלים
        שרה לוי חיפה
        משה מזרחי אשדוד
        רחל פרץ נתניה
        יוסף ביטון חולון
        מרים דהן רחובות
        אברהם אברהם אשקלון
        נועה פרידמן הרצליה
        דניאל מלכה חדרה
        תמר אזולאי נהריה
    """,
    "arabic": """
        محمد عبدالله القاهرة
        فاطمة الحسن دمشق
        أحمد إبراهيم بغداد
        عائشة المصري الرياض
        خالد يوسف عمان
        نور الدين حلب
        مريم سليمان الدوحة
        عمر الشريف الإسكندرية
        ليلى حداد بيروت
        يوسف النجار تونس
    """,
    "persian": """
        علي رضايي تهران
        زهرا محمدي اصفهان
        حسين كريمي مشهد
        فاطمه احمدي شيراز
        رضا حسيني تبريز
        مريم جعفري كرج
        پرويز پناهي اهواز
        ژاله چگيني قم
        مهدي گودرزي رشت
        سارا يزداني كرمان
    """,
    "thai": """
        สมชาย ใจดี กรุงเทพมหานคร
        สมหญิง รักไทย เชียงใหม่
        ประเสริฐ ศรีสุข ขอนแก่น
        วิไล แก้วมณี ภูเก็ต
        อนุชา บุญมี นครราชสีมา
        กมลา ทองดี ชลบุรี
        ธนา วงศ์ใหญ่ อุดรธานี
        สุดา พรหมมา สงขลา
        มานะ ชูใจ ระยอง
        ปิติ สุขสันต์ ลำปาง
    """,
    "vietnamese": """
        Nguyễn Thị Hương Hà Nội
        Trần Văn Dũng Đà Nẵng
        Lê Hoàng Phúc Cần Thơ
        Phạm Quỳnh Anh Hải Phòng
        Đặng Minh Tuấn Huế
        Võ Thị Mỹ Lệ Quảng Ngãi
        Bùi Đức Thắng Vũng Tàu
        Đỗ Ngọc Ánh Bình Dương
        Hồ Xuân Trường Đồng Nai
        Ngô Kiều Trinh Nha Trang
    """,
    "lithuanian": """
        Rūta Žukauskaitė Šiauliai
        Žydrūnas Čepaitis Panevėžys
        Giedrė Šimkutė Kėdainiai
        Ąžuolas Rimšys Klaipėda
        Jurgis Paškevičius Telšiai
        Eglė Jankauskienė Mažeikiai
        Saulius Brūzga Rokiškis
        Dovilė Kazlauskaitė Utena
        Vytautas Žemaitis Plungė
        Aušra Petrauskienė Tauragė
    """,
    "latvian": """
        Jānis Bērziņš Rīga
        Ilze Kalniņa Liepāja
        Mārtiņš Ozoliņš Jūrmala
        Kārlis Pētersons Cēsis
        Zaiga Šmite Rēzekne
        Inga Vītola Jēkabpils
        Guntis Krūmiņš Valmiera
        Līga Āboliņa Kuldīga
        Ēriks Zariņš Sigulda
        Anna Jansone Tukums
    """,
    "japanese": """
        田中 さくら 東京都
        佐藤 健太 大阪市
        鈴木 花子 横浜市
        高橋 翔太 札幌市
        渡辺 美咲 名古屋市
        伊藤 大輔 京都市
        山本 愛 神戸市
        中村 陽菜 福岡市
        小林 拓海 川崎市
        加藤 結衣 広島市
    """,
    "korean": """
        김 민준 서울특별시
        이 서연 부산광역시
        박 지훈 인천광역시
        최 수빈 대구광역시
        정 예은 대전광역시
        강 도윤 광주광역시
        조 하은 울산광역시
        윤 시우 수원시
        장 지우 창원시
        임 은우 제주시
    """,
    "chinese": """
        王 小明 北京市
        李 华 上海市
        张 伟 广州市
        刘 洋 深圳市
        陈 静 成都市
        杨 勇 武汉市
        赵 敏 西安市
        黄 磊 南京市
        周 杰 杭州市
        吴 秀英 重庆市
    """,
    "taiwanese": """
        陳 怡君 臺北市
        林 志明 高雄市
        黃 淑芬 臺中市
        張 家豪 臺南市
        李 雅婷 新北市
        王 俊傑 桃園市
        吳 美玲 新竹市
        劉 建宏 嘉義市
        蔡 宗翰 基隆市
        楊 惠雯 屏東縣
    """,
}
# The first of a language is the usual one.
ENCODINGS = {
    "german": "cp1252 latin-1 iso8859-15 mac_roman cp850",
    "french": "cp1252 latin-1 iso8859-15 mac_roman cp850",
    "spanish": "cp1252 latin-1 iso8859-15 mac_roman cp850",
    "portuguese": "cp1252 latin-1 iso8859-15 mac_roman cp850",
    "italian": "cp1252 latin-1 iso8859-15 mac_roman",
    "swedish": "cp1252 latin-1 iso8859-15 mac_roman cp850",
    "danish": "cp1252 latin-1 iso8859-15 cp865",
    "icelandic": "cp1252 latin-1 iso8859-15",
    "polish": "cp1250 iso8859-2 cp852 mac_latin2",
    "czech": "cp1250 iso8859-2 cp852 mac_latin2",
    "slovak": "cp1250 iso8859-2",
    "hungarian": "cp1250 iso8859-2 cp852",
    "romanian": "cp1250 iso8859-2",
    "croatian": "cp1250 iso8859-2",
    "turkish": "cp1254 iso8859-9 cp857",
    "russian": "cp1251 koi8-r iso8859-5 cp866 mac_cyrillic",
    "ukrainian": "cp1251 koi8-u cp1125",
    "bulgarian": "cp1251 iso8859-5 mac_cyrillic",
    "greek": "cp1253 iso8859-7",
    "hebrew": "cp1255 iso8859-8",
    "arabic": "cp1256 iso8859-6",
    "persian": "cp1256",
    "thai": "cp874 tis-620",
    "vietnamese": "cp1258",
    "lithuanian": "cp1257 iso8859-13",
    "latvian": "cp1257 iso8859-13",
    "japanese": "shift_jis cp932 euc_jp iso2022_jp",
    "korean": "cp949 euc_kr johab",
    "chinese": "gb18030 gbk gb2312 hz",
    "taiwanese": "big5 cp950 big5hkscs",
}


def table(language: str, *, rows: int) -> str:
    """Return a CSV file of so many people, as text."""
    people = [line.split() for line in PEOPLE[language].strip().splitlines()]
    lines = ["email,first_name,last_name,city"]
    for number in range(rows):
        first = people[number % len(people)][0]
        _first, last, *city = people[(number // len(people) + number) % len(people)]
        lines.append(f"person{number}@example.com,{first},{last},{' '.join(city)}")
    return "\n".join(lines) + "\n"


def encode(text: str, encoding: str) -> bytes:
    """Encode as programs do: Vietnamese Windows keeps the marks of tones apart."""
    if encoding != "cp1258":
        return text.encode(encoding)
    return "".join(map(_with_tone_apart, text)).encode(encoding)


def _with_tone_apart(letter: str) -> str:
    decomposed = unicodedata.normalize("NFD", letter)
    base, marks = decomposed[0], decomposed[1:]
    apart = ""
    for mark in marks:
        joined = unicodedata.normalize("NFC", base + mark)
        if len(joined) == 1 and _fits(joined):
            base = joined
        else:
            apart += mark
    return base + apart


def _fits(letter: str) -> bool:
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True
