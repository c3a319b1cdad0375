"""From a request's body to the events in it, each as it was said.

Bodies are other people's: a batch may hold something that is no event, a number of ten thousand
digits, a list nested to the sky. Each event is a JSON value of its own from here on, so that a bad
one spoils itself alone.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext_noop as _

from delivery.states import Provider

MOST_EVENTS: Final = 10_000  # in one request; SendGrid's largest are a thousand or two
LONGEST_NUMBER: Final = 40  # digits; nobody counts so far
DEEPEST: Final = 60


class UnreadableBodyError(Exception):
    """No event can be found in it; the text says why, for whoever set it up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One event as it came: its JSON value and, where it stands beside, its id."""

    raw: Any
    event_id: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A request's content: JSON, or the fields of a form."""

    value: Any


def inflate(data: bytes, encoding: str, *, most: int) -> bytes | None:
    """Undo a body's compression (RFC 9110 §8.4.1); None: it is larger than ``most``, or damaged."""
    kinds = {"gzip": 31, "x-gzip": 31, "deflate": 15}
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return data
    if name not in kinds:
        return None
    for bits in (kinds[name], -15):
        unpacker = zlib.decompressobj(bits)
        try:
            whole = unpacker.decompress(data, most + 1)
        except zlib.error:
            continue
        return whole if len(whole) <= most and unpacker.eof else None
    return None


def read(request: HttpRequest) -> Body:
    """Read a body.

    Raises:
        UnreadableBodyError: it is neither JSON nor a form.
    """
    if request.content_type in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        return Body({name: list(values) for name, values in request.POST.lists()})
    try:
        return Body(load(request.body))
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError(_("An event came that is not JSON.")) from error


def load(data: bytes | str) -> Any:
    """Read JSON; a number too long to be one becomes text.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested to the sky.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    try:
        return json.loads(text)
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            raise
        return json.loads(text, parse_int=_number)  # a number of thousands of digits


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits[:LONGEST_NUMBER]


def events(provider: str, body: Body, request: HttpRequest) -> list[Said]:
    """Return the events of a body, at most `MOST_EVENTS`; fewer than none never.

    Raises:
        UnreadableBodyError: this is no body of this provider.
    """
    try:
        found = list(_events(provider, body.value, request))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise UnreadableBodyError(
            _("An event came in a shape that this provider does not use.")
        ) from error
    return found[:MOST_EVENTS]


def _events(provider: str, value: Any, request: HttpRequest) -> Iterator[Said]:
    if provider in {Provider.SENDGRID, Provider.MAILJET, Provider.SPARKPOST}:
        for raw in value if isinstance(value, list) else [value]:
            if raw != {"msys": {}}:  # SparkPost's way to see whether anybody is there
                yield Said(raw=raw)
    elif provider == Provider.MAILTRAP:
        for raw in value.get("events", []):
            yield Said(raw=raw)
    elif provider == Provider.MANDRILL:
        for raw in load(value["mandrill_events"][-1]):
            yield Said(raw=raw)
    elif provider == Provider.UNISENDER_GO:
        yield from _of_unisender(value)
    elif provider == Provider.RESEND:
        yield Said(raw=_object(value), event_id=request.headers.get("svix-id", ""))
    else:
        yield Said(raw=_object(value))


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _of_unisender(value: Any) -> Iterator[Said]:
    """Yield both of its forms: one flat event, or all events of one user."""
    if "events_by_user" not in value:
        yield Said(raw=value)
        return
    for user in value["events_by_user"]:
        for event in user["events"]:
            is_status = isinstance(event, dict) and "event_data" in event
            yield Said(raw=event["event_data"] if is_status else event)


def depth_is_sane(value: Any) -> bool:
    """Say whether a value is nested no deeper than any provider nests."""
    level = [value]
    for _depth in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


def text_of(raw: Any) -> str:
    """Return an event as it is kept: JSON in ASCII, in which every character has its place."""
    return json.dumps(raw, ensure_ascii=True, separators=(",", ":"), default=str)
