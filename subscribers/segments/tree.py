"""The rules' tree: read from JSON, checked to the last value, written back. No database.

Groups say whether all, any or none of their rules must hold. A condition names a subject (what is
asked about: a field, a list, activity), an operator of that subject, and the operator's inputs::

    {"version": 1, "match": "all", "rules": [
        {"subject": "field:city", "operator": "one_of", "texts": ["Bandung", "Bogor"]},
        {"match": "none", "rules": [{"subject": "tag", "operator": "any", "tags": [7]}]}]}
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _

from subscribers.segments.kinds import Input, InputKind, Operator, Subject

VERSION: Final = 1
DEEPEST = 5  # groups in groups, the outermost counted
MOST_CONDITIONS = 100
MOST_TEXTS = 500
LONGEST_TEXT = 500
MATCHES = ("all", "any", "none")

Path = tuple[int, ...]  # which rule of which rule: (1, 0) is the first one in the second one


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One rule: subject, operator, and the operator's values in their own types."""

    subject: Subject
    operator: Operator
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RuleGroup:
    """Rules of which all, any or none must hold."""

    match: str
    rules: tuple["RuleGroup | Condition", ...]


@dataclass(frozen=True, kw_only=True)
class RuleFault:
    """What is wrong, and where; ``name`` is the input concerned, if it is one."""

    path: Path
    message: str
    name: str = ""

    @property
    def place(self) -> str:
        """Name the place as programs do: rules[1].rules[0].texts."""
        steps = ".".join(f"rules[{number}]" for number in self.path)
        return ".".join(filter(None, (steps, self.name)))


class InvalidRules(ValueError):  # noqa: N818 - says what is the case
    """These are no rules; ``faults`` says everything that is wrong with them."""

    def __init__(self, faults: list[RuleFault]) -> None:
        super().__init__("; ".join(f"{fault.place}: {fault.message}" for fault in faults))
        self.faults = faults


class _Wrong(ValueError):  # noqa: N818 - caught in this module
    """A value that an input can't take."""


def read(raw: Any, subjects: Mapping[str, Subject]) -> RuleGroup:
    """Read a tree from JSON. Nothing at all means no rules: everybody.

    Raises:
        InvalidRules: with every fault, each with its place.
    """
    reader = _Reader(subjects)
    if not isinstance(raw, dict):
        raise InvalidRules([RuleFault(path=(), message=_("Rules must be a JSON object."))])
    if raw and raw.get("version") != VERSION:
        text = _("This version of the rules is not known; the version is %(version)s.")
        reader.fault((), text % {"version": VERSION}, "version")
    outside = {name: value for name, value in raw.items() if name != "version"}
    group = reader.group(outside or {"match": "all", "rules": []}, ())
    if reader.conditions > MOST_CONDITIONS:
        text = _("More than %(most)s rules. Make two segments and ask about one in the other.")
        reader.fault((), text % {"most": MOST_CONDITIONS})
    if reader.faults:
        raise InvalidRules(reader.faults)
    return group


def write(group: RuleGroup) -> dict[str, Any]:
    """Write a tree as JSON that `read` reads back."""
    return {"version": VERSION, **_write_group(group)}


def conditions(group: RuleGroup) -> Iterator[Condition]:
    """Walk through every condition, in order."""
    for rule in group.rules:
        if isinstance(rule, RuleGroup):
            yield from conditions(rule)
        else:
            yield rule


def _write_group(group: RuleGroup) -> dict[str, Any]:
    rules = [
        _write_group(rule) if isinstance(rule, RuleGroup) else _write_condition(rule)
        for rule in group.rules
    ]
    return {"match": group.match, "rules": rules}


def _write_condition(condition: Condition) -> dict[str, Any]:
    values = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in condition.values.items()
    }
    return {"subject": condition.subject.key, "operator": condition.operator.key, **values}


class _Reader:
    def __init__(self, subjects: Mapping[str, Subject]) -> None:
        self.subjects = subjects
        self.faults: list[RuleFault] = []
        self.conditions = 0

    def fault(self, path: Path, message: str, name: str = "") -> None:
        self.faults.append(RuleFault(path=path, message=message, name=name))

    def group(self, raw: Mapping[str, Any], path: Path) -> RuleGroup:
        match, rules = raw.get("match"), raw.get("rules")
        if match not in MATCHES:
            self.fault(path, _("Choose all, any or none."), "match")
        self.strangers(raw, {"match", "rules"}, path)
        if not isinstance(rules, list):
            self.fault(path, _("A group has a list of rules."), "rules")
            rules = []
        elif path and not rules:
            self.fault(path, _("This group is empty. Add a rule, or remove the group."))
        if len(path) >= DEEPEST and rules:
            text = _("Groups can be at most %(most)s deep.") % {"most": DEEPEST}
            self.fault(path, text)
            return RuleGroup(match="all", rules=())
        read = []
        for number, rule in enumerate(rules):
            if self.conditions > MOST_CONDITIONS:
                break  # one fault says so; not one more for each of what is too many
            read.append(self.rule(rule, (*path, number)))
        return RuleGroup(match=str(match), rules=tuple(rule for rule in read if rule is not None))

    def rule(self, raw: Any, path: Path) -> RuleGroup | Condition | None:
        if not isinstance(raw, dict):
            self.fault(path, _("A rule must be a JSON object."))
            return None
        return self.group(raw, path) if "rules" in raw or "match" in raw else self.one(raw, path)

    def one(self, raw: Mapping[str, Any], path: Path) -> Condition | None:
        self.conditions += 1
        name, key = raw.get("subject"), raw.get("operator")
        subject = self.subjects.get(name) if isinstance(name, str) else None
        if subject is None:
            text = _("“%(name)s” is not there (any more). Choose what to ask about.")
            self.fault(path, text % {"name": str(name or "")[:80]}, "subject")
            return None
        operator = subject.operator(key) if isinstance(key, str) else None
        if operator is None:
            self.fault(path, _("Choose how to compare."), "operator")
            return None
        self.strangers(raw, {"subject", "operator", *(each.name for each in operator.inputs)}, path)
        values = {}
        for each in operator.inputs:
            try:
                values[each.name] = value(each, raw.get(each.name))
            except _Wrong as wrong:
                self.fault(path, str(wrong), each.name)
        if len(values) < len(operator.inputs):
            return None
        if {"first", "last"} <= values.keys() and values["first"] > values["last"]:
            self.fault(path, _("The first value is larger than the second."), "last")
        return Condition(subject=subject, operator=operator, values=values)

    def strangers(self, raw: Mapping[str, Any], known: set[str], path: Path) -> None:
        for name in raw:
            if name not in known:
                self.fault(path, _("This is not known here."), str(name)[:80])


def is_storable(text: str) -> bool:
    """Say whether PostgreSQL takes a text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def value(asked: Input, raw: Any) -> Any:
    """Read one input's value, given as JSON or as a form's text."""
    readers = {
        InputKind.TEXT: _text,
        InputKind.TEXTS: _texts,
        InputKind.NUMBER: _number,
        InputKind.WHOLE: _whole,
        InputKind.DATE: _date,
        InputKind.CHOICE: _choice,
        InputKind.CHOICES: _choices,
    }
    return readers[asked.kind](asked, raw)


def _text(_asked: Input, raw: Any) -> str:
    text = " ".join(raw.split()) if isinstance(raw, str) else ""
    if not text:
        raise _Wrong(_("Write something here."))
    if len(text) > LONGEST_TEXT:
        raise _Wrong(_("Longer than %(limit)s characters.") % {"limit": LONGEST_TEXT})
    if not is_storable(text):
        raise _Wrong(_("There is something in it that can't be stored."))
    if "\0" in text:
        raise _Wrong(_("This holds a character that can't be stored."))
    return text


def _texts(asked: Input, raw: Any) -> list[str]:
    given = raw.replace("\n", ",").split(",") if isinstance(raw, str) else raw
    if not isinstance(given, list):
        raise _Wrong(_("Write something here."))
    texts = [_text(asked, one) for one in given if not isinstance(one, str) or one.strip()]
    if not texts:
        raise _Wrong(_("Write something here."))
    if len(texts) > MOST_TEXTS:
        raise _Wrong(_("More than %(limit)s values.") % {"limit": MOST_TEXTS})
    return list(dict.fromkeys(texts))


def _number(_asked: Input, raw: Any) -> int | float:
    if isinstance(raw, str):
        text = raw.strip().replace(",", ".")
        try:
            raw = int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError:
            raw = None
    is_number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
    if not is_number or not abs(raw) < 10**15:  # not NaN either
        raise _Wrong(_("Write a number."))
    return raw  # type: ignore[no-any-return]


def _whole(asked: Input, raw: Any) -> int:
    if isinstance(raw, str) and raw.strip().isdecimal():
        raw = int(raw.strip()[:9])
    if isinstance(raw, bool) or not isinstance(raw, int) or not asked.least <= raw <= asked.most:
        text = _("Write a whole number from %(least)s to %(most)s.")
        raise _Wrong(text % {"least": asked.least, "most": asked.most})
    return raw


def _date(_asked: Input, raw: Any) -> date:
    try:
        return date.fromisoformat(raw.strip())
    except (ValueError, AttributeError):
        raise _Wrong(_("Choose a day.")) from None


def _choice(asked: Input, raw: Any) -> str | int:
    offered = {str(option.value): option.value for option in asked.choices([raw])}
    if raw in (None, ""):
        raise _Wrong(_("Choose one."))
    if isinstance(raw, bool) or str(raw) not in offered:
        raise _Wrong(_("What was chosen here is not there any more."))
    return offered[str(raw)]


def _choices(asked: Input, raw: Any) -> list[str | int]:
    given = raw if isinstance(raw, list) else [raw]
    chosen = [_choice(asked, one) for one in given if one not in (None, "")]
    if not chosen:
        raise _Wrong(_("Choose at least one."))
    return list(dict.fromkeys(chosen))
