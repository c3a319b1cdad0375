"""What kind of device a program runs on, and what it is called, by how it names itself."""

import re
from functools import lru_cache

import ua_parser

from delivery.states import Device
from delivery.tracking import classify
from delivery.tracking.evidence import Sign

_OTHER = re.compile(
    r"smart-?tv|\bTV\b|AppleTV|tvOS|CrKey|Roku|BRAVIA|HbbTV|watchOS|Watch\b|PlayStation|Nintendo|"
    r"Xbox|Kindle/\d|Web0S|Tizen.*TV",
    re.IGNORECASE,
).search
_TABLET = re.compile(
    r"iPad|\bTablet\b|PlayBook|Silk/(?!.*Mobile)|Kindle|KF[A-Z]{2,4}\b|SM-T\d|Nexus (?:7|9|10)\b|"
    r"Android(?!.*\b(?:Mobile|Phone)\b)(?=.*(?:AppleWebKit|Gecko))",
    re.IGNORECASE,
).search
_PHONE = re.compile(
    r"iPhone|iPod|Android|\bMobile\b|Windows Phone|IEMobile|BlackBerry|BB10|Opera Mini|Opera Mobi|"
    r"Symbian|\bMIDP|KAIOS|HarmonyOS",
    re.IGNORECASE,
).search
_DESKTOP = re.compile(
    r"Windows|Macintosh|Mac OS X|Mac_PowerPC|X11|Linux|CrOS|Thunderbird|Microsoft Outlook",
    re.IGNORECASE,
).search


@lru_cache(maxsize=4096)
def device_of(user_agent: str) -> Device:
    """Return the kind of device, `UNKNOWN` for programs and for proxies that stand before one."""
    no_reader = Sign.IMAGE_PROXY | Sign.PRIVACY_PROXY | Sign.PROGRAM | Sign.GATEWAY | Sign.NO_AGENT
    if classify.of_agent(user_agent) & no_reader.value:
        return Device.UNKNOWN
    for looks_like, device in (
        (_OTHER, Device.OTHER),
        (_TABLET, Device.TABLET),
        (_PHONE, Device.PHONE),
        (_DESKTOP, Device.DESKTOP),
    ):
        if looks_like(user_agent):
            return device
    return Device.UNKNOWN


@lru_cache(maxsize=1024)
def client_of(user_agent: str) -> str:
    """Name program and system for people, as "Firefox, Windows"; "" where nothing is known."""
    found = ua_parser.parse(user_agent)
    names = (found.user_agent, found.os)
    return ", ".join(one.family for one in names if one and one.family != "Other")
