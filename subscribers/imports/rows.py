"""One row of a file made into one line for COPY, or into the problems that keep it out.

This runs a million times: ordinary values take a short way (one pattern, one dictionary look-up);
whatever is unusual takes the careful one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from json import dumps
from json.encoder import encode_basestring
from operator import itemgetter

from django.conf import settings

from accounts.models import Workspace
from subscribers.addresses import addresses
from subscribers.fields import definitions, languages
from subscribers.fields.definitions import FieldShape
from subscribers.fields.problems import Problem
from subscribers.imports import consent_lines, mapping
from subscribers.imports.address_cells import (
    LONGEST_SHOWN,
    NOTHING_THERE,
    AddressReader,
    Noticed,
    name_beside,
)
from subscribers.imports.consent_lines import ConsentReader
from subscribers.imports.labels import ENDS, NOTHING, LabelReader
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.names import COLUMNS
from subscribers.imports.reader import DamagedCells
from subscribers.models import CustomField
from subscribers.people import people
from subscribers.people.people import LONGEST_NAME

# Columns of the line, in order, before ``address_flags`` and what `labels` reads;
# `imports.merge` creates the table they go into.
STAGE_COLUMNS = (
    "row", "email", "email_key", "address_hash", "domain_group", "first_name", "last_name",
    "language", "time_zone", "fields", "raw",
)  # fmt: skip
__all__ = [
    "ENDS",
    "LONGEST_SHOWN",
    "STAGE_COLUMNS",
    "RowMaker",
    "RowRefused",
    "ValueFault",
    "clean_name",
]  # fmt: skip
VALUES_REMEMBERED = 20_000  # per column
TAB = "\t"
SEEN_BITS = 27  # 16 MB: of a million rows one in 250 is looked at twice
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueFault:
    """What is wrong with one value of a row."""

    field: str  # what the column goes to, for people
    value: str
    problem: Problem


class RowRefused(Exception):  # noqa: N818 - an outcome, not an error
    """The row can't go in; `faults` say why."""

    def __init__(self, faults: Sequence[ValueFault]) -> None:
        super().__init__()
        self.faults = faults


class RowMaker:
    """Makes lines for COPY (text format) out of the cells of one file's rows.

    ``lines`` collects rows whose address is surely new to the file, ``doubtful`` those that may
    repeat one, ``seen`` every address with its row; whoever takes them empties them.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        targets: Sequence[ColumnTarget],
        corrections: dict[str, str] | None = None,
        needs_list: bool = False,
        keeps_cells: bool = False,
    ) -> None:
        """Prepare for one mapping; ``corrections`` maps mistyped domains to what they mean.

        ``needs_list``: each row must name a list, because none was chosen for everybody.
        ``keeps_cells``: every row may still be refused, and takes its cells along.
        """
        self.noticed = Noticed()
        self._addresses = AddressReader(self.noticed, corrections=corrections or {})
        self._hash = blake2b(key=bytes(workspace.address_key), digest_size=addresses.HASH_BYTES)
        self._seen = bytearray(1 << (SEEN_BITS - 3))
        places = {target.to: index for index, target in enumerate(targets)}
        own = mapping.shapes(workspace, targets)
        self.email_index = self._email = places[mapping.EMAIL]
        self._first = _cell(places.get(mapping.FIRST_NAME))
        self._last = _cell(places.get(mapping.LAST_NAME))
        self._whole = _cell(places.get(mapping.NAME))
        self._has_whole = mapping.NAME in places
        self._more_emails = [
            index for index, target in enumerate(targets) if target.to == mapping.EMAIL_MORE
        ]
        named = {mapping.NAME, mapping.FIRST_NAME, mapping.LAST_NAME}
        self._is_named = not named.isdisjoint(places)
        self._language = _cell(places.get(mapping.LANGUAGE))
        self._time_zone = _cell(places.get(mapping.TIME_ZONE))
        self._has_more = mapping.LANGUAGE in places or mapping.TIME_ZONE in places
        self._shapes = own
        self._readers = [(index, shape, _FieldReader(shape)) for index, shape in own.items()]
        self._consent = ConsentReader(targets) if consent_lines.is_needed(targets) else None
        required = CustomField.objects.filter(workspace=workspace, is_required=True)
        self._required = {place.key for place in own.values()} & set(
            required.values_list("key", flat=True)
        )
        self._targets = targets
        self.labels = {
            what: (places[to], LabelReader(what)) for to, what in COLUMNS.items() if to in places
        }
        self._has_labels = bool(self._consent or self.labels)
        self.lines: list[str] = []
        self.doubtful: list[str] = []
        self.seen: list[str] = []
        self._needs_list = needs_list
        self._keeps_cells = keeps_cells
        self.dropped: list[
            ValueFault
        ] = []  # of the last row that went in: values it went in without

    def add(self, number: int, cells: Sequence[str]) -> None:
        """Take a row in as one line; raises as `line`."""
        line, more, hashed, doubtful = self._make(number, cells)
        self.seen.append(f"\\\\x{hashed}\t{number}\n")
        (self.doubtful if doubtful else self.lines).append(f"{line}\t{more}\n")

    def line(self, number: int, cells: Sequence[str]) -> str:
        """Return the row as one line of `STAGE_COLUMNS` and the address's flags.

        Raises:
            RowRefused: with one fault for each value that can't go in.
        """
        line, more, _hashed, _doubtful = self._make(number, cells)
        return f"{line}\t{more.partition(TAB)[0]}\n"

    def _make(self, number: int, cells: Sequence[str]) -> tuple[str, str, str, bool]:
        """Return the line, the columns behind it, the address's hash, whether it may repeat."""
        faults: list[ValueFault] = []
        self.dropped = []
        if type(cells) is DamagedCells:
            cells = self._spare(cells, faults)
        email = ""
        group = flags = 0
        domain = None
        written = cells[self._email]
        if self._more_emails and _is_nothing(written):
            written = self._other_address(cells)
        try:
            email, group, flags, domain = self._addresses.read(written)
        except Problem as problem:
            faults.append(_fault("email", written, problem))
        first, last = self._names(cells, written)
        language = time_zone = ""
        if self._has_more:
            language, time_zone = self._more(cells)
        fragments = self._values(cells, faults)
        labels = self._labels(cells, faults) if self._has_labels else ""
        if faults:
            raise RowRefused([*faults, *self.dropped])
        self.noticed.without += bool(self.dropped)
        if domain:
            self._addresses.note(domain, flags)
        key = email.lower()
        digest = self._hash.copy()
        digest.update(key.encode())
        hashed = digest.hexdigest()
        if "\\" in first or "\\" in last:
            first, last = first.replace("\\", "\\\\"), last.replace("\\", "\\\\")
        doubtful = self._came_before(hashed)
        # Its cells are kept with a row that may be a duplicate: the error file will want them.
        kept = doubtful or self._keeps_cells
        raw = dumps(cells, ensure_ascii=False).replace("\\", "\\\\") if kept else r"\N"
        line = (
            f"{number}\t{email}\t{key}\t\\\\x{hashed}\t{group}\t{first}\t{last}\t{language}"
            f"\t{time_zone}\t{{{','.join(fragments)}}}\t{raw}"
        )
        return line, f"{flags}{labels}", hashed, doubtful

    def _values(self, cells: Sequence[str], faults: list[ValueFault]) -> list[str]:
        """Return the custom fields' values, as pieces of JSON."""
        fragments = []
        for index, shape, reader in self._readers:
            text = cells[index]
            if not text:
                continue
            fragment = reader.read(text)
            if isinstance(fragment, Problem):
                found = faults if shape.key in self._required else self.dropped
                found.append(_fault(shape.label, text, fragment))
            elif fragment:
                fragments.append(fragment)
        return fragments

    def _spare(self, cells: DamagedCells, faults: list[ValueFault]) -> list[str]:
        """Empty the damaged cells that somebody can come without."""
        spared = list(cells)
        for index, problem in cells.problems.items():
            target = self._targets[index]
            if target.to == mapping.IGNORE:
                continue
            shape = self._shapes.get(index)
            fault = _fault(shape.label if shape else target.to, cells[index], problem)
            dispensable = mapping.can_be_absent(target) and not (
                shape and shape.key in self._required
            )
            (self.dropped if dispensable else faults).append(fault)
            spared[index] = ""
        return spared

    def _other_address(self, cells: Sequence[str]) -> str:
        return next((cells[at] for at in self._more_emails if not _is_nothing(cells[at])), "")

    def _labels(self, cells: Sequence[str], faults: list[ValueFault]) -> str:
        values = []
        of_consent = ""
        if self._consent:
            try:
                of_consent = self._consent.read(cells)
                for proof, text, problem in self._consent.unread:
                    self._drop(proof, text, problem)
            except Problem as problem:
                text = "; ".join(cells[index] for index in self._consent.status_columns)
                faults.append(_fault(mapping.STATUS, text, problem))
        for what, (index, reader) in self.labels.items():
            text = cells[index].strip()
            try:
                values.append(reader.read("" if text in NOTHING_THERE else text))
            except Problem as problem:
                # Where somebody stands, and on which list, is no cell to do without.
                spared = what == "tags"
                (self.dropped if spared else faults).append(_fault(what, cells[index], problem))
                values.append(NOTHING)
                continue
            if what == "lists" and self._needs_list and values[-1] == NOTHING:
                faults.append(_fault(what, "", Problem("list_missing")))
        return "".join([of_consent, *(f"\t{value}" for value in values)])

    def _came_before(self, hashed: str) -> bool:
        """Say whether this address may have come before; False is sure, True is asked later."""
        position = int(hashed[:8], 16) >> (32 - SEEN_BITS)
        byte, bit = position >> 3, 1 << (position & 7)
        if self._seen[byte] & bit:
            return True
        self._seen[byte] |= bit
        return False

    def _names(self, cells: Sequence[str], address: str) -> tuple[str, str]:
        given = self._whole(cells) if self._has_whole else ""
        if not self._is_named and "<" in address:
            given = name_beside(address)
        if given or self._has_whole:
            whole = self._name("name", given, LONGEST_NAME * 2)
            first, _space, last = whole.rpartition(" ")
            first, last = (first, last) if first else (last, "")
            if len(first) > LONGEST_NAME or len(last) > LONGEST_NAME:
                self._drop("name", whole, Problem("too_long", limit=LONGEST_NAME))
                return "", ""
            return first, last
        return (
            self._name("first_name", self._first(cells), LONGEST_NAME),
            self._name("last_name", self._last(cells), LONGEST_NAME),
        )

    def _name(self, where: str, text: str, limit: int) -> str:
        if text in NOTHING_THERE:
            return ""
        if text.isprintable() and len(text) <= limit:
            return text.strip()
        try:
            return clean_name(text, limit=limit)
        except Problem as problem:
            self._drop(where, text, problem)
            return ""

    def _drop(self, where: str, text: str, problem: Problem) -> None:
        self.dropped.append(_fault(where, text, problem))

    def _more(self, cells: Sequence[str]) -> tuple[str, str]:
        given = self._language(cells).strip()
        language = ""
        if given and given not in NOTHING_THERE:
            language = languages.read(given)
            if not language:
                choices = ", ".join(code for code, _name in settings.LANGUAGES)
                self._drop("language", given, Problem("language", choices=choices))
        time_zone = self._time_zone(cells).strip()
        if time_zone and time_zone not in people.time_zones():
            if time_zone not in NOTHING_THERE:
                self._drop("time_zone", time_zone, Problem("time_zone"))
            time_zone = ""
        return language, time_zone


def _is_nothing(text: str) -> bool:
    text = text.strip()
    return not text or text in NOTHING_THERE


def clean_name(text: str, *, limit: int = LONGEST_NAME) -> str:
    """Return a name on one line, without what nobody sees.

    Raises:
        Problem: it holds a line break (a header injection in a mail) or a control character, or is
            longer than ``limit`` characters.
    """
    text = text.translate(INVISIBLE).replace("\u00a0", " ").replace("\t", " ").strip()
    if len(text.splitlines()) > 1:
        raise Problem("line_break")
    if any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in text):
        raise Problem("control_character")
    if len(text) > limit:
        raise Problem("too_long", limit=limit)
    return text


class _FieldReader:
    """Reads one column into ``"key":value`` of JSON, escaped for COPY, and remembers answers."""

    def __init__(self, shape: FieldShape) -> None:
        self._shape = shape
        self._prefix = f"{encode_basestring(shape.key)}:"
        self._known: dict[str, str | Problem] = {}

    def read(self, text: str) -> str | Problem:
        """Return the fragment, "" for an empty value, or what is wrong."""
        known = self._known.get(text)
        if known is not None:
            return known
        try:
            value = None if text.strip() in NOTHING_THERE else definitions.parse(self._shape, text)
            answer: str | Problem = ""
            if value is not None:
                answer = self._prefix + dumps(value, ensure_ascii=False).replace("\\", "\\\\")
        except Problem as problem:
            answer = problem
        if len(self._known) >= VALUES_REMEMBERED:
            self._known.clear()
        self._known[text] = answer
        return answer


def _cell(index: int | None) -> Callable[[Sequence[str]], str]:
    return itemgetter(index) if index is not None else lambda _cells: ""


def _fault(where: str, value: str, problem: Problem) -> ValueFault:
    return ValueFault(field=where, value=value[:LONGEST_SHOWN], problem=problem)
