"""Which rows of a file may repeat an address: kept aside until all others are in."""

from collections.abc import Iterable, Sequence

from django.db import connection

from subscribers.imports import statements
from subscribers.imports.merge import WORSE, Duplicate, Merger


class Memory:
    """Remembers every row's address on one connection, to find those that come twice."""

    def __init__(self, merger: Merger) -> None:
        self._merger = merger

    def open(self) -> None:
        """Make its tables; the merger has made its own."""
        with connection.cursor() as cursor:
            cursor.execute(statements.MEMORY)

    def note(self, seen: bytes) -> None:
        """Take a batch's addresses."""
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY import_seen (address_hash, row) FROM STDIN") as copy,
        ):
            copy.write(seen)

    def keep(self, lines: Iterable[bytes]) -> None:
        """Take a batch's rows whose address may have come before."""
        columns = ", ".join(self._merger.columns)
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY import_again ({columns}) FROM STDIN") as copy,
        ):
            for line in lines:
                copy.write(line)

    def forget(self, rows: Sequence[int]) -> None:
        """Take the addresses of rows that did not go in as never seen: a later row has its turn."""
        if rows:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM import_seen WHERE row = ANY(%s)", [list(rows)])

    def take_duplicates(self) -> list[Duplicate]:
        """After the last batch: sort out the rows whose address an earlier row has."""
        with connection.cursor() as cursor:
            cursor.execute(statements.DUPLICATES, {"worse": WORSE})
            found = cursor.fetchall()
            # The others are new here, and are merged as one more batch.
            cursor.execute("TRUNCATE import_stage")
            cursor.execute("INSERT INTO import_stage SELECT * FROM import_again")
        return [
            Duplicate(row=row, first=first, email=email, raw=raw)
            for row, first, email, raw in sorted(found)
        ]
