"""Which column goes where: suggestions with samples, what was chosen before, new fields."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.addresses import addresses
from subscribers.fields import definitions
from subscribers.fields.definitions import DateOrder, FieldShape
from subscribers.fields.problems import Problem
from subscribers.imports import column_names
from subscribers.imports.address_cells import first_address
from subscribers.imports.column_names import ALIKE_FIELDS, AS_TAGS, is_code, name_parts
from subscribers.imports.column_types import ALIKE, date_order, guess_type, loses_zeros
from subscribers.imports.normalizing import fold
from subscribers.models import CustomField, Import
from subscribers.states import FieldType

IGNORE, EMAIL, FIRST_NAME, LAST_NAME = "", "email", "first_name", "last_name"
NAME, LANGUAGE, TIME_ZONE, NEW = "name", "language", "time_zone", "new"
STATUS, TAGS, LISTS = "status", "tags", "lists"
EMAIL_MORE = "email_more"  # where the address is empty
CONSENT_TIME, CONSENT_IP = "consent_time", "consent_ip"
CONFIRM_TIME, CONFIRM_IP = "confirm_time", "confirm_ip"
CONSENT_SOURCE = "consent_source"
PROOFS = (CONSENT_TIME, CONSENT_IP, CONFIRM_TIME, CONFIRM_IP, CONSENT_SOURCE)
SEVERAL = frozenset({IGNORE, NEW, STATUS, EMAIL_MORE})  # where more than one column may go
FIELD = "field:"
MOST_NEW = 40
LONGEST_LABEL = 80

# What other tools and people call these columns (`column_names`).
SYNONYMS: dict[str, frozenset[str]] = {
    EMAIL: column_names.EMAIL,
    LANGUAGE: column_names.LANGUAGE,
    TIME_ZONE: column_names.TIME_ZONE,
    TAGS: column_names.TAGS,
    LISTS: column_names.LISTS,
}
# The columns that our own error files put in front; never taken in again.
ERROR_COLUMNS = ("row", "field", "value", "reason")
OF_IMPORT = "import"  # the number of the import whose rows they are; older files have none
# With these columns our own exports begin; the others say what an import decides otherwise.
EXPORT_COLUMNS = ("subscriber_id", "email")
EXPORT_ONLY = frozenset({"subscriber_id", "lists", "suppressed", "added", "changed"})


# Whoever has no readable value there comes without it.
DISPENSABLE = frozenset(
    {IGNORE, NEW, FIRST_NAME, LAST_NAME, NAME, LANGUAGE, TIME_ZONE, TAGS, EMAIL_MORE, *PROOFS}
)


class MappingRefused(ValueError):  # noqa: N818 - what people read is a refusal
    """The columns can't be read like this; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class ColumnTarget:
    """Where one column goes. ``to`` is one of the words above, or ``field:`` and a key.

    Of a status column, ``reads`` is how it is read (`consent_words.KINDS`), and ``answers`` is what
    people said its values mean. ``waived``: who said that a column that looks like one is none.
    """

    to: str = IGNORE
    label: str = ""  # of a new field
    type: str = FieldType.TEXT  # of a new field
    date_order: str = DateOrder.DAY_FIRST
    reads: str = ""
    answers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    waived: str = ""


def load(stored: Sequence[Mapping[str, Any]]) -> list[ColumnTarget]:
    """Read a mapping as stored in `Import.mapping`."""
    return [ColumnTarget(**target) for target in stored]


def dump(targets: Sequence[ColumnTarget]) -> list[dict[str, Any]]:
    """Write a mapping for `Import.mapping`."""
    return [asdict(target) for target in targets]


def suggest(
    workspace: Workspace,
    *,
    columns: Sequence[str],
    samples: Sequence[Sequence[str]],
    guess_types: bool = True,
    sure: Mapping[int, ColumnTarget] | None = None,
) -> list[ColumnTarget]:
    """Suggest a target for each column.

    A file with the same columns as an earlier import is read like that one; otherwise names decide,
    then what the samples look like. Nothing is suggested twice. A column that is not known but has
    a name and values becomes a new field, so that nothing is lost by not looking; its type is text
    unless ``guess_types``, because where nobody looks, a wrong guess would refuse good rows.
    ``sure`` are the columns that are known for sure, whatever an earlier import made of them.
    """
    sure = sure or {}
    remembered = remember(workspace, columns=columns, samples=samples)
    if remembered:
        return [sure.get(index, _forget(target)) for index, target in enumerate(remembered)]
    own = list(CustomField.objects.filter(workspace=workspace))
    known = names_of(own)
    words = [fold(column) for column in columns]
    by_name = any(word in SYNONYMS[EMAIL] for word in words)
    names = name_parts(words)
    taken = {target.to for target in sure.values()} - SEVERAL
    new: set[str] = set()
    targets = []
    ours = own_columns(columns)
    exported = is_export(columns)
    for index, column in enumerate(columns):
        if index in sure:
            targets.append(sure[index])
            continue
        if index < ours or (exported and column in EXPORT_ONLY):
            targets.append(ColumnTarget())
            continue
        values = [row[index] for row in samples if index < len(row) and row[index].strip()]
        word = words[index]
        if index in names:
            to = names[index] or known.get(word, IGNORE)
        else:
            to = _target_of(word, () if by_name else values, known)
        if to == EMAIL and EMAIL in taken and word in column_names.NUMBERED_EMAILS:
            to = EMAIL_MORE
        # Tags and lists are made on the way: not where nobody looks.
        if to in taken or (to in {TAGS, LISTS} and not guess_types):
            to = IGNORE
        if to not in SEVERAL:
            taken.add(to)
        target = ColumnTarget(to=to, date_order=date_order(values))
        is_spare = index in names and to == IGNORE
        if to == IGNORE and values and column.strip() and len(new) < MOST_NEW and not is_spare:
            target = _new_field(column, values, target.date_order, guess_types=guess_types)
            new.add(target.label.lower())
        targets.append(target)
    return targets


def _forget(target: ColumnTarget) -> ColumnTarget:
    """Take a remembered target without what was said of its values: another file has others."""
    return replace(target, answers={}, waived="")


def names_of(own: Sequence[CustomField]) -> dict[str, str]:
    """Return what each plain name of a column means among a workspace's own fields."""
    known: dict[str, str] = {}
    for field in own:
        words = {fold(field.key), fold(field.label)}
        for alike in ALIKE_FIELDS:
            if words & alike:
                known |= dict.fromkeys(alike, f"{FIELD}{field.key}")
    return known | {
        fold(word): f"{FIELD}{field.key}" for field in own for word in (field.key, field.label)
    }


def own_columns(columns: Sequence[str]) -> int:
    """Return how many columns in front are those of an error file of ours; 0: it is none."""
    names = [column.lower() for column in columns[: len(ERROR_COLUMNS) + 1]]
    if tuple(names[: len(ERROR_COLUMNS)]) != ERROR_COLUMNS:
        return 0
    return len(ERROR_COLUMNS) + (names[len(ERROR_COLUMNS) :] == [OF_IMPORT])


def is_export(columns: Sequence[str]) -> bool:
    """Say whether a file with these columns was exported here."""
    return tuple(columns[: len(EXPORT_COLUMNS)]) == EXPORT_COLUMNS


def remember(
    workspace: Workspace, *, columns: Sequence[str], samples: Sequence[Sequence[str]]
) -> list[ColumnTarget]:
    """Return how the last finished import with exactly these columns read them, or [].

    Not if a column was left out for being empty, and is not empty now.
    """
    last = (
        Import.objects.filter(
            workspace=workspace, columns=list(columns), finished_at__isnull=False, has_header=True
        )
        .exclude(mapping=[])
        .order_by("-id")
        .first()
    )
    if last is None:
        return []
    targets = load(last.mapping)
    if any(
        target.to == IGNORE and _filled(samples, index) and not _filled(last.samples, index)
        for index, target in enumerate(targets)
    ):
        return []
    keys = set(CustomField.objects.filter(workspace=workspace).values_list("key", flat=True))
    return [
        target
        if not target.to.startswith(FIELD) or target.to[len(FIELD) :] in keys
        else ColumnTarget()
        for target in targets
    ]


def can_be_absent(target: ColumnTarget) -> bool:
    """Say whether a row may end before this column: nothing depends on it but a value."""
    return target.to in DISPENSABLE or target.to.startswith(FIELD)


def check(targets: Sequence[ColumnTarget]) -> None:
    """Refuse a mapping without exactly one address column, or with a target used twice.

    Raises:
        MappingRefused: with what to do.
    """
    used = [target.to for target in targets if target.to not in SEVERAL]
    if EMAIL not in used:
        raise MappingRefused(_("Say which column holds the email address."))
    if len(used) != len(set(used)):
        raise MappingRefused(_("Two columns go to the same place. Leave one of them out."))
    if NAME in used and {FIRST_NAME, LAST_NAME} & set(used):
        raise MappingRefused(_("Map either the whole name, or first and last name."))
    labels = [target.label.strip().lower() for target in targets if target.to == NEW]
    if "" in labels or len(labels) != len(set(labels)):
        raise MappingRefused(_("Give each new field a name of its own."))
    if any(target.type not in NEW_TYPES for target in targets if target.to == NEW):
        raise MappingRefused(
            _("A new field can be a text, number, date, yes or no, or web address.")
        )


NEW_TYPES = (
    FieldType.TEXT,
    FieldType.NUMBER,
    FieldType.DATE,
    FieldType.BOOLEAN,
    FieldType.URL,
)


def create_fields(workspace: Workspace, targets: Sequence[ColumnTarget]) -> list[ColumnTarget]:
    """Create the new fields of a mapping (or find them by label) and point the columns to them."""
    ready = []
    for target in targets:
        if target.to != NEW:
            ready.append(target)
            continue
        found = CustomField.objects.filter(
            workspace=workspace, label__iexact=target.label.strip(), type=target.type
        ).first() or definitions.create(workspace, label=target.label, kind=FieldType(target.type))
        to = f"{FIELD}{found.key}"
        ready.append(ColumnTarget(to=to, date_order=target.date_order, waived=target.waived))
    return ready


def shapes(workspace: Workspace, targets: Sequence[ColumnTarget]) -> dict[int, FieldShape]:
    """Return the field that each column goes to, by column index; new ones under a name to come."""
    own = {field.key: field for field in CustomField.objects.filter(workspace=workspace)}
    found: dict[int, FieldShape] = {}
    for index, target in enumerate(targets):
        order = DateOrder(target.date_order)
        if target.to.startswith(FIELD) and target.to[len(FIELD) :] in own:
            found[index] = definitions.shape(own[target.to[len(FIELD) :]], date_order=order)
        elif target.to == NEW:
            found[index] = FieldShape(
                key=definitions.make_key(target.label, taken=list(own)),
                label=target.label,
                type=FieldType(target.type),
                date_order=order,
            )
    return found


def number_columns(record: Import) -> list[str]:
    """Return the columns of postcodes, phone numbers and the like that go to a number."""
    found = shapes(record.workspace, load(record.mapping))
    return [
        column
        for index, column in enumerate(record.columns)
        if index in found
        and found[index].type is FieldType.NUMBER
        and (is_code(column) or loses_zeros([row[index] for row in record.samples]))
    ]


def label(target: ColumnTarget, *, own: Mapping[str, str]) -> str:
    """Name a target for people; ``own`` maps keys of custom fields to labels."""
    if target.to.startswith(FIELD):
        return own.get(target.to[len(FIELD) :], target.to[len(FIELD) :])
    if target.to == NEW:
        return target.label
    return dict(standard_targets()).get(target.to, target.to)


def standard_targets() -> list[tuple[str, str]]:
    """Return the targets that every workspace has, with their names."""
    return [
        (IGNORE, _("Leave out")),
        (EMAIL, _("Email address")),
        (FIRST_NAME, _("First name")),
        (LAST_NAME, _("Last name")),
        (NAME, _("Whole name")),
        (LANGUAGE, _("Language")),
        (TIME_ZONE, _("Time zone")),
        (STATUS, _("Status (subscribed, unsubscribed …)")),
        (TAGS, _("Tags")),
        (LISTS, _("Lists")),
        (EMAIL_MORE, _("Another address, if the first is empty")),
        (CONSENT_TIME, _("When they signed up")),
        (CONSENT_IP, _("IP address of the sign-up")),
        (CONFIRM_TIME, _("When they confirmed")),
        (CONFIRM_IP, _("IP address of the confirmation")),
        (CONSENT_SOURCE, _("Where they signed up")),
    ]


def _filled(samples: Sequence[Sequence[str]], index: int) -> bool:
    return any(index < len(row) and row[index].strip() for row in samples)


def _target_of(word: str, values: Sequence[str], known: Mapping[str, str]) -> str:
    for to, words in SYNONYMS.items():
        if word in words:
            return to
    if word in known:
        return known[word]
    if word in AS_TAGS:
        return TAGS
    return EMAIL if values and _share_of_addresses(values) >= ALIKE else IGNORE


def _new_field(
    column: str, values: Sequence[str], order: str, *, guess_types: bool
) -> ColumnTarget:
    kind = guess_type(column, values) if guess_types else FieldType.TEXT
    label = " ".join(column.replace("_", " ").split())[:LONGEST_LABEL]
    return ColumnTarget(to=NEW, label=label[:1].upper() + label[1:], type=kind, date_order=order)


def _share_of_addresses(values: Sequence[str]) -> float:
    good = 0
    for value in values:
        try:
            addresses.normalise(addresses.repair(first_address(value)))
        except Problem:
            continue
        good += 1
    return good / len(values)
