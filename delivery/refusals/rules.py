"""The rules of `classify`, as data; raise `VERSION` whenever an answer may come out otherwise.

Phrases stand in phrases.toml. Kept mails are read again when the version rises.

Sources: RFC 5321 §4.2 (codes), RFC 3463 and the
IANA registry of enhanced status codes (RFC 5248), RFC 7293, 7372, 7504, 7505, and what Microsoft
documents of its 5.7.5xx to 5.7.7xx; a provider's use of a code that contradicts the registry is
noted where it stands.
"""

import re
from typing import Final

from delivery.refusals.causes import Cause

VERSION: Final = 1
LONGEST: Final = 2_000  # characters of a server's words that are read
STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")

# What comes after the first digit of statuses that leave nothing for words to say.
DECISIVE: Final = frozenset(
    {"7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.29", "7.509", "7.515", "7.750"}
)
# Statuses whose subject is something else than whether the mailbox exists: beside them, words that
# say so are doubted.
CONTRADICTS_UNKNOWN: Final = ("5.2.", "5.7.")
# Mobile carriers that call people unknown who filter the sender.
CARRIERS: Final = ("docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "i.softbank.jp")
# Whoever says one of these knows the user to be unknown, even after the whole mail was sent.
NO_SUCH_USER: Final = frozenset({"5.1.1", "5.1.10"})

# Whole statuses that mean something else with the other first digit.
BY_STATUS: Final[dict[str, Cause]] = {
    "4.1.8": Cause.DNS_TROUBLE,
    "4.4.3": Cause.DNS_TROUBLE,
    "4.4.4": Cause.DNS_TROUBLE,
    "4.7.0": Cause.RATE_LIMITED,
    "4.7.1": Cause.GREYLISTED,
    "4.7.28": Cause.RATE_LIMITED,
    "5.4.3": Cause.DNS_TROUBLE,
    "5.4.4": Cause.DOMAIN_UNKNOWN,
    "5.4.5": Cause.RATE_LIMITED,  # Gmail: daily limits
}
# What comes after the first digit.
BY_DETAIL: Final[dict[str, Cause]] = {
    "1.0": Cause.RECIPIENT_REFUSED,
    "1.1": Cause.USER_UNKNOWN,
    "1.2": Cause.DOMAIN_UNKNOWN,
    "1.3": Cause.ADDRESS_SYNTAX,
    "1.4": Cause.RECIPIENT_REFUSED,  # ambiguous
    "1.6": Cause.MOVED,
    "1.7": Cause.SENDER_REJECTED,
    "1.8": Cause.SENDER_REJECTED,
    "1.9": Cause.SYSTEM_ERROR,
    "1.10": Cause.DOMAIN_TAKES_NO_MAIL,  # RFC 7505; Exchange Online: no such recipient
    "1.20": Cause.USER_UNKNOWN,  # Exchange Online: several of the same address
    "2.0": Cause.FILTERED,
    "2.1": Cause.MAILBOX_DISABLED,
    "2.2": Cause.MAILBOX_FULL,
    "2.3": Cause.TOO_LARGE,
    "2.4": Cause.SYSTEM_ERROR,  # a list of theirs could not be expanded
    "3.1": Cause.SYSTEM_FULL,
    "3.2": Cause.SYSTEM_ERROR,
    "3.3": Cause.PROTOCOL,
    "3.4": Cause.TOO_LARGE,
    "3.5": Cause.SYSTEM_ERROR,
    "4.0": Cause.NETWORK,
    "4.1": Cause.NETWORK,
    "4.2": Cause.NETWORK,
    "4.5": Cause.SYSTEM_ERROR,
    "4.6": Cause.MAIL_LOOP,
    "4.7": Cause.EXPIRED,
    "4.14": Cause.MAIL_LOOP,  # Exchange Online
    "4.300": Cause.EXPIRED,  # Exchange Online
    "4.310": Cause.DOMAIN_UNKNOWN,  # Exchange Online
    "4.312": Cause.DNS_TROUBLE,  # Exchange Online
    "4.316": Cause.EXPIRED,  # Exchange Online
    "5.3": Cause.TOO_MANY_RECIPIENTS,
    "7.1": Cause.POLICY,
    "7.2": Cause.RESTRICTED_RECIPIENT,
    "7.3": Cause.POLICY,
    "7.8": Cause.SIGN_IN_REQUIRED,
    "7.9": Cause.POLICY,  # Yahoo; a weak way to sign in elsewhere
    "7.10": Cause.TLS_FAILED,
    "7.11": Cause.TLS_FAILED,
    "7.13": Cause.MAILBOX_DISABLED,
    "7.14": Cause.SIGN_IN_REQUIRED,
    "7.15": Cause.POLICY,
    "7.17": Cause.MOVED,  # the mailbox has another owner
    "7.18": Cause.MOVED,  # the domain has
    "7.20": Cause.AUTHENTICATION_FAILED,
    "7.21": Cause.AUTHENTICATION_FAILED,
    "7.22": Cause.AUTHENTICATION_FAILED,
    "7.23": Cause.AUTHENTICATION_FAILED,
    "7.24": Cause.AUTHENTICATION_FAILED,
    "7.25": Cause.NO_REVERSE_DNS,
    "7.26": Cause.AUTHENTICATION_FAILED,
    "7.27": Cause.SENDER_REJECTED,
    "7.28": Cause.RATE_LIMITED,
    "7.29": Cause.AUTHENTICATION_FAILED,
    "7.30": Cause.TLS_FAILED,
    "7.64": Cause.RELAY_DENIED,  # Exchange Online
    "7.124": Cause.RESTRICTED_RECIPIENT,  # Exchange Online, to 7.136
    "7.129": Cause.RESTRICTED_RECIPIENT,
    "7.133": Cause.RESTRICTED_RECIPIENT,
    "7.134": Cause.RESTRICTED_RECIPIENT,
    "7.135": Cause.RESTRICTED_RECIPIENT,
    "7.136": Cause.RESTRICTED_RECIPIENT,
    "7.193": Cause.RESTRICTED_RECIPIENT,
    "7.501": Cause.SPAM_CONTENT,
    "7.508": Cause.RATE_LIMITED,
    "7.509": Cause.AUTHENTICATION_FAILED,
    "7.512": Cause.MALFORMED,
    "7.515": Cause.AUTHENTICATION_FAILED,
    "7.705": Cause.ACCOUNT_LIMIT,
    "7.708": Cause.BLOCKLISTED,
    "7.750": Cause.ACCOUNT_LIMIT,
}
# RFC 3463 §2: the middle number, where the last says nothing more.
BY_SUBJECT: Final[dict[str, Cause]] = {
    "1": Cause.RECIPIENT_REFUSED,
    "2": Cause.RECIPIENT_REFUSED,
    "3": Cause.SYSTEM_ERROR,
    "4": Cause.NETWORK,
    "5": Cause.PROTOCOL,
    "6": Cause.MALFORMED,
    "7": Cause.POLICY,
}
# Ranges of Microsoft's: first and last number after "7.".
_RANGES: Final = (
    (500, 519, Cause.POLICY),
    (600, 649, Cause.BLOCKLISTED),
    (650, 699, Cause.RATE_LIMITED),
    (700, 749, Cause.ACCOUNT_LIMIT),
    (800, 899, Cause.RATE_LIMITED),
)
BY_CODE: Final[dict[int, Cause]] = {
    421: Cause.SYSTEM_ERROR,
    432: Cause.SIGN_IN_REQUIRED,
    450: Cause.SYSTEM_ERROR,
    451: Cause.SYSTEM_ERROR,
    452: Cause.SYSTEM_FULL,
    454: Cause.TLS_FAILED,
    455: Cause.PROTOCOL,
    500: Cause.PROTOCOL,
    501: Cause.PROTOCOL,
    502: Cause.PROTOCOL,
    503: Cause.PROTOCOL,
    504: Cause.PROTOCOL,
    525: Cause.MAILBOX_DISABLED,
    530: Cause.SIGN_IN_REQUIRED,
    534: Cause.SIGN_IN_REQUIRED,
    535: Cause.SIGN_IN_REQUIRED,
    538: Cause.SIGN_IN_REQUIRED,
    551: Cause.MOVED,
    552: Cause.MAILBOX_FULL,
    553: Cause.RECIPIENT_REFUSED,
    555: Cause.PROTOCOL,
    556: Cause.DOMAIN_TAKES_NO_MAIL,  # RFC 7504; its 521 is used for blocked addresses, too
}


def by_number(detail: str) -> Cause | None:
    """Return what one of Microsoft's numbers means, from what follows a status's first digit."""
    subject, _, number = detail.partition(".")
    if subject != "7" or not number.isdecimal():
        return None
    return next((cause for low, high, cause in _RANGES if low <= int(number) <= high), None)
