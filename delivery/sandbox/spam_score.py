"""What rspamd thinks of a mail, if RSPAMD_URL names one: asked on request, within bounds."""

import json
import time
from dataclasses import dataclass
from typing import Any, Final

import requests
from django.conf import settings
from django.utils.translation import gettext as _
from urllib3.exceptions import HTTPError

LARGEST: Final = 8 * 1024 * 1024  # bytes of a mail that are sent to it
LARGEST_ANSWER: Final = 1024 * 1024
CONNECT_SECONDS: Final = 3.0
SECONDS: Final = 15.0  # for the whole answer
MOST_SYMBOLS: Final = 200
LONGEST_WORDS: Final = 300
_HIGHEST: Final = 1_000_000.0


class SpamScoreError(Exception):
    """There is no score; ``sentence`` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Symbol:
    """One rule that fitted."""

    name: str
    score: float
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpamScore:
    """rspamd's verdict: the score, from where on it is spam, and the rules, weightiest first."""

    score: float
    required: float
    action: str
    symbols: tuple[Symbol, ...]

    @property
    def tone(self) -> str:
        """How to show it: good, waiting or failed."""
        if self.action in {"no action", "greylist"}:
            return "good" if self.action == "no action" else "waiting"
        return "failed"


def is_configured() -> bool:
    """Say whether there is an rspamd to ask."""
    return bool(settings.RSPAMD_URL)


def ask(raw: bytes, *, envelope_from: str, envelope_to: str) -> SpamScore:
    """Ask rspamd about a mail.

    Raises:
        SpamScoreError: it is too large, or rspamd does not answer as it should.
    """
    if len(raw) > LARGEST:
        raise SpamScoreError(_("The email is too large to be checked for spam here."))
    headers = {
        "From": _line(envelope_from),
        "Rcpt": _line(envelope_to),
        "Content-Type": "application/octet-stream",
    }
    if settings.RSPAMD_PASSWORD:
        headers["Password"] = settings.RSPAMD_PASSWORD
    until = time.monotonic() + SECONDS
    try:
        with (
            requests.Session() as session,
            session.post(
                f"{settings.RSPAMD_URL.rstrip('/')}/checkv2",
                data=raw,
                headers=headers,
                timeout=(CONNECT_SECONDS, SECONDS),
                allow_redirects=False,
                stream=True,
                proxies={"http": "", "https": ""},
            ) as answer,
        ):
            if answer.status_code != requests.codes.ok:
                raise SpamScoreError(
                    _("rspamd answered with status %(status)d. Check RSPAMD_URL and its password.")
                    % {"status": answer.status_code}
                )
            body = _body(answer, until)
    except (requests.RequestException, HTTPError) as error:
        raise SpamScoreError(
            _("rspamd could not be reached. Check that it runs where RSPAMD_URL says.")
        ) from error
    return _read(body)


def _line(text: str) -> str:
    return "".join(letter for letter in text if " " < letter < "\x7f")


def _body(answer: requests.Response, until: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := answer.raw.read1(65_536):  # what has come, however little
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST_ANSWER or time.monotonic() > until:
            raise SpamScoreError(_("rspamd's answer was too long or too slow."))
    return b"".join(pieces)


def _read(body: bytes) -> SpamScore:
    try:
        said = json.loads(body)
        rules = said["symbols"]
        symbols = [_symbol(name, one) for name, one in list(rules.items())[:MOST_SYMBOLS]]
        return SpamScore(
            score=_number(said["score"]),
            required=_number(said["required_score"]),
            action=_words(said["action"]),
            symbols=tuple(sorted(symbols, key=lambda one: -abs(one.score))),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SpamScoreError(_("What answered at RSPAMD_URL is not rspamd.")) from error


def _symbol(name: str, said: dict[str, Any]) -> Symbol:
    return Symbol(
        name=_words(name),
        score=_number(said.get("score", 0)),
        description=_words(said.get("description", "")),
    )


def _number(value: Any) -> float:
    number = float(value)
    if not -_HIGHEST < number < _HIGHEST:
        raise ValueError("no score")
    return number


def _words(value: Any) -> str:
    return "".join(letter for letter in str(value)[:LONGEST_WORDS] if letter.isprintable())
