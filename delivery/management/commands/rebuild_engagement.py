"""Makes the summary of what people did anew from the ledger."""

from typing import Any

from django.core.management.base import BaseCommand

from delivery.tracking import engagement


class Command(BaseCommand):
    """``rebuild_engagement``: harmless at any time; segments by activity read what it writes."""

    help = (
        "Make the summary of opens and clicks per person, which segments read, anew from the "
        "ledger. It is kept up to date by itself; this is for after a restore or a repair."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Rebuild and say how many rows there are."""
        self.stdout.write(f"{engagement.rebuild()} people have opened or clicked.")
