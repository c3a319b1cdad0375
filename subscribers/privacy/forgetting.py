"""Making files and notes of imports, and what members stored, forget a person.

A row that holds the address is overwritten where it stands, letter by letter, so that all others
keep their numbers and an import that is being read goes on. A row with quoted line breaks is
overwritten whole.

A member may have searched for an address, or named it in a rule. Such a text is replaced by one
that nobody has, so that an action or a rule never means more people than before.
"""

import json
import mmap
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from accounts.models import Workspace
from subscribers.models import BulkAction, Import, SearchBlock, Segment, Subscriber
from subscribers.people import search
from subscribers.privacy import scrubbing
from subscribers.privacy.scrubbing import NOBODY

# What gives a file its shape stays: delimiters, quotes, line ends, and the NULs of UTF-16.
SHAPE = b'\0,;\t|"\r\n'
GONE = bytes(byte if byte in SHAPE else ord("-") for byte in range(256))
MOST_LINES = 50  # of one row
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252")
# The letters that may stand in an address beside the one that is looked for.
PART_OF_ADDRESS = rb"[A-Za-z0-9.!#$%&*+/=?^_`{|}~-]"


def forget(workspace: Workspace, *, addresses: Sequence[str]) -> int:
    """Overwrite a person's rows in the kept files, and drop them from notes; returns how many.

    A note holds one value of a row, so it can't be told whose it is: where the person was found in
    the files, all notes of problems go (the file of rows to correct has them still).
    """
    count = 0
    wanted = re.compile(scrubbing.pattern_of(addresses), re.IGNORECASE)
    for record in Import.objects.filter(workspace=workspace):
        places = sum(mask(Path(path), addresses) for path in record.paths)
        Import.objects.filter(pk=record.pk).update(
            samples=_without(record.samples, addresses),
            problems=[] if places else _without(record.problems, addresses),
            flagged=without(record.flagged, wanted),
        )
        count += places
    return count


def mask(path: Path, addresses: Iterable[str]) -> int:
    """Overwrite the lines of a file that hold one of the addresses; returns how many places."""
    if not path.name or not path.is_file() or not path.stat().st_size:
        return 0
    count = 0
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        for pattern in _patterns(addresses):
            at = 0
            while found := pattern.search(data, at):
                begin, at = _begin(data, found.start()), _end(data, found.end())
                data[begin:at] = data[begin:at].translate(GONE)
                count += 1
    return count


def _begin(data: mmap.mmap, at: int) -> int:
    """Find where the row begins that holds this place: an open quote leads to the line before."""
    begin = data.rfind(b"\n", 0, at) + 1
    for _line in range(MOST_LINES):
        if not begin or data[begin:at].count(b'"') % 2 == 0:
            break
        begin = data.rfind(b"\n", 0, begin - 1) + 1
    return begin


def _end(data: mmap.mmap, at: int) -> int:
    """Find where the row ends, likewise."""
    end = at
    for _line in range(MOST_LINES):
        found = data.find(b"\n", end + 1 if end > at else end)
        end = found if found >= 0 else len(data)
        if found < 0 or data[at:end].count(b'"') % 2 == 0:
            break
    return end


def _patterns(addresses: Iterable[str]) -> list[re.Pattern[bytes]]:
    wanted: dict[bytes, re.Pattern[bytes]] = {}
    for address in addresses:
        for spelling in _spellings(address):
            for encoding in ENCODINGS:
                try:
                    word = spelling.encode(encoding)
                except UnicodeEncodeError:
                    continue
                literal = re.escape(word)
                if not encoding.startswith("utf-16"):
                    literal = rb"(?<!%b)%b(?![A-Za-z0-9-])" % (PART_OF_ADDRESS, literal)
                wanted.setdefault(literal, re.compile(literal, re.IGNORECASE))
    return list(wanted.values())


def _spellings(address: str) -> list[str]:
    local, _at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = domain
    return [address, f"{local}@{ascii_domain}"]


def _without(notes: Any, addresses: Sequence[str]) -> Any:
    """Leave out the notes that hold an address anywhere."""
    words = [one.lower() for one in addresses]
    return [note for note in notes if not any(word in str(note).lower() for word in words)]


def forget_texts(workspace: Workspace, *, people: Sequence[int], names: Sequence[str]) -> None:
    """Forget people by their keys; ``names`` are their addresses and full names."""
    blocks = {key >> search.BLOCK_BITS for key in people}
    SearchBlock.objects.filter(workspace=workspace, block__in=blocks).delete()  # they are marked
    kind = ContentType.objects.get_for_model(Subscriber)
    entries = LogEntry.objects.filter(content_type=kind, object_id__in=[str(key) for key in people])
    for name in names:  # of other things that were named after them, too
        entries |= LogEntry.objects.filter(
            Q(object_repr__icontains=name) | Q(change_message__icontains=name)
        )
    entries.update(object_repr="", change_message="")
    known = "|".join(re.escape(name) for name in names)
    wanted = re.compile(rf"(?<!\w)(?:{known})(?!\w)", re.IGNORECASE)
    for model, columns in (
        (BulkAction, ("filters", "settings")),
        (Segment, ("rules", "description")),
        (Import, ("columns", "filename", "bring_back_reason")),
    ):
        rows = model._default_manager.filter(workspace=workspace)  # noqa: SLF001 - Django's public name for it
        for row in rows.only(*columns).iterator():
            held = {name: getattr(row, name) for name in columns}
            if wanted.search(json.dumps(held, ensure_ascii=False)):
                rows.filter(pk=row.pk).update(
                    **{name: without(value, wanted) for name, value in held.items()}
                )


def without(value: Any, wanted: re.Pattern[str]) -> Any:
    """Return a JSON value with what is wanted replaced by nobody in its texts."""
    if isinstance(value, dict):
        return {key: without(one, wanted) for key, one in value.items()}
    if isinstance(value, list):
        return [without(one, wanted) for one in value]
    return wanted.sub(NOBODY, value) if isinstance(value, str) else value
