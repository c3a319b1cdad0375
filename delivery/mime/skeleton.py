"""A campaign's content becomes a message once: MIME skeleton, encoded constants, and a plan.

The plan is the order in which constant bytes and a person's few values follow each other, so that
`render` is one look-up per value and one join.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter

from django.conf import settings
from markupsafe import escape

from campaigns.rendering.compile import CompiledContent
from campaigns.rendering.split_template import Block, MergeTemplate, Program, Slot
from delivery.mime import headers, quoted_printable
from delivery.mime.dkim import Signer, relaxed_body
from delivery.mime.quoted_printable import Dynamic
from delivery.mime.recipient import Reader, own_url, reader, typed_reader
from delivery.mime.tokens import Purpose

# The pool's fixed places; values and constants follow.
TO, SUBJECT, DATE = 0, 1, 2
TOKENS = 3  # + Purpose
FIRST_VALUE = TOKENS + len(Purpose)
_FEEDBACK_WORDS = 4
_DOT_FIRST = re.compile(rb"[\r\n]\.")
_WHOLES = -1_000_000  # until all places are numbered, whole parts count down from here


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedBlock:
    """Where a block's result comes from: a program (by place in ``programs``), and its block."""

    program: int
    number: int
    encode: Callable[[str], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class WholePart:
    """A body that is rendered and base64-encoded as a whole (text that is mostly not Latin)."""

    template: MergeTemplate
    program: int  # -1: none of its parts has to be run
    readers: tuple[tuple[str, Reader], ...]
    own_tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledMessage:
    """Everything that is the same for all recipients of a content version.

    ``head`` and ``body`` pick from a pool: the fixed places, the values of ``slots``, ``blocks``
    and ``wholes`` in this order, then ``constants``. ``programs`` are run for each person by
    rendering processes, with the values of ``program_readers`` and ``program_own_tags``.
    """

    content: CompiledContent
    site_url: str
    track_url: str  # what links and pixels begin with
    message_domain: str
    envelope_from: str
    verp_domain: str
    purposes: tuple[Purpose, ...]
    slots: tuple[tuple[Reader, str, Callable[[str], bytes]], ...]
    blocks: tuple[PlacedBlock, ...]
    wholes: tuple[WholePart, ...]
    constants: tuple[bytes, ...]
    canonical_constants: tuple[bytes, ...]
    head: Callable[[Sequence[bytes]], tuple[bytes, ...]]
    body: Callable[[Sequence[bytes]], tuple[bytes, ...]]
    subject: bytes  # the whole field when it is the same for all, else empty
    subject_readers: tuple[tuple[str, Reader], ...]
    subject_program: int  # -1: none
    programs: tuple[Program, ...]
    program_readers: tuple[tuple[str, Reader], ...]
    program_own_tags: tuple[str, ...]
    signer: Signer | None
    has_no_dots: bool  # no line begins with a dot, unless a person's value brings one


def compile_message(  # noqa: PLR0913 - one header each
    content: CompiledContent,
    *,
    from_email: str,
    from_name: str = "",
    reply_to: str = "",
    list_id: str = "",
    list_name: str = "",
    feedback_id: Sequence[str] = (),
    unsubscribe_mailto: str = "",
    envelope_from: str = "",
    verp_domain: str = "",
    bulk: bool = True,
    auto_submitted: bool = False,
    site_url: str = "",
    track_url: str = "",
    signer: Signer | None = None,
) -> CompiledMessage:
    """Compile a content for one sender.

    ``list_id`` is a stable label (its domain is the sender's); ``feedback_id`` up to four words,
    the last names the sender; ``envelope_from`` empty: ``from_email``; ``verp_domain`` set: the
    return path is ``bounce+<token>@`` it; ``auto_submitted`` for mail that nobody wrote to a list
    (RFC 3834); ``signer`` adds DKIM signatures; ``track_url`` is a domain of the workspace's own
    for links and pixels (never for unsubscribing).

    Raises:
        headers.AddressError: the sender's address can't be written.
    """
    sender = headers.ascii_address(from_email)
    domain = sender.rpartition("@")[2].lower()
    site_url = (site_url or settings.SITE_URL).rstrip("/")
    plan = _Plan(content, site_url, track_url=track_url.rstrip("/") or site_url)
    plan.headers(
        b"".join(
            [
                headers.mailbox("From", from_name, sender),
                headers.mailbox("Reply-To", "", headers.ascii_address(reply_to))
                if reply_to
                else b"",
            ]
        )
    )
    plan.person_headers(domain, unsubscribe_mailto)
    fixed = _list_headers(list_id, list_name, feedback_id, domain)
    if bulk:
        fixed.append(b"Precedence: bulk\r\n")
    if auto_submitted:
        fixed.append(b"Auto-Submitted: auto-generated\r\n")
    plan.headers(b"".join([*fixed, b"MIME-Version: 1.0\r\n"]))
    plan.bodies()
    return plan.finish(
        envelope_from=envelope_from or sender,
        verp_domain=verp_domain,
        message_domain=domain,
        signer=signer,
    )


def _list_headers(
    list_id: str, list_name: str, feedback_id: Sequence[str], domain: str
) -> list[bytes]:
    fields: list[bytes] = []
    if list_id:
        label = f"{_label(list_id.lower())}.{domain}"
        fields.append(
            headers.mailbox("List-Id", list_name, label)
            if list_name
            else f"List-Id: <{label}>\r\n".encode()
        )
    if feedback_id:
        words = [_label(word) for word in feedback_id[-_FEEDBACK_WORDS:]]
        fields.append(headers.unstructured("Feedback-ID", ":".join(words)))
    return fields


def _label(word: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in word)


class _Plan:
    """Collects pieces of head and body."""

    def __init__(self, content: CompiledContent, site_url: str, *, track_url: str) -> None:
        self.content = content
        self.site_url = site_url
        self.track_url = track_url
        self.head: list[bytes | Dynamic] = []
        self.body: list[bytes | Dynamic] = []
        self.slots: list[tuple[Reader, str, Callable[[str], bytes]]] = []
        self.blocks: list[PlacedBlock] = []
        self.wholes: list[WholePart] = []
        self.programs: list[Program] = []
        self.program_tags: set[str] = set()
        self.purposes: set[Purpose] = {Purpose.MESSAGE, Purpose.UNSUBSCRIBE}
        self._slot_numbers: dict[tuple[str, str, str, bool], int] = {}

    def headers(self, constant: bytes) -> None:
        self.head.append(constant)

    def person_headers(self, domain: str, mailto: str) -> None:
        """Add To, Subject, Date, Message-ID and what a mail program unsubscribes by (RFC 8058)."""
        token = Dynamic(TOKENS + Purpose.MESSAGE)
        unsubscribe = Dynamic(TOKENS + Purpose.UNSUBSCRIBE)
        self.head += [Dynamic(TO), Dynamic(SUBJECT), b"Date: ", Dynamic(DATE)]
        self.head += [b"\r\nMessage-ID: <", token, f"@{domain}>\r\nX-Warta-Message: ".encode()]
        self.head += [token, f"\r\nList-Unsubscribe: <{self.site_url}/u/".encode(), unsubscribe]
        if mailto:
            self.head += [f"/>,\r\n <mailto:{headers.ascii_address(mailto)}?subject=".encode()]
            self.head += [unsubscribe, b">"]
        else:
            self.head.append(b"/>")
        self.head.append(b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")

    def bodies(self) -> None:
        """Add the MIME parts: text first (RFC 2046 §5.1.4)."""
        html = self.content.html
        if html is None:
            encoding, pieces = self._part(self.content.text, html=False)
            self.head.append(_part_headers("plain", encoding))
            self.body += pieces
            return
        boundary = self._boundary()
        self.head.append(
            f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode()
        )
        for kind, template in (("plain", self.content.text), ("html", html)):
            encoding, pieces = self._part(template, html=kind == "html")
            opening = f"--{boundary}\r\n".encode() + _part_headers(kind, encoding) + b"\r\n"
            self.body += [opening, *pieces, b"\r\n"]
        self.body.append(f"--{boundary}--\r\n".encode())

    def _boundary(self) -> str:
        """Return a boundary that neither quoted-printable nor base64 can contain (``=_``)."""
        content = self.content
        seed = content.text.constant + (content.html.constant if content.html else "")
        return f"=_{blake2b(seed.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"

    def _part(self, template: MergeTemplate, *, html: bool) -> tuple[str, list[bytes | Dynamic]]:
        constant = template.constant.encode("utf-8", "replace")
        encoded = quoted_printable.encode_pieces([template.constant])
        if (
            sum(len(piece) for piece in encoded if isinstance(piece, bytes))
            > 1.6 * len(constant) + 60
        ):
            return "base64", [self._whole(template)]
        pieces: list[str | Dynamic] = []
        program = self._program(template)
        blocks = 0
        for part in template.parts:
            if isinstance(part, str):
                pieces.append(part)
            elif isinstance(part, Slot):
                pieces += self._slot(part, html=html)
            else:
                self.blocks.append(
                    PlacedBlock(
                        program=program, number=blocks, encode=quoted_printable.encode_value
                    )
                )
                blocks += 1
                pieces.append(Dynamic(-len(self.blocks)))  # numbered when all slots are known
        return "quoted-printable", quoted_printable.encode_pieces(_joined(pieces))

    def _slot(self, slot: Slot, *, html: bool) -> list[str | Dynamic]:
        own = own_url(slot.tag)
        if own is not None:
            purpose, before, after = own
            self.purposes.add(purpose)
            url = f"{self.track_url if purpose is Purpose.TRACK else self.site_url}{before}"
            number = TOKENS + purpose
            return [str(escape(url)) if html else url, Dynamic(number, is_token=True), after]
        key = (slot.tag, slot.fallback, slot.kind, html)
        if key not in self._slot_numbers:
            self._slot_numbers[key] = len(self.slots)
            encode = quoted_printable.slot_encoder(slot.escape, slot.kind)
            self.slots.append((reader(slot.tag, self.content.tags), slot.fallback, encode))
        return [Dynamic(FIRST_VALUE + self._slot_numbers[key])]

    def _program(self, template: MergeTemplate) -> int:
        """Note what has to be run of a template; -1: nothing."""
        if template.program is None:
            return -1
        self.programs.append(template.program)
        for part in template.parts:
            if isinstance(part, Block):
                self.program_tags |= part.tags
        return len(self.programs) - 1

    def _whole(self, template: MergeTemplate) -> Dynamic:
        readers, own = self._needs(template.tags)
        program = self._program(template)
        self.wholes.append(
            WholePart(template=template, program=program, readers=readers, own_tags=own)
        )
        return Dynamic(_WHOLES - len(self.wholes))

    def _needs(
        self, tags: frozenset[str]
    ) -> tuple[tuple[tuple[str, Reader], ...], tuple[str, ...]]:
        own = tuple(sorted(tag for tag in tags if own_url(tag)))
        self.purposes |= {found[0] for tag in own if (found := own_url(tag))}
        readers = tuple(
            (tag, typed_reader(tag, self.content.tags)) for tag in sorted(tags.difference(own))
        )
        return readers, own

    def finish(
        self, *, envelope_from: str, verp_domain: str, message_domain: str, signer: Signer | None
    ) -> CompiledMessage:
        """Number all places and freeze."""
        if verp_domain:
            self.purposes.add(Purpose.BOUNCE)
        constants: list[bytes] = []
        blocks_at = FIRST_VALUE + len(self.slots)
        wholes_at = blocks_at + len(self.blocks)
        constants_at = wholes_at + len(self.wholes)

        def number(piece: bytes | Dynamic) -> int:
            if isinstance(piece, bytes):
                constants.append(piece)
                return constants_at + len(constants) - 1
            if piece.number <= _WHOLES:
                return wholes_at + _WHOLES - piece.number - 1
            return piece.number if piece.number >= 0 else blocks_at - piece.number - 1

        head = [number(piece) for piece in _merged([*self.head, b"\r\n"])]
        head_constants = len(constants)
        body = [number(piece) for piece in _merged(self.body)]
        subject_tags = self.content.subject.tags
        subject_program = self._program(self.content.subject)
        program_readers, program_own_tags = self._needs(frozenset(self.program_tags))
        return CompiledMessage(
            content=self.content,
            site_url=self.site_url,
            track_url=self.track_url,
            message_domain=message_domain,
            envelope_from=envelope_from,
            verp_domain=verp_domain,
            purposes=tuple(sorted(self.purposes)),
            slots=tuple(self.slots),
            blocks=tuple(self.blocks),
            wholes=tuple(self.wholes),
            constants=tuple(constants),
            canonical_constants=(
                *constants[:head_constants],
                *(relaxed_body(constant) for constant in constants[head_constants:]),
            ),
            head=_picker(head),
            body=_picker(body),
            subject=b""
            if subject_tags or subject_program >= 0
            else headers.unstructured("Subject", self.content.subject.render()),
            subject_readers=self._needs(subject_tags)[0],
            subject_program=subject_program,
            programs=tuple(self.programs),
            program_readers=program_readers,
            program_own_tags=program_own_tags,
            signer=signer,
            has_no_dots=not _has_dots(self.head) and not _has_dots(_merged(self.body)),
        )


def _part_headers(kind: str, encoding: str) -> bytes:
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    ).encode()


def _picker(numbers: list[int]) -> Callable[[Sequence[bytes]], tuple[bytes, ...]]:
    # itemgetter returns a bare item for one number; a doubled empty pick can't occur here because
    # a head has many pieces and a lone body piece is picked as a one-item slice.
    if len(numbers) == 1:
        only = numbers[0]
        return lambda pool: (pool[only],)
    return itemgetter(*numbers)


def _has_dots(pieces: list[bytes | Dynamic]) -> bool:
    """Say whether a constant may put a dot where a line begins (RFC 5321 §4.5.2)."""
    before: bytes | Dynamic = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            is_inside = isinstance(before, Dynamic) and before.is_token
            if _DOT_FIRST.search(piece) or (piece.startswith(b".") and not is_inside):
                return True
        before = piece
    return False


def _joined(pieces: list[str | Dynamic]) -> list[str | Dynamic]:
    """Join neighbouring texts."""
    out: list[str | Dynamic] = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        else:
            out.append(piece)
    return out


def _merged(pieces: list[bytes | Dynamic]) -> list[bytes | Dynamic]:
    """Join neighbouring constants."""
    out: list[bytes | Dynamic] = []
    for piece in pieces:
        if isinstance(piece, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += piece
        elif piece != b"":
            out.append(piece)
    return out
