"""Reads style sheets into rules: what they say, of which elements, and whether it always holds.

A rule holds always when nothing but the document decides it. What depends on the screen, the
program or the reader (at-rules, pseudo-classes, what can't be read here) is *conditional*: it is
known what such a rule may touch, so that nothing is written over it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import tinycss2  # type: ignore[import-untyped]  # it has no types

MAX_CSS = 200_000  # characters; mail programs read far less
MAX_RULES = 5_000
MAX_DECLARATIONS = 20_000

# Pseudo-classes and -elements that every browser knows; an unknown one makes the whole rule void.
_PSEUDO_ELEMENTS = frozenset(
    {"before", "after", "first-line", "first-letter", "selection", "placeholder", "marker"}
)
_PSEUDO_CLASSES = frozenset(
    {"link", "visited", "hover", "active", "focus", "focus-within", "focus-visible", "target"}
    | {"any-link", "root", "empty", "first-child", "last-child", "only-child", "first-of-type"}
    | {"last-of-type", "only-of-type", "nth-child", "nth-last-child", "nth-of-type"}
    | {"nth-last-of-type", "not", "is", "where", "has", "lang", "dir", "checked", "disabled"}
    | {"enabled", "required", "optional"}
)
_IGNORED_AT_RULES = frozenset(
    {"charset", "font-face", "namespace", "keyframes", "-webkit-keyframes", "page", "viewport"}
    | {"-ms-viewport", "-o-viewport", "property", "counter-style", "font-feature-values"}
    | {"-moz-keyframes", "-o-keyframes", "font-palette-values"}
)
_FONT_HOSTS = re.compile(r"font|typekit|typography", re.IGNORECASE)
_PREFIX = re.compile(r"-(?:webkit|moz|ms|o)-")
# Properties that overlap with others of another name.
_FAMILIES = {
    "line-height": "font",
    "grid-gap": "gap",
    "row-gap": "gap",
    "column-gap": "gap",
    "top": "inset",
    "right": "inset",
    "bottom": "inset",
    "left": "inset",
    "inline-size": "width",
    "block-size": "height",
    "overflow-wrap": "word",
    "word-wrap": "word",
    "columns": "column",
    "justify-content": "place",
    "justify-items": "place",
    "justify-self": "place",
}
_ALONE = ("max-", "min-", "mso-")
EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Declaration:
    """``name: value``; properties of one ``family`` may say the same thing."""

    name: str
    value: str
    important: bool

    @property
    def family(self) -> str:
        """Return the group of properties that overlap with this one."""
        return family_of(self.name)


@dataclass(frozen=True, slots=True)
class Compound:
    """What one element must be (``td.x[align]``). ``relation`` is to the compound before it."""

    relation: str = ""  # "" for the first, else one of " ", ">", "+", "~"
    tag: str = ""
    names: tuple[str, ...] = ()  # classes as ".x", ids as "#x"
    attributes: tuple[tuple[str, str, str], ...] = ()  # name, operator, value
    is_conditional: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Declarations for what one selector finds; later rules of equal ``weight`` win."""

    compounds: tuple[Compound, ...]
    weight: tuple[int, int, int]
    declarations: tuple[Declaration, ...]
    is_conditional: bool


class UnreadableSheetError(Exception):
    """The sheets say more than can be known here: leave the document as it is."""


@lru_cache(maxsize=4096)
def family_of(name: str) -> str:
    """Return the group of properties that overlap with a property."""
    if name.startswith("--"):
        return name
    bare = _PREFIX.sub("", name, count=1)
    if bare.startswith(_ALONE):
        return bare
    return _FAMILIES.get(bare) or bare.partition("-")[0]


def is_for_fonts(url: str) -> bool:
    """Tell whether a sheet elsewhere brings fonts only, as far as its address tells."""
    return bool(_FONT_HOSTS.search(url))


def read(css: str, *, conditional: bool = False) -> list[Rule]:
    """Read one sheet; ``conditional`` when the sheet itself holds only sometimes.

    Raises:
        UnreadableError: it is too large, or brings in another sheet that can't be read here.
    """
    if len(css) > MAX_CSS:
        raise UnreadableSheetError
    parsed = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    rules: list[Rule] = []
    declarations = 0
    for rule in _rules(parsed, conditional=conditional):
        rules.append(rule)
        declarations += len(rule.declarations)
        if len(rules) > MAX_RULES or declarations > MAX_DECLARATIONS:
            raise UnreadableSheetError
    return rules


def _rules(parsed: Iterable[Any], *, conditional: bool) -> Iterator[Rule]:
    for node in parsed:
        if node.type == "qualified-rule":
            yield from _of_qualified(node, conditional=conditional)
        elif node.type == "at-rule":
            yield from _of_at_rule(node)


def _of_at_rule(node: Any) -> Iterator[Rule]:
    keyword = node.lower_at_keyword
    if keyword in _IGNORED_AT_RULES:
        return
    if keyword == "import":
        if not is_for_fonts(tinycss2.serialize(node.prelude)):
            raise UnreadableSheetError
        return
    if node.content is not None:
        inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
        yield from _rules(inner, conditional=True)


def _of_qualified(node: Any, *, conditional: bool) -> Iterator[Rule]:
    declarations: list[Declaration] = []
    nested = False
    for item in tinycss2.parse_blocks_contents(
        node.content, skip_comments=True, skip_whitespace=True
    ):
        if item.type == "declaration":
            declarations.append(_declaration(item))
        elif item.type in {"qualified-rule", "at-rule"}:
            nested = True
            inner = tinycss2.parse_blocks_contents(
                item.content or [], skip_comments=True, skip_whitespace=True
            )
            declarations_inside = [_declaration(one) for one in inner if one.type == "declaration"]
            yield _anything(declarations_inside)
    if not declarations:
        return
    selectors = [_selector(part) for part in _parts(node.prelude)]
    # One selector that a browser doesn't know makes the whole rule void there.
    doubtful = conditional or any(one is None or one.is_doubtful for one in selectors)
    for selector in selectors:
        if selector is None:
            yield _anything(declarations)
        elif selector.compounds:
            yield Rule(
                compounds=selector.compounds,
                weight=selector.weight,
                declarations=tuple(declarations),
                is_conditional=doubtful
                or nested
                or any(one.is_conditional for one in selector.compounds),
            )


def _anything(declarations: Iterable[Declaration]) -> Rule:
    """Return a rule that may touch every element."""
    return Rule(
        compounds=(Compound(is_conditional=True),),
        weight=(9, 9, 9),
        declarations=tuple(declarations),
        is_conditional=True,
    )


def declarations_of(style: str) -> list[Declaration]:
    """Read a style attribute."""
    parsed = tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True)
    return [_declaration(item) for item in parsed if item.type == "declaration"]


def _declaration(node: Any) -> Declaration:
    name = node.name if node.name.startswith("--") else node.lower_name
    value = " ".join(tinycss2.serialize(node.value).split())
    if '"' in value and "'" not in value:
        value = value.replace('"', "'")
    return Declaration(name=name, value=value, important=node.important)


@dataclass(slots=True)
class _Selector:
    """A selector that is being read."""

    compounds: tuple[Compound, ...]
    weight: tuple[int, int, int]
    is_doubtful: bool = False  # not every browser knows it


def _parts(prelude: Sequence[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            yield part
            part = []
        elif token.type != "comment":
            part.append(token)
    yield part


class _Reading:
    """Collects one compound."""

    def __init__(self, relation: str) -> None:
        self.relation = relation
        self.tag = ""
        self.names: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.is_conditional = False
        self.is_empty = True

    def done(self) -> Compound:
        is_universal = self.tag == "*" and not (self.names or self.attributes)
        return Compound(
            relation=self.relation,
            tag="" if self.tag == "*" else self.tag,
            names=tuple(self.names),
            attributes=tuple(self.attributes),
            # A rule for all elements is kept in the sheet: in each tag it would be a burden.
            is_conditional=self.is_conditional or is_universal,
        )


def _selector(tokens: Sequence[Any]) -> _Selector | None:  # noqa: C901, PLR0911, PLR0912 - a token each
    """Read one selector; None when it is none, or one that not every browser knows."""
    compounds: list[Compound] = []
    ids = classes = tags = 0
    is_doubtful = False
    now = _Reading("")
    relation = ""
    remaining = list(reversed(_stripped(tokens)))
    if not remaining:
        return None
    while remaining:
        token = remaining.pop()
        kind, value = token.type, getattr(token, "value", "")
        if kind == "whitespace" or (kind == "literal" and value in {">", "+", "~"}):
            relation = value if kind == "literal" else relation or " "
            continue
        if relation:
            if now.is_empty:
                return None
            compounds.append(now.done())
            now, relation = _Reading(relation), ""
        if kind == "ident" and now.is_empty:
            now.tag = token.lower_value
            tags += 1
        elif kind == "literal" and value == "*" and now.is_empty:
            now.tag = "*"
        elif kind == "hash" and token.is_identifier:
            now.names.append(f"#{value}")
            ids += 1
        elif kind == "literal" and value == "." and remaining and remaining[-1].type == "ident":
            now.names.append(f".{remaining.pop().value}")
            classes += 1
        elif kind == "[] block":
            attribute = _attribute(_stripped(token.content))
            if attribute is None:
                return None
            now.attributes.append(attribute)
            classes += 1
        elif kind == "literal" and value == ":" and remaining:
            pseudo = remaining.pop()
            is_element = pseudo.type == "literal" and pseudo.value == ":"
            if is_element and remaining:
                pseudo = remaining.pop()
            name = getattr(pseudo, "lower_value", None) or getattr(pseudo, "lower_name", "")
            if is_element or name in _PSEUDO_ELEMENTS:
                # It styles something inside the element, never the element itself.
                return _Selector((), (0, 0, 0), is_doubtful=name not in _PSEUDO_ELEMENTS)
            is_doubtful |= name not in _PSEUDO_CLASSES
            now.is_conditional = True
            classes += 1 + 10 * (pseudo.type == "function")  # an upper bound
        else:
            return None
        now.is_empty = False
    if relation.strip() or now.is_empty:
        return None
    compounds.append(now.done())
    return _Selector(tuple(compounds), (ids, classes, tags), is_doubtful)


def _stripped(tokens: Sequence[Any]) -> list[Any]:
    found = list(tokens)
    while found and found[0].type == "whitespace":
        found.pop(0)
    while found and found[-1].type == "whitespace":
        found.pop()
    return found


def _attribute(tokens: Sequence[Any]) -> tuple[str, str, str] | None:
    """Read the inside of ``[name~=value]``: name, operator ("" for mere presence), value."""
    plain = [token for token in tokens if token.type != "whitespace"]
    if not plain or plain[0].type != "ident":
        return None
    name = plain[0].lower_value
    if len(plain) == 1:
        return name, "", ""
    signs = "".join(token.value for token in plain[1:-1] if token.type == "literal")
    value = plain[-1]
    if value.type not in {"string", "ident"} or signs not in {"=", "~=", "|=", "^=", "$=", "*="}:
        return None
    if any(token.type != "literal" for token in plain[1:-1]):
        return None
    return name, signs, value.value
