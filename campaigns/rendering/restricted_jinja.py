"""The Jinja that authors may write: values, conditions, loops and a short list of filters.

A mail's author is a member of a workspace, not of this machine. So there are no attributes, no
calls but an author's own macros, no globals, no includes; operators that can make large values are
checked before they run; every loop and output is charged (`budget`).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NoReturn

from django.utils.translation import gettext as _
from jinja2 import Undefined
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from campaigns.rendering.budget import bounded, charge
from campaigns.rendering.errors import ContentError
from campaigns.rendering.filters import FILTERS, INTERNAL_FILTERS, TESTS, keep, size_of
from campaigns.rendering.values import EMPTY, MissingValue

LOOP_FACTS = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
)
LOOP_CALLS = frozenset({"cycle", "changed"})
MAX_NUMBER = 10**15

Mode = Literal["html", "text", "preview_html", "preview_text"]


class Absent(Undefined):
    """A name that holds nothing: it fulfils no comparison, as what a person doesn't have."""

    def __lt__(self, _other: object) -> Any:
        return False

    __le__ = __gt__ = __ge__ = __lt__


class ShownUndefined(Absent):
    """A tag that isn't known, shown in a preview instead of leaving a hole."""

    def __str__(self) -> str:
        return f"[{self._undefined_name}?]"

    def __html__(self) -> str:
        style = "background:#ffe3a3;color:#5c3b00;border-radius:3px;padding:0 3px"
        shown = Markup('<mark class="warta-undefined" style="{}">{}</mark>')
        return str(shown.format(style, escape(str(self))))

    __iter__ = Undefined.__iter__
    __bool__ = Undefined.__bool__


class AuthorEnvironment(ImmutableSandboxedEnvironment):
    """Jinja for authors: one instance per mode, for templates that `checking` has passed."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset()

    def __init__(self, mode: Mode) -> None:
        super().__init__(
            autoescape=mode.endswith("html"),
            optimized=False,  # folding constants would run operators while compiling
            finalize=keep,
            undefined=ShownUndefined if mode.startswith("preview") else Absent,
            keep_trailing_newline=True,
            cache_size=0,
            auto_reload=False,
        )
        self.globals = {}
        self.filters = FILTERS | INTERNAL_FILTERS
        self.tests = dict(TESTS)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Run an operator after checking that its result stays small."""
        charge(1)
        left, right = _bare(left), _bare(right)
        if isinstance(left, str) and isinstance(right, str) and operator == "+":
            bounded(len(left) + len(right))
            return left + right
        if isinstance(left, MissingValue | Undefined) or isinstance(
            right, MissingValue | Undefined
        ):
            return EMPTY  # nothing can be reckoned for who lacks a number
        if not _is_number(left) or not _is_number(right):
            raise ContentError(
                _("“%(operator)s” works with numbers only. To join texts, write ~ between them.")
                % {"operator": operator}
            )
        if operator == "**" and (abs(left) > MAX_NUMBER or abs(right) > 64):  # noqa: PLR2004 - 2**64 is past MAX_NUMBER
            _too_large()
        try:
            result = super().call_binop(context, operator, left, right)
        except ZeroDivisionError as error:
            raise ContentError(_("A number is divided by zero here.")) from error
        except OverflowError:
            _too_large()
        if not _is_number(result) or abs(result) > MAX_NUMBER:
            _too_large()
        return result

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: PYI063 - the overridden signature
        """Call an author's macro or a loop's cycle; nothing else can be called."""
        charge(1 + size_of(args))
        owner = getattr(__obj, "__self__", None)
        if isinstance(__obj, Macro) or (
            isinstance(owner, LoopContext) and __obj.__name__ in LOOP_CALLS
        ):
            return __obj(*args, **kwargs)
        raise ContentError(_("Only macros can be called. Write a tag without the parentheses ()."))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Read an entry of an author's list of things, or a fact about the loop."""
        if isinstance(obj, LoopContext) and attribute in LOOP_FACTS | LOOP_CALLS:
            return getattr(obj, attribute)
        if isinstance(obj, dict):
            return obj.get(attribute, self.undefined(name=attribute))
        if isinstance(obj, Undefined):
            return obj
        raise ContentError(
            _("“.%(name)s” can't be read here. Use a filter, for example {{ first_name|upper }}.")
            % {"name": attribute},
            tag=attribute,
        )

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Read an item of a list or a part of a text by number."""
        if isinstance(obj, dict):
            return obj.get(argument, self.undefined(name=str(argument)))
        if isinstance(obj, str | list | tuple) and isinstance(argument, int | slice):
            charge(len(obj) if isinstance(argument, slice) else 1)
            try:
                return obj[argument]
            except (IndexError, TypeError, ValueError):
                return self.undefined(name=str(argument))
        return self.getattr(obj, str(argument)[:60])


def _bare(value: Any) -> Any:
    return getattr(value, "number", value) if isinstance(value, str) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _too_large() -> NoReturn:
    raise ContentError(_("A number grows too large here."))


@cache
def environment(mode: Mode) -> AuthorEnvironment:
    """Return the environment of a mode."""
    return AuthorEnvironment(mode)


def run(root: Callable[[Context], Any], context: Context, limit: int) -> str:
    """Render piece by piece, stopping when the output grows beyond ``limit`` characters.

    Raises:
        ContentError: for whatever goes wrong while an author's template runs.
    """
    written: list[str] = []
    size = 0
    try:
        for piece in root(context):
            size += len(piece)
            _within(size, limit)
            written.append(piece)
    except ContentError:
        raise
    except RecursionError as error:
        raise ContentError(_("A macro calls itself without end.")) from error
    except Exception as error:  # a value that doesn't fit: anything an author can provoke ends here
        raise ContentError(_wrong_value(error)) from error
    return "".join(written)


def _within(size: int, limit: int) -> None:
    if size > limit:
        raise ContentError(_("The result is longer than %(limit)d characters.") % {"limit": limit})


def _wrong_value(error: Exception) -> str:
    detail = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return _("A tag can't be filled in: %(detail)s.") % {"detail": detail.rstrip(".")}
