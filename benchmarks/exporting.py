"""How many people a second go out, and come from other tools: ``python -m benchmarks.exporting``.

On a database of its own: EXPORT_ROWS people with two fields, one list and one tag each, as CSV and
as lines of JSON; then as many addresses suppressed from a file and half as many people moved from a
Mailchimp export, each twice; and the pages of the suppression list (median of 5, whole answer).
"""

import os
import resource
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._machine import figure

ROWS = int(os.environ.get("EXPORT_ROWS", "1000000"))
PEOPLE = """
INSERT INTO subscribers_subscriber (workspace_id, email, email_key, address_hash, domain_group,
    first_name, last_name, language, time_zone, fields, created_at, updated_at)
SELECT %(workspace)s, 'person' || n || '@example.org', 'person' || n || '@example.org',
    decode(md5(n::text), 'hex'), 0, 'First' || n %% 3000, 'Last' || n %% 20000, 'en', '',
    jsonb_build_object('city', 'City ' || n %% 300, 'points', n %% 1000), now(), now()
FROM generate_series(1, %(rows)s) n
"""
SUBSCRIPTIONS = """
INSERT INTO subscribers_subscription
    (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
SELECT %(workspace)s, %(list)s, id, 'subscribed', now(), now() FROM subscribers_subscriber
"""
TAGGINGS = """
INSERT INTO subscribers_tagging (tag_id, subscriber_id)
SELECT %(tag)s, id FROM subscribers_subscriber
"""
MAILCHIMP = (
    "Email Address,First Name,Last Name,City,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,"
    "CONFIRM_IP,TIMEZONE,LEID,EUID,TAGS\n"
)


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
        call_command("collectstatic", verbosity=0, interactive=False)
        workspace = _people()
        _export(workspace)
        _moves(Path(folder), workspace)
        _pages(workspace)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figure("export_and_move_memory", peak, "MB at most")


def _people() -> Any:
    from django.db import connection

    from accounts.models import Workspace
    from subscribers.fields import definitions
    from subscribers.models import MailingList, Tag
    from subscribers.states import FieldType

    workspace = Workspace.objects.create(name="Bench", slug="bench")
    definitions.create(workspace, label="City", kind=FieldType.TEXT)
    definitions.create(workspace, label="Points", kind=FieldType.NUMBER)
    values = {
        "workspace": workspace.pk,
        "rows": ROWS,
        "list": MailingList.objects.create(workspace=workspace, name="Weekly").pk,
        "tag": Tag.objects.create(workspace=workspace, name="vip").pk,
    }
    with connection.cursor() as cursor:
        for statement in (PEOPLE, SUBSCRIPTIONS, TAGGINGS):
            cursor.execute(statement, values)
        cursor.execute("ANALYZE")
    return workspace


def _export(workspace: Any) -> None:
    from subscribers.directory import export
    from subscribers.models import Subscriber

    chosen = export.columns(workspace)
    for form in export.FORMATS:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began, used = time.perf_counter(), time.process_time()
        ids = export.choose(Subscriber.objects.filter(workspace=workspace))
        first, size = 0.0, 0
        for piece in export.write(workspace, ids, chosen=chosen, form=form):
            size += len(piece)
            first = first or time.perf_counter() - began
        seconds = time.perf_counter() - began
        figure(f"export_{form}", ROWS / seconds, "people/s")
        figure(f"export_{form}_cpu", time.process_time() - used, "s of this process")
        figure(f"export_{form}_first_byte", first * 1000, "ms")
        figure(f"export_{form}_size", size / 1e6, "MB")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figure(f"export_{form}_memory_growth", after - before, "MB")


def _moves(folder: Path, workspace: Any) -> None:
    barred = folder / "barred.csv"
    with barred.open("w", encoding="utf-8") as out:
        out.write("email,reason\n")
        out.writelines(f"gone{number}@example.net,bounced\n" for number in range(ROWS))
    people = folder / "subscribed_export.csv"
    with people.open("w", encoding="utf-8") as out:
        out.write(MAILCHIMP)
        out.writelines(
            f"new{n}@example.com,First{n % 3000},Last{n % 20000},City {n % 300},2,"
            f'"2019-03-01 10:15:00",203.0.113.7,"2019-03-01 10:20:11",203.0.113.8,Asia/Jakarta,'
            f'{n},e{n},"""vip"""\n'
            for n in range(ROWS // 2)
        )
    for name, source, path, rows in (
        ("suppressions", "suppressions", barred, ROWS),
        ("mailchimp", "mailchimp", people, ROWS // 2),
    ):
        for what in ("check", "first", "again"):
            began = time.perf_counter()
            _move(workspace, source, path, what)
            seconds = time.perf_counter() - began
            figure(f"move_{name}_{what}", rows / seconds, "rows/s")


def _move(workspace: Any, source: str, path: Path, what: str) -> None:
    from subscribers.imports import steps
    from subscribers.migrate_from import received_files, run
    from subscribers.models import MailingList
    from subscribers.states import MigrationSource

    with path.open("rb") as file:
        stored = received_files.store([(path.name, file)])
    record = received_files.take(
        workspace,
        source=MigrationSource(source),
        stored=stored,
        mailing_list=MailingList.objects.get(workspace=workspace),
    )
    if what == "check":
        steps.start_check(record)
        run.check(record.pk, received_files.opener)
    else:
        steps.start_run(record)
        run.run(record.pk, received_files.opener)


def _pages(workspace: Any) -> None:
    from django.test import Client

    from accounts.models import Membership, User
    from accounts.roles import Role
    from subscribers.models import Suppression

    user = User.objects.create_user("bench@example.org")
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    middle = Suppression.objects.order_by("pk")[ROWS // 2].pk
    for name, query in (
        ("first", ""),
        ("deep", f"before={middle}"),
        ("reason", "reason=bounced"),
        ("whole_address", f"q=gone{ROWS // 3}@example.net"),
        ("beginning", f"q=gone{ROWS // 3}"),
        ("part", "q=nobody-has-this"),
    ):
        times = []
        for _attempt in range(5):
            began = time.perf_counter()
            answer = client.get(f"/suppressions/?{query}")
            times.append(time.perf_counter() - began)
            if answer.status_code != 200:  # noqa: PLR2004 - HTTP
                raise RuntimeError(answer.status_code)
        figure(f"suppression_page_{name}", median(times) * 1000, "ms")


if __name__ == "__main__":
    main()
