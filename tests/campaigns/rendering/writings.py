"""Contents and values that the rendering's tests share."""

from dataclasses import dataclass, field

from campaigns.rendering.compile import CompiledContent, Writing, compile_content
from campaigns.rendering.values import MergeTags, Trusted, Untrusted, values_for
from campaigns.states import ContentKind
from subscribers.states import FieldType

TAGS = MergeTags(
    fields={
        "city": ("city", FieldType.TEXT),
        "points": ("points", FieldType.NUMBER),
        "vip": ("vip", FieldType.BOOLEAN),
        "birthday": ("birthday", FieldType.DATE),
        "drinks": ("drinks", FieldType.MULTI_CHOICE),
        "shop": ("shop", FieldType.URL),
        "favourite_coffee": ("favourite-coffee", FieldType.TEXT),
    },
    constants={
        "workspace_name": Untrusted("Kopi Senja"),
        "postal_address": Untrusted("Jl. Braga 12, Bandung"),
        "website": Untrusted("https://kopisenja.example"),
    },
    language="en",
)

OWN_URLS = {
    "unsubscribe_url": Trusted("https://news.example/u/T/"),
    "preferences_url": Trusted("https://news.example/p/T/"),
    "view_url": Trusted("https://news.example/v/T/"),
    "_open_pixel": Trusted("https://news.example/o/T.gif"),
} | {f"_link_{n}": Trusted(f"https://news.example/c/T/{n}/") for n in range(1, 30)}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody who gets a mail."""

    email: str = "dewi@example.com"
    first_name: str = "Dewi"
    last_name: str = "Anggraini"
    language: str = "en"
    fields: dict = field(default_factory=dict)


def values(**given):
    names = {
        key: given.pop(key)
        for key in ("email", "first_name", "last_name", "language")
        if key in given
    }
    return values_for(Reader(**names, fields=given), TAGS) | OWN_URLS


def compiled(source, kind=ContentKind.MARKDOWN, *, tags=TAGS, **options) -> CompiledContent:
    writing = {
        key: options.pop(key)
        for key in ("subject", "preheader", "text", "template_source", "brand")
        if key in options
    }
    return compile_content(Writing(kind=kind, source=source, **writing), tags, **options)


def html(source, kind=ContentKind.HTML, **options):
    given = options.pop("values", values())
    return compiled(source, kind, **options).html.render(given)


def text(source, kind=ContentKind.MARKDOWN, **options):
    given = options.pop("values", values())
    return compiled(source, kind, **options).text.render(given)
