"""Which columns of a file say who may be written to, and which prove that people agreed.

Found by name (`consent_words`), and by values where a name says nothing. What is found is decided
by the values of the whole file, counted once, so that no value is met only when people are written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subscribers.imports import consent_words as said
from subscribers.imports import moments, row_status
from subscribers.imports.column_names import SIGNED_UP
from subscribers.imports.layout import Layout
from subscribers.imports.mapping import (
    CONFIRM_IP,
    CONFIRM_TIME,
    CONSENT_IP,
    CONSENT_SOURCE,
    CONSENT_TIME,
)
from subscribers.imports.normalizing import fold, folded, words
from subscribers.imports.reader import BrokenRow, DamagedCells, Rows
from subscribers.imports.row_status import DATE_KEY, EMPTY_KEY
from subscribers.states import SuppressionReason

MOST_VALUES = 200  # different ones that are counted for a column
LONGEST_EXAMPLE = 80
ALIKE = 0.9  # the share of samples that must be words for where somebody stands

# Names of columns that prove a consent; where several do, the first of a line goes before others.
PROOF_NAMES: dict[str, tuple[str, ...]] = {
    CONSENT_TIME: folded(
        """
            optin time, opt-in date, opt in date, optin date, opted in at, opted in on,
            optin timestamp, email opt-in date, consent date, consent timestamp, consent time,
            consented at, email marketing consent timestamp, subscribed on, subscribed at,
            subscribed date, subscribe date, date subscribed, subscription date,
            subscription time, date of subscription, sign up date, signup date, signup time,
            sign-up time, signed up at, signed up on, signed up, date added, added on,
            added at, add date, add time, add date and time, date created, created at,
            created on, created date, creation date, create date, created, registered at,
            registration date"""
    )
    + tuple(sorted(SIGNED_UP)),
    CONSENT_IP: folded(
        """
            optin ip, opt-in ip, opt in ip, optin ip address, consent ip, signup ip,
            sign up ip, subscribed ip, subscribe ip, subscription ip, registration ip,
            registered ip, created ip, ip address, ip, ip-adresse, adresse ip, dirección ip,
            indirizzo ip, endereço ip, alamat ip"""
    ),
    CONFIRM_TIME: folded(
        """confirm time, confirmation time, confirmation date, confirm date, optin confirmed at,
        confirmed opt-in date, email confirmed opt-in date, doi timestamp"""
    ),
    CONFIRM_IP: folded(
        """confirm ip, confirmation ip, confirmed ip, confirmation ip address, doi ip,
        double opt-in ip"""
    ),
    CONSENT_SOURCE: folded(
        """signup source, sign up source, sign-up source, optin source, opt-in source,
        email opt-in source, consent source, subscription source, subscribe source,
        subscriber source, signup form, sign up form, signup url, signup method, opt-in method,
        consent method, email marketing consent method, anmeldequelle, source d'inscription,
        sumber pendaftaran"""
    ),
}
IS_PROOF = {name: to for to, names in PROOF_NAMES.items() for name in names}
MOMENTS = frozenset({CONSENT_TIME, CONFIRM_TIME})


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentColumn:
    """What a column could be: ``reads`` for a status column, or ``proof``."""

    reads: str = ""
    proof: str = ""
    is_sure: bool = True  # by its name alone; otherwise only if its values are understood
    needs_clear: bool = False  # and only if some of them mean nothing else


# Our own exports say of each list where somebody stands, and why nothing is sent to them.
OF_EXPORTS = {
    "lists": ConsentColumn(reads=said.WORD),
    "suppressed": ConsentColumn(reads=said.WORD_OR_NOTHING),
}
ANSWERS_OF_EXPORTS = {
    one.value: said.BLOCKED
    for one in (SuppressionReason.MANUAL, SuppressionReason.IMPORTED, SuppressionReason.ERASED)
}
Counts = dict[str, dict[str, Any]]  # key of a value: {"n": rows, "example": as written}


def by_name(name: str) -> ConsentColumn | None:  # noqa: PLR0911 - one answer for each kind of name
    """Tell what a column's name says about consent; None for any other column."""
    plain = fold(name)
    if not plain or plain in said.PLAIN_NAMES:
        return None
    if plain in IS_PROOF:
        return ConsentColumn(proof=IS_PROOF[plain])
    if plain in said.NAMES:
        return ConsentColumn(reads=said.NAMES[plain])
    if plain in said.WEAK_NAMES:
        return ConsentColumn(reads=said.WEAK_NAMES[plain], is_sure=False)
    parts = words(name)
    if said.OTHER_THINGS.intersection(parts):
        return None
    for piece, kind in said.FRAGMENTS:
        if piece in plain:
            return _by_fragment(kind, parts)
    if any(word in plain for word in said.NEWSLETTERS):
        return ConsentColumn(reads=said.LEFT_IF_NO, is_sure=False)
    if not said.STATUS_NAMES.isdisjoint(parts):
        return ConsentColumn(reads=said.WORD, is_sure=False, needs_clear=True)
    return None


def _by_fragment(  # noqa: PLR0911 - one answer for each kind of name
    kind: str, parts: Sequence[str]
) -> ConsentColumn | None:
    is_moment = parts[-1] in said.AS_MOMENT or parts[0] in said.AS_MOMENT - {"at", "on", "am", "le"}
    agrees = kind == said.LEFT_IF_NO
    confirms = kind == said.UNCONFIRMED_IF_NO
    if "ip" in parts:
        return (
            ConsentColumn(proof=CONSENT_IP)
            if agrees
            else ConsentColumn(proof=CONFIRM_IP)
            if confirms
            else None
        )
    if said.AS_ORIGIN.intersection(parts):
        return ConsentColumn(proof=CONSENT_SOURCE) if agrees else None
    if said.AS_REASON.intersection(parts):
        outcome = kind.partition(":")[0]
        return (
            None
            if agrees or confirms or ":" not in kind
            else ConsentColumn(reads=f"{outcome}:filled")
        )
    if is_moment and agrees:
        return ConsentColumn(proof=CONSENT_TIME)
    if is_moment and confirms:
        return ConsentColumn(reads=said.UNCONFIRMED_IF_EMPTY)
    if is_moment and ":" not in kind:
        return None  # when a status changed
    return ConsentColumn(reads=kind)


def find(
    columns: Sequence[str | None], samples: Sequence[Sequence[str]], *, exported: bool = False
) -> dict[int, ConsentColumn]:
    """Return what each column of a file could be, by name, else by what its samples are.

    A name of None is passed over. ``exported``: the file was exported here.
    """
    found: dict[int, ConsentColumn] = {}
    for index, name in enumerate(columns):
        if name is None:
            continue
        one = OF_EXPORTS.get(name) if exported else None
        one = one or by_name(name)
        values = [row[index] for row in samples if index < len(row) and row[index].strip()]
        if one and one.proof in MOMENTS and values and not any(map(moments.parse, values)):
            # "Consent date: yes" dates nothing.
            one = ConsentColumn(reads=said.LEFT_IF_NO) if _says_yes_or_no(values) else None
        is_other = not said.OTHER_CHANNELS.isdisjoint(words(name))
        if one is None and not is_other and _are_standings(values):
            one = ConsentColumn(reads=said.WORD)
        if one:
            found[index] = one
    return found


def by_counts(name: str, counts: Counts) -> ConsentColumn | None:
    """Tell what a column is whose values were counted: by its name, else by what they are."""
    one = OF_EXPORTS.get(name) or by_name(name)
    if one and one.proof:
        return ConsentColumn(reads=said.LEFT_IF_NO) if _says_yes_or_no(counts) else None
    values = [key for key in counts if key != EMPTY_KEY]
    return one or (ConsentColumn(reads=said.WORD) if _are_standings(values) else None)


def _says_yes_or_no(values: Iterable[str]) -> bool:
    return any(fold(value) in said.YES | said.NO | said.STATUS_WORDS.keys() for value in values)


def _are_standings(values: Sequence[str]) -> bool:
    """Say whether samples hold nothing but where people stand, in words that mean nothing else."""
    folded = [fold(value) for value in values]
    known = sum(word in said.STATUS_WORDS for word in folded)
    return bool(
        folded and known >= ALIKE * len(folded) and any(word in said.CLEAR_WORDS for word in folded)
    )


def count(path: Path, layout: Layout, *, width: int, found: Mapping[int, str]) -> dict[int, Counts]:
    """Count the values of columns over a whole file; ``found`` says how each is read.

    Beyond `MOST_VALUES` different ones the rest is counted together, under `row_status.OTHERS_KEY`.
    """
    counts: dict[int, Counts] = {index: {} for index in found}
    keys: dict[int, dict[str, str]] = {index: {} for index in found}
    # Rows that lack, or have damaged, other cells go in, too.
    source = iter(Rows(path, layout, width=width, least=1 + max(found), spares=True))
    if layout.has_header:
        next(source, None)
    for row in source:
        if isinstance(row, BrokenRow):
            continue
        cells = row[1]
        for index, reads in found.items():
            if isinstance(cells, DamagedCells) and index in cells.problems:
                continue
            text = cells[index]
            key = keys[index].get(text)
            if key is None:
                key = row_status.key_of(text, reads=reads)
                if len(keys[index]) < row_status.REMEMBERED:
                    keys[index][text] = key
            _add(counts[index], key, text)
    return counts


def _add(counts: Counts, key: str, text: str) -> None:
    one = counts.get(key)
    if one is None and len(counts) >= MOST_VALUES:
        key = row_status.OTHERS_KEY
        one = counts.get(key)
    if one is None:
        one = counts[key] = {"n": 0, "example": " ".join(text.split())[:LONGEST_EXAMPLE]}
    one["n"] += 1


def is_settled(found: ConsentColumn, counts: Counts) -> bool:
    """Say whether a column that only might be one is one: some of its values are understood."""
    if found.is_sure:
        return True
    keys = counts.keys() - {EMPTY_KEY, DATE_KEY}
    if found.needs_clear:
        return not keys.isdisjoint(said.CLEAR_WORDS)
    if found.reads == said.WORD:
        # "Active" alone is the same as saying nothing.
        return not keys.isdisjoint(said.UNCLEAR_WORDS) or any(
            said.STATUS_WORDS.get(key, said.SUBSCRIBED) != said.SUBSCRIBED for key in keys
        )
    return not keys.isdisjoint(said.STATUS_WORDS.keys() | said.YES | said.NO)


def best_proofs(found: Mapping[int, ConsentColumn], columns: Sequence[str]) -> dict[int, str]:
    """Return the columns that prove a consent, one for each kind of proof."""
    chosen: dict[str, int] = {}
    for index, one in found.items():
        if one.proof and _rank(one.proof, columns[index]) < _rank(
            one.proof, columns[chosen[one.proof]] if one.proof in chosen else ""
        ):
            chosen[one.proof] = index
    return {index: proof for proof, index in chosen.items()}


def _rank(proof: str, name: str) -> int:
    names = PROOF_NAMES[proof]
    plain = fold(name)
    if not plain:
        return len(names) + 1
    return names.index(plain) if plain in names else len(names)
