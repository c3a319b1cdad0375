"""Whom a mail is for, how each merge tag is read from them, and which tags are URLs of ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from campaigns.rendering.links import LINK_TAG, PIXEL_TAG
from campaigns.rendering.values import PERSON_TAGS, MergeTags, field_value, typed
from delivery.mime.tokens import Purpose
from subscribers.states import FieldType


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """What a mail needs of one person; ``fields`` as in `subscribers.models.Subscriber`."""

    message_id: int
    subscriber_id: int
    email: str
    first_name: str = ""
    last_name: str = ""
    language: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


Reader = Callable[[Recipient], str]

# Where each tag of delivery's own leads: purpose, path before and after the token.
_PATHS: dict[str, tuple[Purpose, str, str]] = {
    "unsubscribe_url": (Purpose.UNSUBSCRIBE, "/u/", "/"),
    "preferences_url": (Purpose.PREFERENCES, "/p/", "/"),
    "view_url": (Purpose.VIEW, "/v/", "/"),
    PIXEL_TAG: (Purpose.TRACK, "/o/", ".gif"),
}


def own_url(tag: str) -> tuple[Purpose, str, str] | None:
    """Return purpose and path of a tag that stands for one of our URLs; None for others."""
    if tag.startswith(LINK_TAG):
        return Purpose.TRACK, "/c/", f"/{tag.removeprefix(LINK_TAG)}/"
    return _PATHS.get(tag)


def reader(tag: str, tags: MergeTags) -> Reader:
    """Return a function that reads one tag of a recipient."""
    if tag == "name":
        return lambda recipient: f"{recipient.first_name} {recipient.last_name}".strip()
    if tag in PERSON_TAGS:
        return attrgetter(tag)
    if tag in tags.constants:
        constant = tags.constants[tag]
        return lambda _recipient: constant
    if tag not in tags.fields:
        return lambda _recipient: ""
    key, kind = tags.fields[tag]
    fallback = tags.language

    def read(recipient: Recipient) -> str:
        value = recipient.fields.get(key)
        if type(value) is str and kind is not FieldType.DATE:
            return value
        return field_value(value, kind, recipient.language or fallback)

    return read


def typed_reader(tag: str, tags: MergeTags) -> Reader:
    """Return a function that reads one tag as expressions need it (`reader`: as text does)."""
    read = reader(tag, tags)
    return lambda recipient: typed(read(recipient))
