"""Copies style sheets into elements, for mail programs that read no style sheets.

The sheets stay, and what a program that reads them shows is the same as before: a declaration is
copied only where nothing that depends on the screen or the reader could have won over it, and
never with ``!important``. Nothing but ``style`` attributes changes, so that doctypes, conditional
comments and the author's own spelling arrive as written.
"""

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import escape
from selectolax.lexbor import LexborHTMLParser

from campaigns.rendering import markup, matching, stylesheets
from campaigns.rendering.markup import Element
from campaigns.rendering.protect import Protector
from campaigns.rendering.stylesheets import Compound, Declaration, Rule, UnreadableSheetError

MAX_ADDED = 1_000_000  # characters
MAX_DECLARATIONS = 500_000  # that are weighed for all elements together
_NOT_STYLED = frozenset({"head", "meta", "title", "style", "link", "script", "base", "br", "wbr"})


def inlined(html: str, protector: Protector, *, sheets: Sequence[str] = ()) -> str:
    """Copy style sheets into a protected document or piece of HTML.

    With ``sheets``, those are copied, which no program will read, and the document's own are not.
    What can't be judged leaves the document as it is.
    """
    if not sheets and "<style" not in html.lower():
        return html
    try:
        return _Inlining(html, protector, sheets).result()
    except (UnreadableSheetError, RecursionError):
        return html


class _Inlining:
    """One document."""

    def __init__(self, html: str, protector: Protector, sheets: Sequence[str]) -> None:
        self._html = html
        self._protector = protector
        self._elements = [
            element
            for element in markup.elements(html)
            if not element.closes and not element.in_comment
        ]
        self._marker = protector.hold("")
        self._tree = LexborHTMLParser(self._marked())
        self._rules = self._of_sheets(sheets) if sheets else self._own_rules()
        self._weighed = 0
        self._orders = {id(rule): order for order, rule in enumerate(self._rules)}
        self._style_tests = {
            (operator, value)
            for rule in self._rules
            for one in rule.compounds
            for name, operator, value in one.attributes
            if name == "style"
        }

    def result(self) -> str:
        """Return the document with its styles copied."""
        if self._has_changing_names():
            return self._html
        matched = matching.match(self._tree, self._rules, self._marker)
        edits: list[tuple[int, int, str]] = []
        added = 0
        for number, element in enumerate(self._elements):
            rules = matched.get(number)
            if rules and element.name not in _NOT_STYLED and not self._has_block(element):
                edits += self._edit(element, rules)
                added += len(edits[-1][2]) if edits else 0
                if added > MAX_ADDED:
                    raise UnreadableSheetError
        return markup.apply(self._html, edits)

    def _marked(self) -> str:
        """Return the document with each start tag numbered."""
        edits = [
            (element.attributes_at, element.attributes_at, f' {self._marker}="{number}"')
            for number, element in enumerate(self._elements)
        ]
        return markup.apply(self._html, edits)

    # What the sheets say.

    def _of_sheets(self, sheets: Sequence[str]) -> list[Rule]:
        rules = [rule for css in sheets for rule in self._read(css)]
        return [rule for rule in rules if not rule.is_conditional]

    def _own_rules(self) -> list[Rule]:
        rules: list[Rule] = []
        for node in self._tree.css("style, link"):
            attributes = node.attributes
            kind = (attributes.get("type") or "").strip().lower()
            if node.tag == "link":
                _check_link(attributes)
            elif kind in {"", "text/css"}:
                media = (attributes.get("media") or "").strip().lower()
                is_conditional = media not in {"", "all"} or "title" in attributes
                rules += self._read(node.text(deep=True), conditional=is_conditional)
        if self._protector.has_block(self._html):
            rules = [_of_last_compound(rule) for rule in rules]
        return self._in_any_case(rules)

    def _read(self, css: str, *, conditional: bool = False) -> list[Rule]:
        has_blocks = self._protector.has_block(css)
        if has_blocks:  # which rules there are depends on the reader
            css = self._protector.pattern.sub(
                lambda word: " " if self._protector.has_block(word[0]) else word[0], css
            )
        rules = stylesheets.read(css, conditional=conditional or has_blocks)
        return [self._of_anything(rule) if self._has_tag(rule) else rule for rule in rules]

    def _has_tag(self, rule: Rule) -> bool:
        texts = [
            text
            for one in rule.compounds
            for text in (one.tag, *one.names, *(value for _name, _sign, value in one.attributes))
        ]
        return any(self._protector.pattern.search(text) for text in texts)

    @staticmethod
    def _of_anything(rule: Rule) -> Rule:
        return replace(rule, compounds=(Compound(is_conditional=True),), is_conditional=True)

    def _in_any_case(self, rules: list[Rule]) -> list[Rule]:
        """Don't copy rules whose classes are written in another case than the elements'.

        Without a doctype browsers compare them in any case, with one they don't.
        """
        written = {
            name
            for element in self._elements
            for name in matching.names_of({"class": element.get("class"), "id": element.get("id")})
        }
        in_small = {name.lower() for name in written}
        return [
            replace(rule, is_conditional=True)
            if any(
                name not in written and name.lower() in in_small
                for one in rule.compounds
                for name in one.names
            )
            else rule
            for rule in rules
        ]

    # What they mean for an element.

    def _has_changing_names(self) -> bool:
        """Tell whether an element's classes depend on the reader: no rule is sure then."""
        pattern = self._protector.pattern
        for element in self._elements:
            if not pattern.search(element.attributes):
                continue
            names = [element.get("class") or "", element.get("id") or ""]
            if any(pattern.search(name) for name in names):
                return True
            if any(names) and self._has_block(element):
                return True
        return False

    def _has_block(self, element: Element) -> bool:
        return self._protector.has_block(element.attributes)

    def _edit(self, element: Element, rules: Sequence[Rule]) -> list[tuple[int, int, str]]:
        value, start, end = None, -1, -1
        for name, found, found_start, found_end in element.pairs():
            if name == "style" and found_start >= 0:
                value, start, end = found, found_start, found_end
                break
        before, after = self._chosen(rules, stylesheets.declarations_of(value or ""))
        front, back = str(escape(_written(before))), str(escape(_written(after)))
        new = " ".join(part for part in (front, value, back) if part)
        if new == (value or "") or any(
            matching.holds(value, sign, text) != matching.holds(new, sign, text)
            for sign, text in self._style_tests
        ):
            return []
        if value is None:
            at = _end_of_attributes(element)
            return [(at, at, f' style="{new}"')]
        source = self._html[start:end]
        quote = source[0] if source[0] in {'"', "'"} else ""
        own = source[1:-1].strip() if quote else source
        if back and own:
            own = own.rstrip("; ") + ";"
        text = " ".join(part for part in (front, own, back) if part)
        quote = quote or '"'
        return [(start, end, f"{quote}{text}{quote}")]

    def _chosen(
        self, rules: Sequence[Rule], own: Sequence[Declaration]
    ) -> tuple[list[Declaration], list[Declaration]]:
        """Return what is copied before and behind an element's own declarations."""
        self._weighed += sum(len(rule.declarations) for rule in rules)
        if self._weighed > MAX_DECLARATIONS:
            raise UnreadableSheetError
        always = [rule for rule in rules if not rule.is_conditional]
        sure = sorted(
            ((rule.weight, self._orders[id(rule)], rule) for rule in always),
            key=lambda one: one[:2],
        )
        usual = [
            (weight, order, declaration)
            for weight, order, rule in sure
            for declaration in rule.declarations
            if not declaration.important
        ]
        kept_out = self._kept_out(rules, usual)
        written = {declaration.name for declaration in own}
        strong = {declaration.name for declaration in own if declaration.important}
        before = [
            declaration
            for _weight, _order, declaration in usual
            if declaration.name not in written
            and not kept_out & {declaration.family, stylesheets.EVERYTHING}
        ]
        after = [
            declaration
            for _weight, _order, rule in sure
            for declaration in rule.declarations
            if declaration.important and declaration.name not in strong
        ]
        return _without_overruled(before), _without_overruled(after)

    def _kept_out(
        self,
        rules: Sequence[Rule],
        usual: Sequence[tuple[tuple[int, int, int], int, Declaration]],
    ) -> set[str]:
        """Return the families in which a conditional rule may win over what would be copied."""
        weakest: dict[str, tuple[tuple[int, int, int], int]] = {}
        said: dict[str, set[tuple[str, str]]] = {}
        for weight, order, declaration in usual:
            weakest.setdefault(declaration.family, (weight, order))
            said.setdefault(declaration.family, set()).add((declaration.name, declaration.value))
        found: set[str] = set()
        for rule in rules:
            if not rule.is_conditional:
                continue
            place = (rule.weight, self._orders[id(rule)])
            for declaration in rule.declarations:
                family = declaration.family
                if declaration.important:
                    continue
                if family == stylesheets.EVERYTHING or (
                    family in weakest
                    and place > weakest[family]
                    and said[family] != {(declaration.name, declaration.value)}
                ):
                    found.add(family)
        return found


def _end_of_attributes(element: Element) -> int:
    """Return where one more attribute goes: before the slash of ``<br />``."""
    written = element.attributes.rstrip()
    if written.endswith("/") and written[-2:-1] in {"", " ", "\n", "\t", '"', "'"}:
        written = written[:-1].rstrip()
    return element.attributes_at + len(written)


def _check_link(attributes: dict[str, str | None]) -> None:
    """Refuse to judge a document that brings in a sheet from elsewhere, but for fonts."""
    is_sheet = "stylesheet" in (attributes.get("rel") or "").lower().split()
    if is_sheet and not stylesheets.is_for_fonts(attributes.get("href") or ""):
        raise UnreadableSheetError


def _of_last_compound(rule: Rule) -> Rule:
    """Look at a rule's last compound only: what stands around it depends on the reader."""
    if len(rule.compounds) == 1:
        return rule
    last = replace(rule.compounds[-1], relation="")
    return replace(rule, compounds=(last,), is_conditional=True)


def _without_overruled(declarations: Sequence[Declaration]) -> list[Declaration]:
    """Drop what a later declaration of the same property replaces in every program.

    A value with a function or a vendor's prefix may be unknown to some: the one before it stays.
    """
    kept: list[Declaration] = []
    replaced: set[str] = set()
    for declaration in reversed(declarations):
        if declaration.name in replaced:
            continue
        kept.append(declaration)
        if "(" not in declaration.value and not declaration.value.startswith("-"):
            replaced.add(declaration.name)
    return kept[::-1]


def _written(declarations: Sequence[Declaration]) -> str:
    return " ".join(f"{one.name}: {one.value};" for one in declarations)
