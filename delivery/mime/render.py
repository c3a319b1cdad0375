"""One person's mail from a compiled message: a few look-ups, one signature of links, one join."""

import re
from base64 import b32encode, encodebytes
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from time import time

from django.utils.translation import gettext as _
from markupsafe import escape

from campaigns.rendering import isolation, web_addresses
from campaigns.rendering.compile import CompiledContent
from campaigns.rendering.errors import ContentError
from campaigns.rendering.links import PIXEL_TAG
from campaigns.rendering.values import Trusted, values_for
from delivery.mime import headers, tokens
from delivery.mime.dkim import relaxed_body
from delivery.mime.quoted_printable import TOKEN_WIDTH, canonical
from delivery.mime.recipient import Reader, Recipient, own_url
from delivery.mime.skeleton import CompiledMessage, WholePart
from delivery.mime.tokens import Purpose
from delivery.transports.protocol import Outgoing

# One transparent pixel, so that looking at the web version counts nothing.
_BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_NO_TOKENS = [b""] * len(Purpose)
_FILLING = bytes(-(tokens.ID_BYTES + tokens.MAC_BYTES) % 3)
_TOKEN_PLACE = (tokens.ID_BYTES + tokens.MAC_BYTES + len(_FILLING)) // 3 * 4
_DOT_FIRST = re.compile(rb"[\r\n]\.")


class RenderError(Exception):
    """One person's mail can't be made; everybody else's can. ``sentence`` says why."""

    def __init__(self, sentence: str, *, is_runaway: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.is_runaway = is_runaway  # it had to be stopped: more of its kind would cost seconds


# One person's results of each of a message's programs, or why there are none.
Filled = list[list[str]] | ContentError


def fill(message: CompiledMessage, recipients: Sequence[Recipient]) -> list[Filled]:
    """Have a message's conditions, loops and expressions run for some people, all at once.

    Raises:
        isolation.RunawayError: it had to be stopped; see `fill_one`.
    """
    if not message.programs:
        return [[] for _recipient in recipients]
    people: list[dict[str, str]] = []
    for recipient in recipients:
        digest = tokens.digest(recipient.message_id)
        signed = _tokens(message, recipient.message_id, digest)
        people.append(
            _values(message, recipient, signed, message.program_readers, message.program_own_tags)
        )
    return isolation.fill(message.programs, people)


def fill_one(message: CompiledMessage, recipient: Recipient) -> list[Filled]:
    """Do `fill` for one person; that it had to be stopped is what went wrong with their mail."""
    try:
        return fill(message, [recipient])
    except isolation.RunawayError as error:
        return [error]


def render(
    message: CompiledMessage,
    recipient: Recipient,
    *,
    at: float | None = None,
    filled: Filled | None = None,
) -> Outgoing:
    """Render one person's mail. ``at`` is the Date as Unix time (default: now).

    ``filled`` is what `fill` returned for this person, if it was asked before. The same arguments
    give the same bytes; another attempt differs in its Date alone.

    Raises:
        RenderError: this person's values don't fit, or the address can't be written to.
    """
    second = int(time() if at is None else at)
    if filled is None:
        (filled,) = fill_one(message, recipient)
    if isinstance(filled, ContentError):
        is_runaway = isinstance(filled, isolation.RunawayError)
        raise RenderError(str(filled), is_runaway=is_runaway) from filled
    digest = tokens.digest(recipient.message_id)
    signed = _tokens(message, recipient.message_id, digest)
    try:
        address = headers.ascii_address(recipient.email)
        pool = _pool(message, recipient, address, signed, second, filled)
    except headers.AddressError as error:
        raise RenderError(
            _("The address can't be written to: no such domain can exist.")
        ) from error
    except ContentError as error:
        raise RenderError(str(error)) from error
    pieces = [*pool, *message.constants]
    head = b"".join(message.head(pieces))
    data = b"".join([head, *message.body(pieces)])
    changing = pool
    if message.signer is not None:
        relaxed = [relaxed_body(value) for value in pool]
        body = message.body([*relaxed, *message.canonical_constants])
        signature = message.signer.sign(head, body, timestamp=second)
        changing, data = [*pool, signature], signature + data
    sender = message.envelope_from
    if message.verp_domain:
        bounce = tokens.cut(recipient.message_id, digest, Purpose.BOUNCE)
        sender = f"bounce+{b32encode(bounce).decode().rstrip('=').lower()}@{message.verp_domain}"
    return Outgoing(
        message_id=recipient.message_id,
        envelope_from=sender,
        envelope_to=address,
        data=data,
        needs_smtputf8=not address.isascii() or not sender.isascii(),
        has_no_dots=message.has_no_dots and not _DOT_FIRST.search(b"\n" + b"\n".join(changing)),
    )


def _tokens(message: CompiledMessage, message_id: int, digest: bytes) -> list[bytes]:
    """Return the URL tokens by purpose; those the message doesn't use stay empty.

    All are encoded at once: filled up to whole groups of three bytes, each token's letters are the
    same as those it has alone.
    """
    signed = _NO_TOKENS.copy()
    start = message_id.to_bytes(tokens.ID_BYTES, "big")
    size = tokens.MAC_BYTES
    raw = b"".join([start + digest[n * size : (n + 1) * size] + _FILLING for n in message.purposes])
    letters = b2a_base64(raw, newline=False).translate(_URL_SAFE)
    for number, purpose in enumerate(message.purposes):
        at = number * _TOKEN_PLACE
        signed[purpose] = letters[at : at + TOKEN_WIDTH]
    return signed


def _pool(  # noqa: PLR0913, PLR0917 - the hot path: everything that differs for this person
    message: CompiledMessage,
    recipient: Recipient,
    address: str,
    signed: list[bytes],
    second: int,
    filled: list[list[str]],
) -> list[bytes]:
    """Return everything that differs for this person, in the plan's order."""
    name = f"{recipient.first_name} {recipient.last_name}".strip()
    pool = [
        headers.mailbox("To", name, address),
        message.subject or _subject(message, recipient, filled),
        _date(second),
        *signed,
    ]
    for read, fallback, encode in message.slots:
        value = read(recipient)
        # By length, because a "no" and a zero are false but written out all the same.
        pool.append(encode(value if len(value) else fallback))
    pool.extend(block.encode(filled[block.program][block.number]) for block in message.blocks)
    pool.extend(_whole(message, whole, recipient, signed, filled) for whole in message.wholes)
    return pool


def _subject(message: CompiledMessage, recipient: Recipient, filled: list[list[str]]) -> bytes:
    values = {tag: read(recipient) for tag, read in message.subject_readers}
    blocks = filled[message.subject_program] if message.subject_program >= 0 else ()
    return headers.unstructured("Subject", message.content.subject.assemble(values, blocks))


def _values(
    message: CompiledMessage,
    recipient: Recipient,
    signed: list[bytes],
    readers: Sequence[tuple[str, Reader]],
    own_tags: Sequence[str],
) -> dict[str, str]:
    values = {tag: read(recipient) for tag, read in readers}
    for tag in own_tags:
        values[tag] = _own_url(tag, message.site_url, signed, track_url=message.track_url)
    return values


def _own_url(tag: str, site_url: str, signed: Sequence[bytes], *, track_url: str = "") -> Trusted:
    found = own_url(tag)
    if found is None:
        raise KeyError(tag)
    purpose, before, after = found
    if purpose is Purpose.TRACK and track_url:
        site_url = track_url
    return Trusted(f"{site_url}{before}{signed[purpose].decode()}{after}")


def _whole(
    message: CompiledMessage,
    whole: WholePart,
    recipient: Recipient,
    signed: list[bytes],
    filled: list[list[str]],
) -> bytes:
    values = _values(message, recipient, signed, whole.readers, whole.own_tags)
    blocks = filled[whole.program] if whole.program >= 0 else ()
    encoded = encodebytes(canonical(whole.template.assemble(values, blocks)))
    return encoded.replace(b"\n", b"\r\n")


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    """Return a Date field's value (RFC 5322 §3.3); English whatever the locale."""
    moment = datetime.fromtimestamp(second, UTC)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    month = "JanFebMarAprMayJunJulAugSepOctNovDec"[moment.month * 3 - 3 : moment.month * 3]
    return f"{day}, {moment:%d} {month} {moment:%Y %H:%M:%S} +0000".encode()


PERSONAL = frozenset({"unsubscribe_url", "preferences_url"})


def render_web_version(content: CompiledContent, recipient: Recipient, *, site_url: str) -> str:
    """Return the HTML page of one person's mail, with its links and without its open pixel.

    People pass this page on, so it holds no link that acts for its reader: who wants to leave or
    to change something uses the mail itself.

    A plain-text mail becomes a page of preformatted text. Serve it with a Content-Security-Policy
    that allows no script: its author is not this site's.

    Raises:
        RenderError: this person's values don't fit.
    """
    template = content.html or content.text
    digest = tokens.digest(recipient.message_id)
    signed = [
        b2a_base64(tokens.cut(recipient.message_id, digest, purpose)).translate(_URL_SAFE, b"=\n")
        for purpose in Purpose
    ]
    values: dict[str, str] = values_for(recipient, content.tags)
    for tag in template.tags:
        if own_url(tag):
            values[tag] = (
                Trusted("#") if tag in PERSONAL else _own_url(tag, site_url.rstrip("/"), signed)
            )
    values[PIXEL_TAG] = Trusted(_BLANK)
    try:
        page = template.render(values)
    except isolation.BusyError:
        raise
    except ContentError as error:
        raise RenderError(str(error)) from error
    if content.html is not None:
        return page
    subject = escape(content.subject.render(values))
    linked = "".join(
        f'<a href="{escape(piece)}">{escape(piece)}</a>' if is_address else escape(piece)
        for piece, is_address in web_addresses.linked(page)
    )
    return (
        f'<!doctype html>\n<html lang="{content.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{subject}</title></head><body><pre>{linked}</pre></body></html>\n"
    )
