"""What a provider's answer means for one mail, and whom it blames.

====================  ====================================================  ========  =======
answer                                                                      verdict   blame
====================  ====================================================  ========  =======
2xx with an accepted status or an id for the person                         sent      nobody
2xx with neither, or that nobody can read                                   unknown   nobody
2xx, "rejected" or "invalid" for the person                                 failed    person
an error code or field of the provider's that we know                       see `provider_errors`
420, 429                                                                    not sent  patience
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
from typing import Any, Final

import requests

from delivery.transports.protocol import Verdict
from delivery.transports.providers.catalogue import Spec
from delivery.transports.providers.errors import NOTHING, Blame, Fault

MOST_WORDS: Final = 400
_OF_BLAME: Final = {
    Blame.PERSON: Verdict.FAILED,
    Blame.MAIL: Verdict.FAILED,
    Blame.ACCOUNT: Verdict.NOT_SENT,
    Blame.PATIENCE: Verdict.NOT_SENT,
    Blame.SERVER: Verdict.DEFERRED,
}
_OF_STATUS: Final = {
    **dict.fromkeys((401, 402, 403, 404, 405), (Verdict.NOT_SENT, Blame.ACCOUNT)),
    **dict.fromkeys((408, 409, 425), (Verdict.DEFERRED, Blame.PERSON)),
    # Too Many Requests; 420 is SparkPost's word for it
    **dict.fromkeys((420, 429), (Verdict.NOT_SENT, Blame.PATIENCE)),
    **dict.fromkeys((502, 504), (Verdict.UNKNOWN, Blame.SERVER)),
}
NO_ANSWER: Final = "no answer in time"
LONGEST_PATIENCE: Final = 24 * 3600.0

SPEAKS_OF_ACCOUNT: Final = re.compile(
    r"api[ _-]?key|(?:server|api|access) token|credentials|unauthori[sz]ed|not (?:verified|allowed"
    r" to send)|unverified|sender (?:signature|identity)|account (?:is )?(?:suspended|disabled"
    r"|inactive|not active)|insufficient|credit|quota|billing|plan\b",
    re.IGNORECASE,
)


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
    status: int,
    *,
    words: str,
    person: str,
    fault: Fault = NOTHING,
    retry_after: float | None = None,
) -> Answer:
    """Read a refusal: the provider's own error first, then the HTTP status, then its words."""
    verdict, blame = _judge(status, words=words, person=person, fault=fault)
    return Answer(verdict=verdict, blame=blame, code=status, words=words, retry_after=retry_after)


def _judge(status: int, *, words: str, person: str, fault: Fault) -> tuple[Verdict, Blame]:
    if fault.blame is not None:
        return Verdict.DEFERRED if fault.is_temporary else _OF_BLAME[fault.blame], fault.blame
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if status >= 500:  # noqa: PLR2004
        return Verdict.DEFERRED, Blame.SERVER
    names_person = person.lower() in words.lower()
    speaks_of_account = SPEAKS_OF_ACCOUNT.search(words) and not names_person
    is_redirect = 300 <= status < 400  # noqa: PLR2004 - the account has a wrong address of its provider
    if is_redirect or speaks_of_account:
        return Verdict.NOT_SENT, Blame.ACCOUNT
    return Verdict.FAILED, Blame.PERSON if names_person else Blame.MAIL


def rejected(statuses: set[str], *, code: int, words: str) -> Answer:
    """Read a refusal that names this very person (Anymail's normalised statuses)."""
    return Answer(
        verdict=Verdict.FAILED,
        blame=Blame.PERSON,
        code=code,
        enhanced="5.1.3" if statuses == {"invalid"} else "",
        words=words or ", ".join(sorted(statuses)),
    )


def taken(statuses: set[str], *, code: int, words: str, provider_id: str, spec: Spec) -> Answer:
    """Read what a 2xx answer says about its one recipient (Anymail's normalised statuses).

    Accepted is what the provider says so of: by a status of its own, or by the id it gives. Some
    say neither; there Anymail's "queued" or "failed" is its own guess, and proves nothing.
    """
    clean_id = clean(provider_id)[:255]
    is_accepted = bool(statuses & {"queued", "sent"}) if spec.names_status else bool(clean_id)
    is_accepted = is_accepted or (bool(clean_id) and statuses == {"unknown"})
    if spec.accepts_with not in {0, code} or not is_accepted:
        words = words or "the answer does not say that the mail was taken"
        return Answer(verdict=Verdict.UNKNOWN, code=code, words=words)
    return Answer(verdict=Verdict.SENT, code=code, provider_id=clean_id)


def broken(error: BaseException, *, is_written: bool) -> Answer:
    """Read a connection that broke: whether the whole request had been written decides."""
    verdict = Verdict.UNKNOWN if is_written else Verdict.NOT_SENT
    words = NO_ANSWER if "imeout" in type(error).__name__ else "the connection broke"
    return Answer(verdict=verdict, blame=Blame.SERVER, words=words)


def body_of(response: Any) -> Any:
    """Return an answer's JSON, or None."""
    if not isinstance(response, requests.Response):
        return response
    try:
        return response.json()
    except ValueError:
        return None


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
