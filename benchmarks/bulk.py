"""Actions on many people and the search for duplicates: ``python -m benchmarks.bulk``.

On a database of its own with a synthetic workspace. BULK_PEOPLE says how many people.
"""

import os
import tempfile
import time
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks._machine import figure

PEOPLE = int(os.environ.get("BULK_PEOPLE", "200000"))


def main() -> None:
    """Print one JSON line per figure."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="warta-bench-"))
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        from config.runtime import embedded

        stack.enter_context(embedded.services(Path(folder)))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from accounts.models import User

        User.objects.create_superuser("bench@warta.example")
        call_command("load_demo", subscribers=PEOPLE, messages=PEOPLE, stdout=StringIO())
        _measure()


def _measure() -> None:
    from accounts.models import Workspace
    from subscribers.models import MailingList
    from subscribers.people import duplicates, tags
    from subscribers.states import BulkKind

    workspace = Workspace.objects.get(slug="synthetic")
    mailing_list = MailingList.objects.create(workspace=workspace, name="Bulk")
    tag = tags.find_or_create(workspace, ["Measured"])[0]
    _act(workspace, "bulk_add_tag", BulkKind.ADD_TAG, tag=tag.pk)
    _act(workspace, "bulk_subscribe", BulkKind.SUBSCRIBE, list=mailing_list.pk)
    begun = time.perf_counter()
    duplicates.search(workspace)
    figure("duplicates_search", time.perf_counter() - begun, "s")


def _act(workspace: Any, name: str, kind: Any, **settings: object) -> None:
    from subscribers.bulk import actions, runner

    action = actions.start(workspace, kind=kind, actor=None, settings=settings)
    for what in (name, f"{name}_undo"):
        begun = time.perf_counter()
        while runner.run(action.pk):
            pass
        action.refresh_from_db()
        figure(what, action.done / (time.perf_counter() - begun), "people/s")
        actions.undo(action)


if __name__ == "__main__":
    main()
