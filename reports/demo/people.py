"""Invents believable people. Every address ends in a name that is reserved for examples."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

INDONESIAN_FIRST = [
    "Dewi",
    "Budi",
    "Siti",
    "Agus",
    "Rina",
    "Fajar",
    "Putri",
    "Eko",
    "Wulan",
    "Hendra",
    "Ayu",
    "Rizky",
    "Sri",
    "Dimas",
    "Nurul",
    "Bayu",
    "Indah",
    "Arif",
    "Lestari",
    "Yoga",
    "Maya",
    "Galih",
    "Ratna",
    "Teguh",
    "Citra",
    "Andi",
    "Intan",
    "Wahyu",
    "Melati",
    "Joko",
    "Kartika",
    "Ilham",
    "Sekar",
    "Reza",
    "Anisa",
    "Hadi",
    "Vina",
    "Surya",
    "Tari",
    "Gilang",
    "Nadia",
    "Aditya",
    "Laras",
    "Bagus",
    "Mega",
    "Rendra",
    "Fitri",
    "Yusuf",
    "Kirana",
    "Danu",
]
INDONESIAN_LAST = [
    "Anggraini",
    "Santoso",
    "Wijaya",
    "Hidayat",
    "Lestari",
    "Pratama",
    "Kusuma",
    "Saputra",
    "Wulandari",
    "Nugroho",
    "Permata",
    "Siregar",
    "Setiawan",
    "Rahmawati",
    "Gunawan",
    "Maharani",
    "Hartono",
    "Utami",
    "Firmansyah",
    "Simanjuntak",
    "Purnama",
    "Susanti",
    "Ramadhan",
    "Handayani",
    "Prasetyo",
    "Nasution",
    "Suryadi",
    "Safitri",
    "Mahendra",
    "Puspita",
    "Lubis",
    "Kurniawan",
    "Aulia",
    "Wibowo",
    "Batubara",
]
OTHER_NAMES = [
    "Łukasz Nowak",
    "花子 山田",
    "Ana Souza",
    "Chloé Lefèvre",
    "Jürgen Groß",
    "Søren Østergaard",
    "Aoife O’Brien",
    "Nguyễn Minh",
    "Zoë van Dijk",
    "Márta Kovács",
    "Emily Carter",
    "James Whitfield",
    "Priya Raman",
    "Wei Chen",
    "Mateo García",
    "Ines Ferreira",
    "Tomás Herrera",
    "Freya Lind",
    "Omar Haddad",
    "Leila Karimi",
    "Kenji Mori",
    "Hana Dvořáková",
    "Nikos Pappas",
    "Elif Yılmaz",
    "Grace Okafor",
    "Liam Fraser",
    "Sofia Rossi",
    "Noah Fischer",
    "Mei Tan",
    "Arjun Menon",
]
CITIES = ("Bandung", "Jakarta", "Yogyakarta", "Surabaya", "Bogor", "Semarang", "Denpasar", "Medan")
CITIES_ABROAD = ("Singapore", "Amsterdam", "Melbourne", "Tokyo", "Berlin", "Kuala Lumpur")
INDONESIAN_SHARE, READS_INDONESIAN_SHARE, BIRTHDAY_SHARE = 0.82, 0.9, 0.4
ROASTS = ("light", "medium", "dark")
# (share, domain): the lanes look as they do in life, and no address can reach anybody.
DOMAINS = (
    (0.47, "gmail.example"),
    (0.11, "yahoo.example"),
    (0.10, "outlook.example"),
    (0.05, "icloud.example"),
    (0.07, "kampus.example"),
    (0.05, "kantor.example"),
    (0.05, "poczta.example"),
    (0.05, "mail.example.org"),
    (0.05, "warung.example.net"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoPerson:
    """One invented subscriber."""

    email: str
    first_name: str
    last_name: str
    language: str
    fields: dict[str, object]
    created_at: datetime


def _domain(random: Random) -> str:
    point = random.random()
    for share, domain in DOMAINS:
        point -= share
        if point < 0:
            return domain
    return DOMAINS[-1][1]


def _ascii(name: str) -> str:
    folded = name.lower().replace("ł", "l").replace("ø", "o").replace("ß", "ss")
    return "".join(letter for letter in folded if "a" <= letter <= "z")


def invent(count: int, *, now: datetime, seed: int = 12) -> Iterator[DemoPerson]:
    """Yield people with distinct addresses, oldest first; the same ones for the same seed.

    They joined over the last two years, more and more of them each month.
    """
    random = Random(seed)  # noqa: S311 - believable, not secret
    for number in range(count):
        indonesian = random.random() < INDONESIAN_SHARE
        if indonesian:
            first, last = random.choice(INDONESIAN_FIRST), random.choice(INDONESIAN_LAST)
        else:
            first, _, last = random.choice(OTHER_NAMES).partition(" ")
        local = ".".join(part for part in (_ascii(first), _ascii(last)) if part) or "teman"
        age = 730 * (1 - ((number + 1) / (count + 1)) ** 0.62)
        created_at = now - timedelta(days=age, minutes=random.randrange(600))
        fields: dict[str, object] = {
            "city": random.choice(CITIES if indonesian else CITIES_ABROAD),
            "favourite_roast": random.choice(ROASTS),
            "orders": min(int(random.expovariate(0.35)), 40),
        }
        if random.random() < BIRTHDAY_SHARE:
            birthday = date(1962, 1, 1) + timedelta(days=random.randrange(16_000))
            fields["birthday"] = birthday.isoformat()
        yield DemoPerson(
            email=f"{local}{number + 1}@{_domain(random)}",
            first_name=first,
            last_name=last,
            language="id" if indonesian and random.random() < READS_INDONESIAN_SHARE else "en",
            fields=fields,
            created_at=min(created_at, now),
        )
