"""Has what authors wrote compiled and filled in by rendering processes, within bounds.

Everything outside this package comes in here (or through `stored`): no page, sending process or
command ever runs a template itself. Time and memory are limited by the kernel
(`rendering_process`), not by the interpreter that does the work. What was rendered is remembered
for a while: an autosave asks for the same preview and checks several times.
"""

import hashlib
import io
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.findings import Finding, Level, of_content
from campaigns.rendering import links, pool, rendering_process, split_template
from campaigns.rendering.errors import ContentError
from campaigns.rendering.lint import mark
from campaigns.rendering.preview import ExamplePerson, of_error
from campaigns.rendering.turns import NoTurnError, Turns

if TYPE_CHECKING:
    from campaigns.findings import Finding
    from campaigns.rendering.compile import CompiledContent, Writing
    from campaigns.rendering.lint import LineMark
    from campaigns.rendering.preview import Preview
    from campaigns.rendering.split_template import Program
    from campaigns.rendering.values import MergeTags, Person
    from campaigns.states import ContentKind

AT_ONCE: Final = 2  # rendering processes that work at the same time for one of ours
WAIT_SECONDS: Final = 60.0
PAGE_WAIT_SECONDS: Final = 10.0
FILL_WAIT_SECONDS: Final = 15.0
CROWDED_SECONDS: Final = 0.5
NICE_PAGES: Final = 10  # previews give way to sending
MOST_READ_HERE: Final = 4_000  # characters of a link or subject: reading them takes milliseconds
REMEMBERED: Final = 64
REMEMBERED_BYTES: Final = 16_000_000
REMEMBERED_SECONDS: Final = 300.0
STOPPED_SECONDS: Final = 30.0  # perhaps the machine was busy: soon it may try again


class RunawayError(ContentError):
    """It took more time or memory than is allowed, and was stopped from outside."""


class BusyError(ContentError):
    """It was not tried: too many others are being rendered, or no process could be started."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a request may use: processor seconds, and seconds that somebody waits for it."""

    work: float
    wait: float


INTERACTIVE: Final = Bound(work=3.0, wait=20.0)
CHECKS: Final = Bound(work=8.0, wait=40.0)  # some hundred mails
COMPILING: Final = Bound(work=10.0, wait=60.0)
FILLING: Final = Bound(work=2.0, wait=8.0)  # twice in a claim's lease

_owner: ContextVar[object] = ContextVar("rendering_owner", default=None)
_pool = pool.watched(pool.RenderingPool())
_turns = Turns(at_once=AT_ONCE)
_fill_turns = Turns(at_once=AT_ONCE)  # people's own mails don't queue behind drafts
_wait_seconds = WAIT_SECONDS


def serve_pages(*, threads: int) -> None:
    """Keep a thread free for pages without previews, in a process that has ``threads`` of them."""
    global _pool, _turns, _wait_seconds  # noqa: PLW0603 - said once, when the process starts
    _pool = pool.watched(pool.RenderingPool(niceness=NICE_PAGES))
    _turns = Turns(at_once=AT_ONCE, most=max(1, threads - 1))
    _wait_seconds = PAGE_WAIT_SECONDS


@contextmanager
def on_behalf_of(workspace_id: int) -> Iterator[None]:
    """Render for a workspace: its drafts take turns with each other, not with others'."""
    token = _owner.set(workspace_id)
    try:
        yield
    finally:
        _owner.reset(token)


def compile_content(  # noqa: PLR0913 - one switch each
    writing: "Writing",
    tags: "MergeTags",
    *,
    track_opens: bool = True,
    track_clicks: bool = True,
    known_links: Sequence[str] = (),
    on_page: bool = False,
    hidden_link: bool = False,
) -> "CompiledContent":
    """Do `compile.compile_content`; ``on_page``: somebody looks at a page and waits for it.

    What has to be run in it for each person is run by rendering processes, too.
    """
    found = _ask(
        "compile",
        *(writing, tags),
        bound=INTERACTIVE if on_page else COMPILING,
        track_opens=track_opens,
        track_clicks=track_clicks,
        known_links=tuple(known_links),
        hidden_link=hidden_link,
    )
    return cast("CompiledContent", found)


def preview(writing: "Writing", tags: "MergeTags", person: "Person | None" = None) -> "Preview":
    """Do `preview.preview`: also what is stopped or busy is shown, not raised."""
    try:
        return cast("Preview", _ask("preview", writing, tags, _plain(person), bound=INTERACTIVE))
    except ContentError as error:
        return of_error(writing, error)


def findings(
    writing: "Writing", tags: "MergeTags", people: "Sequence[Person]" = ()
) -> "list[Finding]":
    """Do `content_checks.findings`; what is stopped or busy blocks."""
    try:
        return cast(
            "list[Finding]",
            _ask("findings", writing, tags, [_plain(person) for person in people], bound=CHECKS),
        )
    except BusyError as error:
        code, note = "busy", _("Wait a moment, then load this page again.")
        text, where = error.sentence, error.where
    except ContentError as error:
        code, note = "error", _("Fix it in the editor.")
        text, where = str(error), error.where
    return [of_content(Level.BLOCKS, code, text, note, where=where)]


def lint(writing: "Writing", tags: "MergeTags", *, is_template: bool = False) -> "list[LineMark]":
    """Do `lint.marks`."""
    try:
        found = _ask("lint", writing, tags, bound=INTERACTIVE, is_template=is_template)
    except ContentError as error:
        return [mark(error)]
    return cast("list[LineMark]", found)


def convert(writing: "Writing", kind: "ContentKind", language: str) -> str:
    """Do `convert.convert`.

    Raises:
        ContentError: it can't be read.
    """
    return cast("str", _ask("convert", writing, kind, language, bound=INTERACTIVE))


def render_line(source: str, values: Mapping[str, str]) -> str:
    """Fill in a line of text, a subject say; only its conditions and the like are run elsewhere.

    Raises:
        ContentError: it is no template, is too long to be read here, or the values don't fit.
    """
    if len(source) > MOST_READ_HERE:
        raise ContentError(
            _("This is longer than %(limit)d characters.") % {"limit": MOST_READ_HERE}
        )
    return split_template.merge_template(source, "text").render(values)


def link_target(url: str, values: Mapping[str, str]) -> str:
    """Do `links.link_target`; only conditions and the like in a link are run elsewhere.

    Raises:
        ContentError: the address is broken, or not one for the web, mail or telephone.
    """
    if len(url) > MOST_READ_HERE:
        raise ContentError(
            _("This is longer than %(limit)d characters.") % {"limit": MOST_READ_HERE}
        )
    return links.link_target(url, values)


def fill(
    programs: "Sequence[Program]", people: Sequence[Mapping[str, str]]
) -> list[list[list[str]] | ContentError]:
    """Do `split_template.fill_here`: for each person the results of every program, or an error.

    Raises:
        RunawayError: it had to be stopped. Nobody knows for whose sake: ask for each one alone.
    """
    request = (tuple(programs), [dict(values) for values in people])
    return cast("list[list[list[str]] | ContentError]", _ask("fill", *request, bound=FILLING))


split_template.hand_to(fill)


def _plain(person: "Person | None") -> "Person | None":
    """Copy what a mail needs of a person: a rendering process knows no models."""
    if person is None:
        return None
    return ExamplePerson(
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.language,
        fields=dict(person.fields),
    )


def _ask(work: str, *args: Any, bound: Bound, **options: Any) -> Any:
    request = pickle.dumps((work, args, options, get_language(), bound.work))
    key = hashlib.blake2b(request, digest_size=16).digest() if work != "fill" else b""
    reply = _memory.get(key)
    if reply is not None:
        return _read(reply)
    turns, patience = _turns, _wait_seconds
    if work == "fill":  # claims expire while somebody waits
        turns, patience = _fill_turns, min(FILL_WAIT_SECONDS, _wait_seconds)
    try:
        turn = turns.take(_owner.get(), seconds=patience, crowded_seconds=CROWDED_SECONDS)
        with turn:
            reply = _memory.get(key)  # whoever had the turn before may have asked the same
            if reply is None:
                reply = _pool.ask(request, seconds=bound.wait)
                _memory.put(key, reply, seconds=REMEMBERED_SECONDS)
    except pool.StoppedError:
        _memory.put(key, _STOPPED, seconds=STOPPED_SECONDS)
        reply = _STOPPED
    except (NoTurnError, pool.UnavailableError) as error:
        raise BusyError(
            _("Other drafts are being prepared just now. Try again in a few seconds.")
        ) from error
    return _read(reply)


_STOPPED: Final = rendering_process.FAILED + b"stopped"


def _read(reply: bytes) -> Any:
    """Return what a process answered, or raise it."""
    kind, body = reply[:1], reply[1:]
    if kind == rendering_process.FAILED:
        raise RunawayError(
            _(
                "This takes too long or grows too large to be made into an email. "
                "Make it shorter, with fewer loops and less nesting."
            )
        )
    found = _Answers(io.BytesIO(body)).load()
    if kind == rendering_process.REFUSED:
        raise found
    return found


class _Answers(pickle.Unpickler):
    """Reads only what rendering processes return: they have run what somebody wrote."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


_ALLOWED: Final = frozenset(
    {
        ("campaigns.rendering.compile", "CompiledContent"),
        ("campaigns.rendering.errors", "ContentError"),
        ("campaigns.states", "Where"),
        ("campaigns.findings", "Finding"),
        ("campaigns.findings", "Level"),
        ("campaigns.rendering.preview", "Preview"),
        ("subscribers.states", "FieldType"),
        *(
            ("campaigns.rendering.split_template", name)
            for name in ("Block", "MergeTemplate", "Program")
        ),
        ("campaigns.rendering.split_template", "Slot"),
        *(("campaigns.rendering.values", name) for name in ("MergeTags", "Trusted", "Untrusted")),
    }
)


class _Memory:
    """What was answered lately, by request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replies: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes) -> bytes | None:
        with self._lock:
            until, reply = self._replies.get(key, (0.0, b""))
            if not reply or until < time.monotonic():
                return None
            self._replies.move_to_end(key)
            return reply

    def put(self, key: bytes, reply: bytes, *, seconds: float) -> None:
        if not key:
            return
        with self._lock:
            self._forget(key)
            self._replies[key] = time.monotonic() + seconds, reply
            self._bytes += len(reply)
            while len(self._replies) > REMEMBERED or self._bytes > REMEMBERED_BYTES:
                self._forget(next(iter(self._replies)))

    def _forget(self, key: bytes) -> None:
        self._bytes -= len(self._replies.pop(key, (0.0, b""))[1])


_memory = _Memory()
