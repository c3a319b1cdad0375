"""From lines to people: COPY into temporary tables, then a handful of statements per batch.

Rules, the same for the dry run and for the import:
- Who is suppressed, or has left every list that the row is for, stays exactly as they are
  (`suppressed`). Only "unsubscribed" may be brought back, by the import's own policy and reason.
- An empty cell erases nothing; `states.ExistingPeople` says what becomes of known people.
- Who is on a list stays; who was only asked becomes subscribed if the import says so, unless they
  had left before they were asked (`consent.HAD_LEFT`).
- One consent event for each person and list, with the import's statement; besides, what the file
  proves of older ones (`consent_statements.PROOFS`).
- Who unsubscribed elsewhere leaves the lists here, too, whatever becomes of known people.

A migration's rows have lists of their own, and proofs in the place of the import's events; a value
that may not stand here stays behind, and its person comes (`gathering`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from psycopg.errors import UniqueViolation

from subscribers.fields import custom_values
from subscribers.imports import clashes, consent_statements, gathering, mapping, statements
from subscribers.imports.clashes import Clash, Watch
from subscribers.imports.consent_words import (
    BLOCKED,
    BOUNCED,
    COMPLAINED,
    LEFT_OUT,
    UNSUBSCRIBED,
)
from subscribers.imports.names import Names
from subscribers.imports.rows import ENDS, STAGE_COLUMNS
from subscribers.imports.statements import DROP, TABLES, TEMPORARY_BUFFERS
from subscribers.models import Import
from subscribers.states import (
    AddressFlag,
    ConsentKind,
    ConsentSource,
    ExistingPeople,
    ImportStatus,
    SubscriptionStatus,
    SuppressionReason,
)

__all__ = ["DROP", "TABLES", "TEMPORARY_BUFFERS", "Counts", "Merger"]


# By which a later row of an address counts, though the first one is kept; the worst is the last.
WORSE = [UNSUBSCRIBED, BLOCKED, BOUNCED, COMPLAINED]
UNDO_DAYS = timedelta(days=31)  # an undo is possible for 30 days after the end


class Overtaken(Exception):  # noqa: N818 - a signal to decide again
    """Somebody signed up between the decision about a batch and its insertion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What a batch did, or would do; the five add up to its rows, and so do the standings.

    ``standings``: how many are subscribed, unsubscribed, bounced … by the file; ``kept`` are those
    who had left or are suppressed here, ``known`` those who are left as they are.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    suppressed: int = 0
    kept_out: int = 0  # of a migration; of a file they are among the suppressed
    standings: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            created=self.created + other.created,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            suppressed=self.suppressed + other.suppressed,
            kept_out=self.kept_out + other.kept_out,
            standings=self.standings + other.standings,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """A row whose address an earlier row has."""

    row: int
    first: int
    email: str
    raw: str  # the row's cells as JSON


class Merger:
    """Works on one import over the calling thread's connection, with temporary tables there."""

    def __init__(self, record: Import, *, names: Names, at: datetime) -> None:
        """Prepare; ``at`` becomes the moment of everything that this import writes."""
        self._names = names
        self._fills = record.existing == ExistingPeople.FILL
        self._skips = record.existing == ExistingPeople.SKIP
        self._values = _values(record, names=names, at=at)
        self.columns = (*STAGE_COLUMNS, "address_flags", *names.columns)
        self._tags = bool(names.fixed_tags) or "tags" in names.columns
        self._has_consent = "status" in names.columns
        self._is_migration = record.is_migration
        self._placing = gathering.ONE_BY_ONE if self._is_migration else statements.ALIKE
        differs = statements.DIFFERS_FILLING if self._fills else statements.DIFFERS_OVERWRITING
        self._differs = differs
        targets = mapping.load(record.mapping)
        self.watch = Watch(record.workspace, targets, fills=self._fills)
        self.clashes: list[Clash] = []  # of the last decision
        self.findings = gathering.BatchFindings()  # of the last decision about a migration's rows

    def open(self) -> None:
        """Make the temporary tables."""
        # Refused once the connection has used temporary tables; then it has them already.
        with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(TEMPORARY_BUFFERS)
        with connection.cursor() as cursor:
            cursor.execute(DROP)
            cursor.execute(TABLES)

    def close(self) -> None:
        """Drop the temporary tables."""
        with connection.cursor() as cursor:
            cursor.execute(DROP)

    def stage(self, lines: Iterable[bytes]) -> None:
        """Take one batch of lines."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE import_stage")
            with cursor.copy(f"COPY import_stage ({', '.join(self.columns)}) FROM STDIN") as copy:
                for piece in lines:
                    copy.write(piece)

    def stage_again(self, rows: Sequence[int], *, source: str = "import_again") -> None:
        """Take rows as a batch that `Memory` kept, by their numbers."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE import_stage")
            cursor.execute(
                f"INSERT INTO import_stage SELECT * FROM {source} WHERE row = ANY(%s)",  # noqa: S608 - our own word
                [list(rows)],
            )

    def kept_rows(self, source: str = "import_again") -> list[int]:
        """Return the numbers of the rows that `Memory` kept."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT row FROM {source} ORDER BY row")  # noqa: S608 - our own word
            return [row for (row,) in cursor.fetchall()]

    def worsen(self, *, source: str = "import_worse") -> None:
        """Let those leave of whom a later row of the file says so, inside the caller's transaction.

        The rows themselves count as duplicates: nothing else of them is taken.
        """
        if not self._has_consent:
            return
        self.decide(source=source, watches=False)
        with connection.cursor() as cursor:
            for statement in (
                consent_statements.ONLY_LEAVES,
                consent_statements.LEAVES_ONLY,
                consent_statements.KEEP_LEFT,
                statements.MOVE_KNOWN,
                consent_statements.PROOFS,
                consent_statements.SUPPRESS,
            ):
                cursor.execute(statement, self._values)

    def decide(
        self, *, source: str = "import_stage", dry_run: bool = False, watches: bool = True
    ) -> Counts:
        """Say what becomes of the rows in ``source``, a table like the stage.

        Without ``watches`` values that may be there only once are not looked for.
        """
        query = statements.DECIDE.format(
            new_id="0" if dry_run else statements.NEW_ID,
            differs=self._differs,
            targets=self._targets(),
            source=source,
        )
        with connection.cursor() as cursor:
            cursor.execute(statements.BATCH_SETTINGS)
            cursor.execute("TRUNCATE import_decided, import_placed, import_tagged")
            cursor.execute(query, self._values)
            if watches and self.watch.is_on:
                self._refuse(cursor, dry_run=dry_run)
            if not self._skips or self._has_consent or self._is_migration:
                cursor.execute(self._placing.of(statements.PLACE), self._values)
                if cursor.rowcount:
                    cursor.execute(statements.BAR)
            if self._tags and not self._skips:
                cursor.execute(statements.TAG_KNOWN, self._values)
            cursor.execute(statements.COUNT)
            created, updated, unchanged, suppressed = cursor.fetchone()
            cursor.execute(statements.COUNT_STANDINGS, self._values)
            standings = Counter(dict(cursor.fetchall()))
            if self._is_migration:
                self.findings = gathering.findings(cursor)
        kept_out = len(self.findings.kept)
        return Counts(
            created=created,
            updated=updated,
            unchanged=unchanged,
            suppressed=suppressed - kept_out,
            kept_out=kept_out,
            standings=standings,
        )

    def _targets(self) -> str:
        if self._is_migration:
            return gathering.TARGETS
        return statements.TARGETS_NAMED if "lists" in self._names.columns else statements.TARGETS

    def _refuse(self, cursor: Any, *, dry_run: bool) -> None:
        """Take out, and remember, rows with a value that may not stand there."""
        taken = self.watch.taken(written=statements.WRITTEN, dry_run=dry_run)
        if self._is_migration:
            self.clashes = taken
            self._leave_behind(cursor)
            return
        self.clashes = clashes.joined(self.watch.missing(), taken)
        cursor.execute(statements.REFUSE, [[clash.row for clash in self.clashes]])

    def _leave_behind(self, cursor: Any) -> None:
        """Let people come without the values that may not stand there."""
        pairs = [(clash.row, key) for clash in self.clashes for key in clash.keys]
        if pairs:
            rows, keys = (list(column) for column in zip(*pairs, strict=True))
            cursor.execute(gathering.LEAVE_BEHIND, [rows, keys])
            cursor.execute(gathering.LOOK_AGAIN.format(differs=self._differs), [rows])

    def learn(self, make: Callable[[str, list[str]], dict[str, int]]) -> None:
        """Find out which lists and tags the staged rows name; ``make`` gives ids to unknown ones.

        It gets "list" or "tag" and names as written, and answers with ids by these names.
        """
        with connection.cursor() as cursor:
            for what, column in (("list", "lists"), ("tag", "tags")):
                if column not in self._names.columns:
                    continue
                cursor.execute(statements.UNKNOWN_NAMES.format(column=column), [what])
                unknown = sorted(name for (name,) in cursor.fetchall())
                if unknown:
                    found = make(what, unknown)
                    cursor.executemany(
                        "INSERT INTO import_names SELECT %s, lower(%s), %s",
                        [(what, name, key) for name, key in found.items()],
                    )

    def write(self, counts: Counts) -> None:
        """Write what `decide` decided, inside the caller's transaction.

        Raises:
            Overtaken: roll back, decide again.
        """
        values = {**self._values, "now": timezone.now()}
        with connection.cursor() as cursor:
            if counts.created:
                try:
                    cursor.execute(statements.INSERT_PEOPLE, values)
                except IntegrityError as error:
                    if not isinstance(error.__cause__, UniqueViolation):
                        raise  # nobody came in between: a row is at fault
                    raise Overtaken from error
                cursor.execute(self._placing.of(statements.SUBSCRIBE_NEW), values)
                if not self._is_migration:
                    cursor.execute(statements.CONSENT_OF_NEW, values)
            bars = self._has_consent or counts.kept_out  # who is barred leaves all the same
            if counts.updated or values["bring_back"] or bars:
                self._update(cursor, values)
            if values["bring_back"]:
                cursor.execute(statements.LIFT, values)
            if self._tags:
                if counts.created:
                    cursor.execute(statements.TAG_NEW, values)
                cursor.execute(statements.WRITE_TAGS, values)
            self._tell(cursor, counts, values)
            if values["others"]:
                cursor.execute(self._placing.of(statements.GIVE_AGAIN), values)

    def _tell(self, cursor: Any, counts: Counts, values: dict[str, Any]) -> None:
        """Write what the rows prove of old consents, and whom never to write to."""
        if self._has_consent:
            cursor.execute(consent_statements.PROOFS, values)
        elif self._is_migration and (self.findings.places or counts.kept_out):
            # Not of nobody: a trigger planned over an empty ledger reads all of it later.
            cursor.execute(gathering.PROOFS, values)
        if self._has_consent or self._is_migration:
            cursor.execute(consent_statements.SUPPRESS, values)

    def _update(self, cursor: Any, values: dict[str, Any]) -> None:
        cursor.execute(statements.keep_previous(fills=self._fills), values)
        try:
            cursor.execute(statements.update_people(fills=self._fills), values)
        except IntegrityError as error:
            if custom_values.is_taken(error):
                raise Overtaken from error
            raise
        known = gathering.PLACE_KNOWN if self._is_migration else statements.MOVE_KNOWN
        cursor.execute(known, values)


def _values(record: Import, *, names: Names, at: datetime) -> dict[str, Any]:
    others = list(_others(record))
    migrations = [detail(other) for other in others if other.is_migration]
    return {
        "workspace": record.workspace_id,
        "lists": names.fixed_lists,
        "tags": names.fixed_tags,
        "import": record.pk,
        "status": SubscriptionStatus(record.subscription_status),
        "subscribed": SubscriptionStatus.SUBSCRIBED,
        "asked": SubscriptionStatus.UNCONFIRMED,
        "left": SubscriptionStatus.UNSUBSCRIBED,
        "out": SuppressionReason.UNSUBSCRIBED,
        "ends": list(ENDS),
        "barring": [*ENDS, LEFT_OUT],
        "skip": record.existing == ExistingPeople.SKIP,
        "bring_back": record.bring_back,
        "kind_subscribed": ConsentKind.SUBSCRIBED,
        "kind_asked": ConsentKind.ASKED,
        "kind_left": ConsentKind.UNSUBSCRIBED,
        "kind_confirmed": ConsentKind.CONFIRMED,
        "kind_returned": ConsentKind.RESUBSCRIBED,
        "kept_flags": int(AddressFlag.NO_MAIL_SERVER),
        "source": ConsentSource.IMPORT,
        "at": at,
        "others": [other.started_at for other in others],
        "other_details": [detail(other) for other in others],
        "has_migrations": bool(migrations),
        "migration_details": migrations,
        "statement": record.statement_id,
        "actor": record.created_by_id,
        "detail": detail(record),
        "why": f"{record.bring_back_reason} · {detail(record)}"[:300],
    }


def _others(record: Import) -> QuerySet[Import]:
    """Return the workspace's other imports that can still be undone."""
    lately = timezone.now() - UNDO_DAYS
    others = Import.objects.filter(workspace=record.workspace_id, started_at__gt=lately)
    return others.exclude(pk=record.pk).exclude(status=ImportStatus.UNDONE)


def detail(record: Import) -> str:
    """Name an import in the consent ledger."""
    return f"{record.filename[:80]} (#{record.pk})"
