"""The text that people read in a mail that came back, and what a server said in it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from delivery.bounces import phrases
from delivery.bounces.mail import Mail, Part
from delivery.bounces.returned import WHOLE, Returned
from delivery.refusals.classify import Stage
from delivery.refusals.words import Words

LONGEST: Final = 60_000  # characters of text that are read
_SEGMENT: Final = 1_500
_LONGEST_RULE: Final = 120
_SHORT_RULE: Final = 40
REPLY: Final = re.compile(
    r"(?<![\w.@/:#-])([45]\d\d)[ \t]*(?:[-#]|[ \t]|$)[ \t#]{0,3}(?:([245]\.\d{1,3}\.\d{1,3})\b)?",
    re.MULTILINE,
)
_ANSWERS: Final = re.compile(r"[ \t<]*[245]\d\d[ \t]|>>>|\.\.\. while|While talking")
_GOES_ON: Final = re.compile(r"[ \t<]*[245]\d\d-")
_STATUS: Final = re.compile(r"(?<![\d.])#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_AFTER_DATA: Final = re.compile(
    r"in reply to (?:the )?end of DATA|after end of data|in reply to (?:the )?DATA|"
    r"after DATA|>>> \.|failed after I sent the message|did not like our (?:DATA|message)|\[DATA\]|"
    r"\(state 1[5-8]\)",
)
_AT_RECIPIENT: Final = re.compile(
    r"in reply to (?:the )?RCPT|after RCPT|does not like recipient|>>> ?RCPT|did not like our RCPT|"
    r"\[RCPT_?TO\]|RCPT TO:<|\(state 14\)",
    re.IGNORECASE,
)


def notification(mail: Mail) -> str:
    """Return what people read before the copy of ours: plain text, else HTML without tags."""
    parts = list(_before_the_copy(mail))
    plain = [part for part in parts if part.kind != "text/html"]
    kept: list[str] = []
    room = LONGEST
    for part in [*(plain or parts)]:
        kept.append(part.text()[:room])
        room -= len(kept[-1])
        if room <= 0:
            break
    text = "\n".join(kept)
    if not text.strip() and plain:
        text = "\n".join(part.text() for part in parts if part.kind == "text/html")[:LONGEST]
    return text


def _before_the_copy(mail: Mail) -> Iterator[Part]:
    for part in mail.parts:
        if part.kind in WHOLE:
            return
        if part.kind.startswith("text/") or part.kind in {"message/plain", "application/text"}:
            yield part


def without_copy(text: str, returned: Returned) -> str:
    """Cut the copy of our mail off, where it stands in the same text."""
    if returned.in_text >= 0:
        text = text[: returned.in_text]
    place = 0
    for line in text.splitlines(keepends=True):
        if place and _is_rule(line) and phrases.COPY_BEGINS.are_in(Words(line)):
            return text[:place]
        place += len(line)
    return text


def _is_rule(line: str) -> bool:
    """Say whether a line stands between two things: dashes, a title, a few words."""
    words = line.strip()
    return 0 < len(words) < _LONGEST_RULE and (
        words[:2] in {"--", "==", "__", "**"}
        or words[-1] in ":："
        or (not words[-1].isalnum() and len(words) < _SHORT_RULE)
    )


def said_of(recipient: str, text: str, others: Iterable[str] = ()) -> str:
    """Return what the text says of one recipient: from their address on, to the next one's."""
    lowered = text.lower()
    at = lowered.find(recipient.lower())
    if at < 0:
        return text[:_SEGMENT]
    end = min(len(text), at + _SEGMENT)
    for other in others:
        if other.lower() != recipient.lower():
            place = lowered.find(other.lower(), at + len(recipient), end)
            if place >= 0:
                end = max(at + len(recipient), text.rfind("\n", 0, place) + 1)
    return text[text.rfind("\n", 0, at) + 1 : end]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A server's answer inside a text; ``code`` 0 and ``enhanced`` "" where it has none."""

    code: int = 0
    enhanced: str = ""
    text: str = ""
    stage: Stage = ""


def reply_in(text: str) -> Reply:
    """Find the server's answer in a text: the first final one (5xx), else the first (4xx)."""
    best: re.Match[str] | None = None
    weight = (0, False)
    for found in REPLY.finditer(text[: _SEGMENT * 2]):
        its = (int(found[1][0]), bool(found[2]))
        if its > weight:
            best, weight = found, its
    stage = _stage(text)
    if best is None:
        status = _STATUS.search(text)
        return Reply(enhanced=status[1] if status else "", text=text, stage=stage)
    words = _one_answer(text[best.start() : best.start() + 800].partition("\n\n")[0])
    status = _STATUS.search(words)
    return Reply(
        code=int(best[1]),
        enhanced=best[2] or (status[1] if status else ""),
        text=words,
        stage=stage,
    )


def _one_answer(text: str) -> str:
    """Return the lines of one answer: a code on a line that none announced begins the next."""
    lines = text.split("\n")
    for place, line in enumerate(lines[1:], 1):
        if _ANSWERS.match(line) and not _GOES_ON.match(lines[place - 1]):
            return "\n".join(lines[:place])
    return text


def _stage(text: str) -> Stage:
    text = " ".join(text.split())
    if _AFTER_DATA.search(text):
        return "data"
    return "recipient" if _AT_RECIPIENT.search(text) else ""
