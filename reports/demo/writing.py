"""What the demo's coffee roaster writes: campaigns in English and Indonesian."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCampaign:
    """One campaign's words; ``days_ago`` is None for drafts and scheduled ones."""

    name: str
    subject: str
    preheader: str
    source: str
    days_ago: float | None = None
    lists: tuple[str, ...] = ("Kopi Senja Weekly",)
    links: tuple[str, ...] = ()


WEEKEND = DemoCampaign(
    name="Weekend roast: two new origins",
    subject="Two new origins this weekend, {{ first_name|default('friend') }}",
    preheader="Toraja and Flores, roasted on Thursday",
    days_ago=9,
    links=(
        "https://kopisenja.example/gayo",
        "https://kopisenja.example/toraja",
        "https://kopisenja.example/brew-guide",
        "https://instagram.example/kopisenja",
    ),
    source="""# Hello {{ first_name|default("friend") }},

Two origins came down from the roaster this week, and both are worth getting up early for.

**Gayo, Takengon** – washed, cupped at 86. Brown sugar, tangerine, a long cocoa finish.

::button[Try the Gayo](https://kopisenja.example/gayo)

**Toraja, Sapan** – wet-hulled the old way. Cedar, dark chocolate, low acidity.

::button[Try the Toraja](https://kopisenja.example/toraja)

Not sure how to brew them? Our [brew guide](https://kopisenja.example/brew-guide) has a recipe for
each, in grams and seconds.

See you at the bar – or on [Instagram](https://instagram.example/kopisenja).

*Ayu, Kopi Senja*
""",
)
THANKS = DemoCampaign(
    name="Terima kasih, 10.000 pelanggan",
    subject="Terima kasih, {{ first_name|default('kawan') }} – kita sudah 10.000",
    preheader="Sepuluh ribu cangkir, satu cerita",
    days_ago=21,
    lists=("Kopi Senja Weekly", "Kabar Kopi"),
    links=(
        "https://kopisenja.example/cerita",
        "https://kopisenja.example/hadiah",
        "https://kopisenja.example/toko",
    ),
    source="""# Halo {{ first_name|default("kawan") }},

Minggu ini pelanggan kami yang ke-10.000 membeli sekantong Gayo. Tiga tahun lalu kami mulai
dengan satu mesin sangrai dan satu meja di Jalan Braga.

Terima kasih sudah ikut. [Ini cerita kami](https://kopisenja.example/cerita), dari kebun sampai
cangkir.

::button[Ambil hadiahmu](https://kopisenja.example/hadiah)

Mampir ke [toko](https://kopisenja.example/toko) sebelum Minggu, secangkir kopi tubruk untukmu
gratis.

*Ayu dan semua di Kopi Senja*
""",
)
EARLIER = tuple(
    DemoCampaign(
        name=f"Brew guide no. {number}: {topic}",
        subject=f"Brew guide no. {number}: {topic}",
        preheader="Grams, seconds, and why",
        days_ago=days_ago,
        links=(
            f"https://kopisenja.example/brew-guide/{number}",
            "https://kopisenja.example/toko",
        ),
        source=f"""# Hello {{{{ first_name|default("friend") }}}},

This week: **{topic}**. Fifteen grams, two hundred and fifty of water, and a little patience.

::button[Read the recipe](https://kopisenja.example/brew-guide/{number})

The beans for it are [in the shop](https://kopisenja.example/toko).

*Ayu, Kopi Senja*
""",
    )
    for number, topic, days_ago in (
        (9, "the V60, slowly", 82.2),
        (10, "French press for six", 68.1),
        (11, "kopi tubruk, properly", 54.3),
        (12, "AeroPress in a tent", 40.0),
        (13, "milk that behaves", 29.2),
    )
)
HARVEST = DemoCampaign(
    name="Panen raya: the Gayo harvest is in",
    subject="Panen raya: the Gayo harvest is in, {{ first_name|default('friend') }}",
    preheader="Three lots, one week old, roasted Thursday",
    source="""# Halo {{ first_name|default("friend") }},

The new **Gayo** lots came down the mountain last week. We cupped eleven and kept three.

::button[See the three lots](https://kopisenja.example/gayo)

If you are near {{ city|default("Bandung") }}, come taste them on Saturday.
""",
)
COLD_DRIP = DemoCampaign(
    name="Brew guide no. 14: cold drip",
    subject="Brew guide no. 14: cold drip",
    preheader="Eight hours, one drop a second",
    source="""# Hello {{ first_name|default("friend") }},

Cold drip wants eight hours and almost no attention. One drop a second, and a lot of ice.

::button[Read the recipe](https://kopisenja.example/brew-guide/14)

*Ayu, Kopi Senja*
""",
)
FINISHED = (*EARLIER, THANKS, WEEKEND)
