"""What is known about mail domains: who runs them, which are throw-away, which are mistyped."""

from functools import cache

from subscribers.states import DomainGroup

# Exact domains of each provider.
PROVIDERS: dict[DomainGroup, frozenset[str]] = {
    DomainGroup.GMAIL: frozenset({"gmail.com", "googlemail.com"}),
    DomainGroup.OUTLOOK: frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"}),
    DomainGroup.YAHOO: frozenset(
        {"yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "aim.com", "myyahoo.com"}
    ),
    DomainGroup.APPLE: frozenset({"icloud.com", "me.com", "mac.com", "privaterelay.appleid.com"}),
    DomainGroup.COMCAST: frozenset({"comcast.net"}),
    DomainGroup.GMX: frozenset({"gmx.com", "web.de"}),
    DomainGroup.ORANGE: frozenset({"orange.fr", "wanadoo.fr"}),
}
# Names that a provider uses under many countries' domains: yahoo.co.id, hotmail.fr, gmx.at …
COUNTRY_NAMES: dict[str, DomainGroup] = {
    "outlook": DomainGroup.OUTLOOK,
    "hotmail": DomainGroup.OUTLOOK,
    "live": DomainGroup.OUTLOOK,
    "yahoo": DomainGroup.YAHOO,
    "gmx": DomainGroup.GMX,
}
SECOND_LEVEL = frozenset({"co", "com", "net"})
COUNTRY_LETTERS = 2

# Domains that people mistype, and real ones that look like a mistyped one.
OFTEN_MISTYPED = (
    "gmail.com",
    "googlemail.com",
    "hotmail.com",
    "outlook.com",
    "yahoo.com",
    "yahoo.co.id",
    "yahoo.co.uk",
    "icloud.com",
)
LOOK_ALIKES = frozenset(
    {"gmail.co.uk", "hotmail.co.uk", "outlook.co.id", "hotmail.co.id", "yahoo.co"}
)
MISTYPED_ENDS = frozenset(
    {
        "con",
        "cmo",
        "comm",
        "ocm",
        "vom",
        "cim",
        "cpm",
        "xom",
        "coom",
        "om",
        "c0m",
        "comn",
        "co",
        "cm",
    }
)


def group(domain: str) -> DomainGroup:
    """Say whose servers take a domain's mail, as far as its name tells; no DNS is asked."""
    for provider, domains in PROVIDERS.items():
        if domain in domains:
            return provider
    name, _, rest = domain.partition(".")
    country = COUNTRY_NAMES.get(name)
    if country is None:
        return DomainGroup.OTHER
    labels = rest.split(".")
    if len(labels[-1]) != COUNTRY_LETTERS or labels[:-1] not in ([], *([s] for s in SECOND_LEVEL)):
        return DomainGroup.OTHER
    return country


@cache
def _disposable() -> frozenset[str]:
    from disposable_email_domains import blocklist

    return frozenset(blocklist)


def is_disposable(domain: str) -> bool:
    """Say whether a domain, or the domain above it, hands out throw-away addresses."""
    known = _disposable()
    return domain in known or domain.partition(".")[2] in known


def suggestion(domain: str) -> str:
    """Return the well-known domain that this one is most likely a typo of, or "".

    One slip of the fingers (a letter missing, doubled, swapped or wrong) after a right first
    letter, or a mistyped ending. The first letter must be right because qmail.com, zmail.com and
    their like belong to somebody.
    """
    if domain in LOOK_ALIKES or group(domain) is not DomainGroup.OTHER:
        return ""
    name, _, end = domain.partition(".")
    for known in OFTEN_MISTYPED:
        known_name, _, known_end = known.partition(".")
        if end == known_end and name[:1] == known_name[0] and _one_slip(name, known_name):
            return known
        if name == known_name and known_end == "com" and end in MISTYPED_ENDS:
            return known
    return ""


def _one_slip(given: str, known: str) -> bool:
    if given == known or abs(len(given) - len(known)) > 1:
        return False
    start = 0
    while start < min(len(given), len(known)) and given[start] == known[start]:
        start += 1
    left, right = given[start:], known[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )
