"""The phrases of phrases.toml and languages.toml as rules, in their order."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from delivery.refusals.causes import Cause
from delivery.refusals.words import Phrase, Words, phrase


@dataclass(frozen=True, slots=True)
class WordRule:
    """``cause`` where one of ``says`` stands in the text, and none of ``unless``.

    ``codes``: beginnings of codes and statuses, one of which must fit; ``domains``: ends of the
    domain that speaks. Empty: any. ``is_late``: asked after the status.
    """

    cause: Cause
    says: tuple[str, ...]
    unless: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    is_late: bool = False
    _anchored: dict[str, tuple[Phrase, ...]] = field(init=False, repr=False)
    _open: tuple[Phrase, ...] = field(init=False, repr=False)
    _foreign: tuple[Phrase, ...] = field(init=False, repr=False)
    _not: tuple[Phrase, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        anchored: dict[str, list[Phrase]] = {}
        unanchored: list[Phrase] = []
        for one in map(phrase, self.says):
            (anchored.setdefault(one.anchor, []) if one.anchor else unanchored).append(one)
        for name, value in {
            "_anchored": {anchor: tuple(phrases) for anchor, phrases in anchored.items()},
            "_open": tuple(one for one in unanchored if one.first.isascii()),
            "_foreign": tuple(one for one in unanchored if not one.first.isascii()),
            "_not": tuple(phrase(written) for written in self.unless),
        }.items():
            object.__setattr__(self, name, value)

    @property
    def anchors(self) -> Iterable[str]:
        """Words of which one must stand in the text, unless an open phrase does."""
        return self._anchored

    @property
    def has_open(self) -> bool:
        """Say whether it has phrases without such a word."""
        return bool(self._open)

    @property
    def has_foreign(self) -> bool:
        """Say whether it has such phrases in other letters than ASCII."""
        return bool(self._foreign)

    def fits(self, said: Words, *, code: int, enhanced: str, domain: str) -> bool:
        """Say whether it decides."""
        if not any(map(said.has, self._candidates(said))):
            return False
        if self.codes and not (str(code).startswith(self.codes) or enhanced.startswith(self.codes)):
            return False
        if self.domains and not f".{domain}".endswith(self.domains):
            return False
        return not any(map(said.has, self._not))

    def _candidates(self, said: Words) -> Iterator[Phrase]:
        yield from self._open
        if not said.is_ascii:
            yield from self._foreign
        for anchor in self._anchored.keys() & said.all:
            yield from self._anchored[anchor]


def _load(name: str) -> dict[str, Any]:
    with (Path(__file__).parent / name).open("rb") as file:
        return tomllib.load(file)


def _says(rule: Mapping[str, Any], elsewhere: Mapping[str, list[str]]) -> Iterator[str]:
    yield from rule.get("says", ())
    if rule.get("language"):
        yield from elsewhere[rule["cause"]]
    for who in rule.get("who", ()):
        yield from (f"{who}…{what}" for what in rule["what"])
        yield from (f"{such} {who}" for such in rule["such"])


def _read() -> Iterator[WordRule]:
    elsewhere = _load("languages.toml")
    for rule in _load("phrases.toml")["rule"]:
        yield WordRule(
            Cause[rule["cause"].upper()],
            tuple(_says(rule, elsewhere)),
            tuple(rule.get("unless", ())),
            tuple(rule.get("codes", ())),
            tuple(rule.get("domains", ())),
            rule.get("late", False),
        )


class RulesInOrder:
    """Rules of which the first that fits decides; only those that a word calls for are tried."""

    def __init__(self, rules: Iterable[WordRule]) -> None:
        self.rules = tuple(rules)
        self._called_by: dict[str, set[int]] = {}
        self._always: set[int] = set()
        self._foreign: set[int] = set()
        for place, rule in enumerate(self.rules):
            for word in rule.anchors:
                self._called_by.setdefault(word, set()).add(place)
            if rule.has_open:
                self._always.add(place)
            if rule.has_foreign:
                self._foreign.add(place)

    def first(self, said: Words, *, code: int, enhanced: str, domain: str) -> Cause | None:
        """Return the cause of the first rule that fits, or None."""
        places = set(self._always) if said.is_ascii else self._always | self._foreign
        for word in self._called_by.keys() & said.all:
            places |= self._called_by[word]
        for place in sorted(places):
            if self.rules[place].fits(said, code=code, enhanced=enhanced, domain=domain):
                return self.rules[place].cause
        return None


_ALL: Final = tuple(_read())
BY_WORDS: Final = RulesInOrder(rule for rule in _ALL if not rule.is_late)
LATE: Final = RulesInOrder(rule for rule in _ALL if rule.is_late)
