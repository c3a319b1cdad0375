"""What a provider's answer means for one mail, and whom it blames.

====================  ====================================================  ========  =======
answer                                                                      verdict   blame
====================  ====================================================  ========  =======
2xx                                                                         sent      nobody
2xx that nobody can read                                                    unknown   nobody
2xx, "rejected", "invalid", "failed" for the person                         failed    person
429, or a refusal whose code speaks of a rate (SES: Throttling…)            not sent  patience
401, 402, 403, and refusals that speak of the account or its key            not sent  account
3xx, 404, 405: no such address at the provider (redirects: never followed)  not sent  account
409 (the same key is under way just now), 408, 425                          deferred  person
502, 504: who knows what stood behind the gateway                           unknown   server
other 5xx                                                                   deferred  server
other 4xx that names the recipient's address                                failed    person
other 4xx                                                                   failed,   mail
                                                                            or def. *
connection broke before the request was written                            not sent   server
connection broke after that, or no answer in time                           unknown   server
====================  ====================================================  ========  =======

(*) As with SMTP: a refusal that names nobody may be about the sender. Where the mail before was
accepted it is final; where it was not, the mail waits, and a few such in a row stop the account.
"""

import email.utils
import re
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import requests

from delivery.transports.protocol import Verdict

MOST_WORDS: Final = 400
NO_ANSWER: Final = "no answer in time"
LONGEST_PATIENCE: Final = 24 * 3600.0

PATIENCE_CODES: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "LimitExceededException",
        "RequestLimitExceeded",
    }
)
ACCOUNT_CODES: Final = frozenset(
    {
        "AccessDeniedException",
        "AccountSuspendedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "OptInRequired",
        "SendingPausedException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
SPEAKS_OF_ACCOUNT: Final = re.compile(
    r"api[ _-]?key|(?:server|api|access) token|credentials|unauthori[sz]ed|not (?:verified|allowed"
    r" to send)|unverified|sender (?:signature|identity)|account (?:is )?(?:suspended|disabled"
    r"|inactive|not active)|insufficient|credit|quota|billing|plan\b",
    re.IGNORECASE,
)


class Blame(Enum):
    """Who is at fault when it is not accepted."""

    NOBODY = "nobody"
    PERSON = "person"
    MAIL = "mail"
    ACCOUNT = "account"
    SERVER = "server"
    PATIENCE = "patience"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a provider said about one mail; ``code`` is the HTTP status, 0: it said nothing."""

    verdict: Verdict
    blame: Blame = Blame.NOBODY
    code: int = 0
    enhanced: str = ""
    words: str = ""
    provider_id: str = ""
    retry_after: float | None = None


def refused(
    status: int, *, words: str, person: str, code: str = "", retry_after: float | None = None
) -> Answer:
    """Read a refusal: HTTP status, the provider's words, its own error code where it has one."""
    said: dict[str, Any] = {"code": status, "words": words, "retry_after": retry_after}
    if status == 429 or code in PATIENCE_CODES:  # noqa: PLR2004 - Too Many Requests
        return Answer(verdict=Verdict.NOT_SENT, blame=Blame.PATIENCE, **said)
    if status in {502, 504}:
        return Answer(verdict=Verdict.UNKNOWN, blame=Blame.SERVER, **said)
    if status >= 500:  # noqa: PLR2004
        return Answer(verdict=Verdict.DEFERRED, blame=Blame.SERVER, **said)
    names_person = person.lower() in words.lower()
    speaks_of_account = SPEAKS_OF_ACCOUNT.search(words) and not names_person
    is_redirect = status < 400  # noqa: PLR2004 - the account has a wrong address of its provider
    if (
        is_redirect
        or status in {401, 402, 403, 404, 405}
        or code in ACCOUNT_CODES
        or speaks_of_account
    ):
        return Answer(verdict=Verdict.NOT_SENT, blame=Blame.ACCOUNT, **said)
    if status in {408, 409, 425}:
        return Answer(verdict=Verdict.DEFERRED, blame=Blame.PERSON, **said)
    blame = Blame.PERSON if names_person else Blame.MAIL
    return Answer(verdict=Verdict.FAILED, blame=blame, **said)


def accepted(statuses: set[str], *, code: int, words: str, provider_id: str) -> Answer:
    """Read what a 2xx answer says about its one recipient (Anymail's normalised statuses)."""
    if statuses and statuses <= {"invalid", "rejected", "failed"}:
        return Answer(
            verdict=Verdict.FAILED,
            blame=Blame.PERSON,
            code=code,
            enhanced="5.1.3" if statuses == {"invalid"} else "",
            words=words or ", ".join(sorted(statuses)),
        )
    return Answer(verdict=Verdict.SENT, code=code, provider_id=clean(provider_id)[:255])


def broken(error: BaseException, *, is_written: bool) -> Answer:
    """Read a connection that broke: whether the whole request had been written decides."""
    verdict = Verdict.UNKNOWN if is_written else Verdict.NOT_SENT
    words = NO_ANSWER if "imeout" in type(error).__name__ else "the connection broke"
    return Answer(verdict=verdict, blame=Blame.SERVER, words=words)


def words_of(response: requests.Response) -> str:
    """Return a provider's own words from its answer, whatever shape it has."""
    try:
        found = _texts(response.json())
    except ValueError:
        found = [response.text]
    return clean(" ".join(found) or str(response.reason or ""))[:MOST_WORDS]


def clean(text: str) -> str:
    """Return text in one line without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def _texts(value: Any, *, depth: int = 0) -> list[str]:
    """Collect the sentences in a JSON answer; codes, ids and links say nothing to people."""
    if depth > 4:  # noqa: PLR2004
        return []
    if isinstance(value, str):
        return [value] if " " in value.strip() else []
    if isinstance(value, list):
        return [text for item in value[:5] for text in _texts(item, depth=depth + 1)]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item, depth=depth + 1)]
    return []


def seconds_until(value: str | None) -> float | None:
    """Read Retry-After (RFC 9110 §10.2.3): seconds, or a date; None: it says nothing of use."""
    if not value:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return min(float(text), LONGEST_PATIENCE)
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None
    return min(max(0.0, at - time.time()), LONGEST_PATIENCE)
