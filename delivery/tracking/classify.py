"""Who caused an open or a click: a person, a privacy proxy or a scanner.

No single sign is proof, so only signs that people don't give are used: how the request was made,
how it names itself, whose network it came from, and how soon after the hand-over. `observe` notes
the signs, `decide` weighs them; `review` adds what is known later.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network

from crawleruseragents import is_crawler  # type: ignore[import-untyped]  # it has no types

from delivery.states import AgentClass, EventKind
from delivery.tracking import networks
from delivery.tracking.evidence import Sign

SOONEST_PERSON = 2.0  # seconds after the hand-over; nobody reads faster
# Apple's Mail Privacy Protection loads every image soon after delivery, whether read or not.
APPLE_PROXY = "Mozilla/5.0"
DATA_CENTRE_SECONDS = 60.0  # people read mail over VPNs, too, but hardly a minute after it came
APPLE_NETWORK = ip_network("17.0.0.0/8")
# These fetch an image when a person opens the mail, so they stand for that person. Lists of bots
# name them all the same.
PERSONS_IMAGE_PROXY = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE).search
# The desktop program showing a mail to its reader; without this word, Office is probing a link.
OUTLOOK = re.compile(r"Microsoft Outlook", re.IGNORECASE).search
GATEWAY = re.compile(
    r"barracuda|proofpoint|urldefense|mimecast|safelinks|ms-?office|microsoft office(?! \w+/\d)|"
    r"ironport|fireeye|trellix|forcepoint|messagelabs|symantec|sophos|trend ?micro|"
    r"mailscanner|spamassassin|bitdefender|zscaler|checkpoint|vadesecure|hornetsecurity",
    re.IGNORECASE,
).search


_READ = 1_000  # characters; longer ones say nothing new
# A phone's model and build stand behind its system and can hold any word: AP3A, Cubot, Butterfly.
_DEVICE = re.compile(
    r"(?<=Android)(?P<version>[ /]?[\w.]*+);"
    r"(?:(?:[^()]|\([^()]*+\))*?Build/[^;)\s]*+|(?:[^()]|\([^()]*+\))*+)|\bBuild/[^;)\s]*+"
)
# Programs for people whose names also stand in lists of bots.
_PERSONS = re.compile(
    r"coc_?coc_?browser|\d\s?coccoc (?:Safari|$)|SogouM(?:SE|obileBrowser)|SogouSearch Android|"
    r"MetaSr|WhatsApp\+?/\S+ .*Device/|XBMC/|Kodi/|QtWeb Internet|bsalsa\.com| Notion/|"
    r" Raindrop\.io/|Viber/|^\(Android\)|^SkyNet/|HTC[ _]?Butterfly|^Amazon\.com/|Rdio|"
    r"[A-Z]\w+Reader/[\d.]+ ?\(Android|baiduboxapp|baidubrowser|YahooMobile|Lotus-Notes|Airmail|"
    r"eM ?Client|Postbox/|The Bat!|OutlookMobile|Outlook-(?:iOS|Android)|com\.google\.android\.gm",
    re.IGNORECASE,
).search
# How programs name themselves that nobody looks at: by what they do …
_WORKS = re.compile(
    r"(?<!cu)(?<!ro)bots?(?![a-z])|bot[_/]|robot|crawl|spider|scrap[ei]|slurp|fetch|archiv|"
    r"scann|\bscan|monitor|checker|validator|\bpreview|headless|probe|indexer|harvest|"
    r"\bfeed|\brss|newsgator|reader/\d|\bping|uptime|lighthouse|pagespeed|screenshot|sitemap|"
    r"\bseo|analy[sz]er|inspect|verif|extract|grab|link.?check|transcoder|translat|"
    r"wordpress|agent/|research|survey|observat|diagnos|thumbnail|adsense|adwords|-google|google-|"
    r"measure|synthetic|appraisal|"
    # … by what they are made with …
    r"\bcurl|wget|python|^java/|okhttp|\bgo-|golang|\bruby|\bperl|\bphp|axios|node-fetch|"
    r"node\.js|\bnode\b|undici|superagent|http.?client|libwww|\blwp|urllib|aiohttp|httpx|guzzle|"
    r"postman|insomnia|httpie|jakarta|winhttp|apache-|\bhttp\.rb|faraday|typhoeus|mechanize|"
    r"scrapy|puppeteer|playwright|phantomjs|selenium|cypress/|slimerjs|jsdom|nscurl|reqwest|"
    r"hyper/|\bnutch|heritrix|"
    # … or by saying who can be asked about them.
    r"https?:/|\bwww\.[a-z]|[\w.+-]+(?:@|\[at\]| at )[\w-]+\.[a-z]{2}|\w\.(?:com|org|net)\b(?!\.)",
    re.IGNORECASE,
).search
# "compatible" without a browser behind it is what bots say: Mozilla/5.0 (compatible; Name/1.0).
_COMPATIBLE = re.compile(
    r"\(compatible;(?!.*(?:MSIE|Konqueror|KHTML|AppleWebKit|iCab|OmniWeb|Windows|Linux|Mac OS|"
    r"Android|"
    r"Polaris|Teleca|Brew|Symbian|Nokia|SonyEricsson|NetFront|Profile/|BeOS|Amiga|RISC OS|Haiku|"
    r"MorphOS|InfiNet|Go\.Web|NetPositive|UP\.|YOSPACE|IE \d))",
    re.IGNORECASE,
).search
# Nothing but names and versions, none of them a browser's, a system's or a phone's.
_NAMES_ONLY = re.compile(
    r"(?:Mozilla/\d\.\d )?(?![^a-z]*+(?:Mozilla|"
    r"Opera))[A-Za-z][\w.:+-]*+(?: [A-Za-z][\w.+-]*+){0,3}"
    r"(?:/v?\d\S*+)?(?: [A-Za-z][\w.-]*+/\S++)*+(?: \([^();]*+\))?"
).fullmatch
_LIVES = re.compile(
    r"Gecko|AppleWebKit|KHTML|MSIE|Trident|Presto|NetFront|Firefox|Navigator|Opera|OPR/|UP[./]|"
    r"browser|Android|iPhone|iPad|iPod|\biOS|watchOS|tvOS|CFNetwork|Darwin|Windows|Macintosh|"
    r"Mac ?OS|"
    r"Symbian|Tizen|BlackBerry|MIDP|CLDC|Profile|WAP|Obigo|Teleca|Maemo|MeeGo|Bada|Brew|J2ME|"
    r"Series|"
    r"Dalvik|Roku|AppleTV|AppleCoreMedia|Linux|X11|TV|Hybridcast|CrKey|PlayStation|Nintendo|webOS|"
    r"Kindle|nook|UCWEB|Lynx|Links|w3m|Dillo|Amiga|Palm|Midori|BonEcho|Mosaic|VLC|QuickTime|Player|"
    r"Outlook|Thunderbird|Postbox|Notes|Airmail|The Bat|Evolution|Mail|Barca|Monazilla|Citrix|"
    r"Avaya|"
    r"^(?:Alcatel|HTC|Huawei|LG|Lenovo|SIE|Sagem|Sanyo|Panasonic|Philips|Sharp|ZTE|DoCoMo|KDDI|"
    r"J-PHONE|"
    r"Vodafone|Amazon|Asus|Acer|MOT|Motorola|Nokia|SonyEricsson|Sony|SEC-|Samsung|SGH|Nexian|"
    r"FLY|KWC|"
    r"Mitsu|NEC|Sendo|Siemens|Toshiba|Kyocera|BenQ|Bird|Haier|TCL|Tecno|Karbonn|Micromax|Spice|"
    r"Lava|"
    r"Coolpad|Dopod|Gionee|Oppo|Vivo|Xiaomi|Meizu|Pantech|PT-|Dell|HP|IBM|T-Mobile|Orange|"
    r"i-mate|DLNA|"
    r"A/|[A-Z0-9]{2,8}[-_][A-Z]*\d)",
    re.IGNORECASE,
).search


_NEVER = Sign.HEAD | Sign.PREFETCH | Sign.NO_AGENT | Sign.HIDDEN_LINK
_NEVER |= Sign.ALL_LINKS | Sign.WITH_HIDDEN_LINK
_NO_READER = Sign.PROGRAM | Sign.GATEWAY | Sign.NETWORK
# Privacy proxies load images only: what follows a link under their name is something else. Those
# who fetch images for people follow no links.
_NO_CLICKER = _NO_READER | Sign.NO_LANGUAGE | Sign.PRIVACY_PROXY | Sign.IMAGE_PROXY | Sign.OFFICE


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What one request for a pixel or a link shows of its maker."""

    kind: EventKind
    user_agent: str
    ip: str = ""
    is_head: bool = False
    names_language: bool = True  # it sent Accept-Language, as every browser does
    seconds_after: float | None = None  # since the hand-over; None: not recorded yet
    is_prefetch: bool = False
    names_accept: bool = True
    is_hidden_link: bool = False


def classify(visit: Visit) -> AgentClass:
    """Say who made this request, as far as the request itself tells."""
    return decide(visit.kind, observe(visit))


def observe(visit: Visit) -> int:
    """Return the signs of a request: bits of `evidence.Sign`."""
    signs = of_agent(visit.user_agent)
    if visit.is_head:
        signs |= Sign.HEAD.value
    if visit.is_prefetch:
        signs |= Sign.PREFETCH.value
    if not visit.names_language:
        signs |= Sign.NO_LANGUAGE.value
    if not visit.names_accept:
        signs |= Sign.NO_ACCEPT.value
    if visit.is_hidden_link:
        signs |= Sign.HIDDEN_LINK.value
    return signs | of_network(visit.ip, visit.kind, visit.seconds_after)


def of_network(ip: str, kind: EventKind, seconds_after: float | None) -> int:
    """Return the signs of where a request came from, and when."""
    signs = 0
    if seconds_after is not None and seconds_after < SOONEST_PERSON:
        signs |= Sign.SOON.value
    if ip:
        if kind == EventKind.OPENED and _in_apple_network(ip):
            signs |= Sign.PRIVACY_PROXY.value
        owner = networks.owner(ip)
        if owner and (
            owner.filters_mail
            or (owner.is_data_centre and (seconds_after or 0) < DATA_CENTRE_SECONDS)
        ):
            signs |= Sign.NETWORK.value
    return signs


def decide(kind: EventKind, signs: int) -> AgentClass:
    """Say what signs mean; the same signs always mean the same."""
    if signs & _NEVER.value:
        return AgentClass.SCANNER
    if kind == EventKind.OPENED:
        if signs & Sign.PRIVACY_PROXY.value:
            return AgentClass.PROXY
        if signs & Sign.SOON.value:
            return AgentClass.SCANNER
        if signs & Sign.IMAGE_PROXY.value:
            return AgentClass.HUMAN
        return AgentClass.SCANNER if signs & _NO_READER.value else AgentClass.HUMAN
    return AgentClass.SCANNER if signs & (_NO_CLICKER | Sign.SOON).value else AgentClass.HUMAN


@lru_cache(maxsize=4096)
def of_agent(user_agent: str) -> int:
    """Return the signs of how a program names itself."""
    if not user_agent:
        return Sign.NO_AGENT.value
    if user_agent == APPLE_PROXY:
        return Sign.PRIVACY_PROXY.value
    if PERSONS_IMAGE_PROXY(user_agent):
        return Sign.IMAGE_PROXY.value
    if OUTLOOK(user_agent):
        return Sign.OFFICE.value if is_bot(user_agent) else 0
    if GATEWAY(user_agent):
        return Sign.GATEWAY.value
    return Sign.PROGRAM.value if is_bot(user_agent) else 0


@lru_cache(maxsize=4096)
def _in_apple_network(ip: str) -> bool:
    try:
        return ip_address(ip) in APPLE_NETWORK
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Say whether a program names itself as a mail gateway, a crawler or a script.

    A list knows the common ones; the rest say what they do, what they are made with, whom to ask,
    or nothing of what a person's program says. In doubt it is a person.
    """
    if GATEWAY(user_agent):
        return True
    if _PERSONS(user_agent):
        return False
    bare = _DEVICE.sub(_without_device, user_agent[:_READ])
    if is_crawler(bare) or _WORKS(bare) or _COMPATIBLE(bare):
        return True
    return bool(_NAMES_ONLY(bare)) and not _LIVES(bare)


def _without_device(found: re.Match[str]) -> str:
    return found["version"] or ""
