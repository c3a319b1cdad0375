"""The editor's side of rules: a form becomes rules, rules become rows to draw, and back.

A form writes the tree's shape as a list of marks in document order: ``+3`` opens group 3, ``3`` is
a condition, ``-`` closes a group. The fields of condition 3 are ``subject-3``, ``operator-3`` and
``value-3-<input>``, the match of group 3 is ``match-3``. What people wrote is kept as they wrote
it until it can be read, so nothing is lost by a mistake. It works without a script, too: adding and
removing are buttons of the form.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from subscribers.segments import tree
from subscribers.segments.kinds import Input, InputKind, Operator, Option, Subject, Values
from subscribers.segments.tree import Condition, Path, RuleFault, RuleGroup

Raw = dict[str, Any]
MOST_MARKS = 1_000
SHOWN_CHOICES = 3


def empty() -> Raw:
    """Return the rules of a segment that asks nothing yet."""
    return {"version": tree.VERSION, "match": "all", "rules": []}


def from_form(data: QueryDict, subjects: Mapping[str, Subject]) -> Raw:
    """Read the rules as written in a form; `tree.read` says what is wrong with them."""
    marks = iter(data.getlist("node")[:MOST_MARKS])
    first = next(marks, "")
    root = _group(first[1:], marks, data, subjects) if first.startswith("+") else empty()
    return {**root, "version": tree.VERSION}


def _group(
    number: str, marks: Iterator[str], data: QueryDict, subjects: Mapping[str, Subject]
) -> Raw:
    rules: list[Raw] = []
    for mark in marks:
        if mark == "-":
            break
        if mark.startswith("+"):
            rules.append(_group(mark[1:], marks, data, subjects))
        else:
            rules.append(_condition(mark, data, subjects))
    return {"match": data.get(f"match-{number}", "all"), "rules": rules}


def _condition(number: str, data: QueryDict, subjects: Mapping[str, Subject]) -> Raw:
    subject = subjects.get(data.get(f"subject-{number}", ""))
    if subject is None:
        return {"subject": data.get(f"subject-{number}", ""), "operator": ""}
    key = data.get(f"operator-{number}", "")
    operator = subject.operator(key) or subject.operators[0]
    raw: Raw = {"subject": subject.key, "operator": operator.key}
    for asked in operator.inputs:
        name = f"value-{number}-{asked.name}"
        if asked.kind is InputKind.CHOICES:
            raw[asked.name] = data.getlist(name)
        elif name in data:
            raw[asked.name] = data.get(name)
        else:  # the operator was changed just now
            raw[asked.name] = asked.default
    return raw


def change(raw: Raw, action: str, subjects: Mapping[str, Subject]) -> tuple[Raw, str]:
    """Do what a button of the editor says: ``add-rule:1.0``, ``add-group:``, ``remove:1``.

    Returns the rules, and where the focus belongs then: ``rule:1.0.2`` or ``group:1``.
    """
    what, _colon, place = action.partition(":")
    path = [int(step) for step in place.split(".") if step.isdecimal()]
    if what == "remove" and path:
        parent = _find(raw, path[:-1])
        if parent and path[-1] < len(parent["rules"]):
            del parent["rules"][path[-1]]
        return raw, f"group:{_dotted(path[:-1])}"
    group = _find(raw, path)
    if group is None or what not in {"add-rule", "add-group"}:
        return raw, ""
    rule = _fresh(next(iter(subjects.values())))
    added = [*path, len(group["rules"])]
    if what == "add-rule":
        group["rules"].append(rule)
        return raw, f"rule:{_dotted(added)}"
    if len(added) < tree.DEEPEST:
        group["rules"].append({"match": "any", "rules": [rule]})
    return raw, f"rule:{_dotted([*added, 0])}"


def _find(raw: Raw, path: Sequence[int]) -> Raw | None:
    for step in path:
        rules = raw.get("rules", [])
        if step >= len(rules) or "rules" not in rules[step]:
            return None
        raw = rules[step]
    return raw


def _fresh(subject: Subject) -> Raw:
    operator = subject.operators[0]
    return {
        "subject": subject.key,
        "operator": operator.key,
        **{asked.name: asked.default for asked in operator.inputs},
    }


@dataclass(frozen=True, kw_only=True)
class RowPiece:
    """A piece of a row: words, or an input with what is in it."""

    words: str = ""
    input: Input | None = None
    name: str = ""
    value: Any = ""
    options: Sequence[Option] = ()
    chosen: frozenset[str] = frozenset()
    error: str = ""

    @property
    def summary(self) -> str:
        """What the chosen options are called, for a closed list of checkboxes."""
        labels = [option.label for option in self.options if str(option.value) in self.chosen]
        more = len(labels) - SHOWN_CHOICES
        shown = ", ".join(labels[:SHOWN_CHOICES])
        if more > 0:
            text = ngettext("%(names)s and %(n)s more", "%(names)s and %(n)s more", more)
            return text % {"names": shown, "n": more}
        return shown or _("Choose")


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """One condition, ready to be drawn."""

    number: int
    path: str
    subject: Subject | None
    operator: Operator | None
    given: str  # the subject's key as given, where it is not known (any more)
    parts: Sequence[RowPiece] = ()
    errors: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Box:
    """One group, ready to be drawn."""

    number: int
    path: str
    match: str
    rules: Sequence["Box | ConditionRow"]
    may_nest: bool
    errors: Sequence[str] = ()
    is_group: bool = field(default=True)


def draw(raw: Raw, subjects: Mapping[str, Subject], faults: Iterable[RuleFault] = ()) -> Box:
    """Make rows of rules, whatever is wrong with them."""
    return _Drawing(subjects, list(faults)).box(raw, ())


class _Drawing:
    def __init__(self, subjects: Mapping[str, Subject], faults: Sequence[RuleFault]) -> None:
        self.subjects = subjects
        self.faults = faults
        self.number = 0

    def errors(self, path: Path, *names: str) -> list[str]:
        return [
            fault.message
            for fault in self.faults
            if fault.path == path and (not names or fault.name in names)
        ]

    def box(self, raw: Raw, path: Path) -> Box:
        self.number += 1
        number = self.number
        rules = raw.get("rules")
        return Box(
            number=number,
            path=_dotted(path),
            match=raw.get("match", "all"),
            rules=[
                self.box(rule, (*path, at)) if "rules" in rule else self.row(rule, (*path, at))
                for at, rule in enumerate(rules if isinstance(rules, list) else [])
                if isinstance(rule, dict)
            ],
            may_nest=len(path) + 1 < tree.DEEPEST,
            errors=self.errors(path),
        )

    def row(self, raw: Raw, path: Path) -> ConditionRow:
        self.number += 1
        subject = self.subjects.get(str(raw.get("subject")))
        operator = subject.operator(str(raw.get("operator"))) if subject else None
        parts = [
            RowPiece(words=part) if isinstance(part, str) else self.part(part, raw, path)
            for part in (operator.parts() if operator else ())
        ]
        asked = {each.name for each in operator.inputs} if operator else set()
        general = [
            fault.message for fault in self.faults if fault.path == path and fault.name not in asked
        ]
        return ConditionRow(
            number=self.number,
            path=_dotted(path),
            subject=subject,
            operator=operator,
            given=str(raw.get("subject", "")),
            parts=parts,
            errors=general,
        )

    def part(self, asked: Input, raw: Raw, path: Path) -> RowPiece:
        given = raw.get(asked.name)
        several = given if isinstance(given, list) else [given]
        return RowPiece(
            input=asked,
            name=f"value-{self.number}-{asked.name}",
            value=_as_written(given),
            options=asked.choices(one for one in several if one is not None),
            chosen=frozenset(str(one) for one in several if one is not None),
            error=" ".join(self.errors(path, asked.name)),
        )


def _dotted(path: Sequence[int]) -> str:
    return ".".join(map(str, path))


def _as_written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, date) else str(value)


def sentence(rule: RuleGroup | Condition) -> str:
    """Write rules as one sentence: "City is one of Bandung, Bogor and …"."""
    if isinstance(rule, Condition):
        words = [
            part if isinstance(part, str) else _spoken(part, rule.values)
            for part in rule.operator.parts()
        ]
        return " ".join([str(rule.subject.label), *words])
    if not rule.rules:
        return _("Everyone")
    inner = [
        f"({sentence(each)})"
        if isinstance(each, RuleGroup) and len(each.rules) > 1
        else sentence(each)
        for each in rule.rules
    ]
    if rule.match == "none":
        return _("none of: %(rules)s") % {"rules": "; ".join(inner)}
    two = _("%(one)s or %(other)s") if rule.match == "any" else _("%(one)s and %(other)s")
    return reduce(lambda one, other: two % {"one": one, "other": other}, inner)


def _spoken(asked: Input, values: Values) -> str:
    value = values[asked.name]
    if asked.options is None:
        return _as_written(value)
    named = value if isinstance(value, list) else [value]
    wanted = {str(one) for one in named}
    return ", ".join(one.label for one in asked.choices(named) if str(one.value) in wanted)
