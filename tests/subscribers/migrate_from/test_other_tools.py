"""listmonk's and Mautic's CSV exports, and files of addresses not to write to."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from subscribers.consent import suppression
from subscribers.migrate_from import received_files, suppressions
from subscribers.models import (
    ConsentEvent,
    CustomField,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
    SuppressionTally,
    Tagging,
    ToolMigration,
)
from subscribers.privacy import erasure
from subscribers.states import MigrationSource, SuppressionReason
from tests.subscribers.migrate_from.exports import LISTMONK, MAUTIC, mailchimp_zip
from tests.subscribers.migrate_from.makers import checked, figures, moved


def standing(email):
    found = Subscription.objects.filter(subscriber__email_key=email).first()
    barred = Suppression.objects.filter(email_key=email).first()
    return (found.status if found else None, barred.reason if barred else None)


def test_listmonks_export(taken):
    record = checked(taken(MigrationSource.LISTMONK, ("subscribers.csv", LISTMONK)))
    assert figures(record) == {"rows": 4, "created": 3, "suppressed": 1}
    moved(record)
    assert figures(record) == {"rows": 4, "created": 3, "suppressed": 1}
    assert standing("gita@example.com") == ("subscribed", None)
    assert standing("hadi@example.com") == ("unsubscribed", None)
    assert standing("ika@example.com") == (None, "manual")
    gita = Subscriber.objects.get(email_key="gita@example.com")
    assert (gita.first_name, gita.last_name) == ("Gita", "Wulan")
    assert gita.fields == {
        "a": '{"b": 1}',
        "city": "Bandung",
        "cups": 3,
        "likes": "tea; coffee",
        "vip": True,
    }
    types = dict(CustomField.objects.values_list("key", "type"))
    assert types == {
        "a": "text",
        "city": "text",
        "cups": "number",
        "likes": "text",
        "vip": "boolean",
    }
    assert Subscriber.objects.get(email_key="hadi@example.com").first_name == ""
    assert record.flagged["noticed"] == {"attributes": 1}
    joined = ConsentEvent.objects.get(subscriber=gita)
    assert joined.at == datetime(2023, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_mautics_export(taken):
    record = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)))
    assert figures(record) == {"rows": 4, "created": 2, "suppressed": 2}
    assert standing("kiki@example.com") == ("subscribed", None)
    assert standing("lala@example.com") == (None, "unsubscribed")
    assert standing("momo@example.com") == (None, "bounced")
    kiki = Subscriber.objects.get(email_key="kiki@example.com")
    assert (kiki.language, kiki.time_zone) == ("id", "Asia/Makassar")
    assert kiki.fields == {"company": "Kopi Senja"}
    tags = Tagging.objects.filter(subscriber=kiki).values_list("tag__name", flat=True)
    assert set(tags) == {"vip", "beta"}
    assert ConsentEvent.objects.get(subscriber=kiki).ip == "203.0.113.20"
    again = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)))
    assert figures(again) == {"rows": 4, "unchanged": 4}


def test_somebody_who_must_not_be_contacted_wins_over_a_double_of_theirs(taken):
    text = "email,do_not_contact\na@example.com,0\nA@example.com,1\n"
    record = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", text)))
    assert figures(record) == {"rows": 2, "suppressed": 1, "duplicates": 1}
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "a@example.com\nb@example.com\nnope\n",
        "email\na@example.com\nb@example.com\nnope\n",
        "\ufeffAddress;Note\na@example.com;x\nb@example.com;\nnope;y\n",
    ],
)
def test_a_file_of_addresses(taken, workspace, text):
    record = moved(taken(MigrationSource.SUPPRESSIONS, ("list.txt", text)))
    assert figures(record) == {"rows": 3, "suppressed": 2, "invalid": 1}
    assert not Subscriber.objects.exists()
    assert suppression.is_suppressed(workspace, email="A@Example.com")
    tally = SuppressionTally.objects.get(workspace=workspace)
    assert (tally.reason, tally.count) == ("imported", 2)


def test_reasons_and_dates_are_read(taken):
    text = (
        "recipient,reason,created\n"
        "a@example.com,hard bounce,2024-05-06 07:08:09\n"
        "b@example.com,Spam Report,\n"
        "c@example.com,erased,\n"
        "d@example.com,Unsubscribed,2024-05-06\n"
    )
    moved(taken(MigrationSource.SUPPRESSIONS, ("list.csv", text), reason=SuppressionReason.MANUAL))
    rows = dict(Suppression.objects.values_list("email_key", "reason"))
    assert rows == {
        "a@example.com": "bounced",
        "b@example.com": "complained",
        "c@example.com": "manual",
        "d@example.com": "unsubscribed",
    }
    assert Suppression.objects.get(email_key="a@example.com").created_at == datetime(
        2024, 5, 6, 7, 8, 9, tzinfo=UTC
    )


def test_who_is_erased_stays_a_hash(taken, workspace, person):
    dewi = person("dewi@example.com")
    erasure.erase(workspace, subscriber_id=dewi.pk)
    record = moved(taken(MigrationSource.SUPPRESSIONS, ("list.csv", "dewi@example.com\n")))
    assert figures(record) == {"rows": 1, "unchanged": 1}
    row = Suppression.objects.get()
    assert (row.email_key, row.reason) == ("", "erased")


def test_a_whole_cell_of_reasons_is_understood():
    read = suppressions.read_reason
    default = SuppressionReason.IMPORTED
    assert read("", default=default) == default
    assert read("550 mailbox undeliverable", default=default) == SuppressionReason.BOUNCED
    assert read("bounced", default=default) == SuppressionReason.BOUNCED


def test_the_command_moves_a_zip(workspace, tmp_path, capsys):
    path = tmp_path / "export.zip"
    path.write_bytes(mailchimp_zip())
    arguments = ["move_mailchimp", str(path), "--list", "News", "--create-list", "--json"]
    call_command(*arguments, "--dry-run", "--workspace", workspace.slug)
    dry = json.loads(capsys.readouterr().out)
    assert not Subscriber.objects.exists()
    call_command(*arguments, "--workspace", workspace.slug)
    done = json.loads(capsys.readouterr().out)
    same = ("rows", "created", "suppressed", "invalid", "kept_out", "lists", "left_out")
    assert {name: dry[name] for name in same} == {name: done[name] for name in same}
    assert done["created"] == 7
    assert MailingList.objects.get().name == "News"


def test_the_command_says_what_is_wrong(workspace, weekly, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Name\nDewi\n")
    with pytest.raises(CommandError, match="Email Address"):
        call_command("move_mailchimp", str(path), "--list", "Weekly")
    with pytest.raises(CommandError, match="There is no list"):
        call_command("move_mautic", str(path), "--list", "Daily")
    assert not ToolMigration.objects.exists()


def test_a_zip_that_is_none_is_refused_and_nothing_stays(tmp_path):
    from subscribers.imports.files import FileRefused

    with pytest.raises(FileRefused, match="damaged"):
        received_files.store(
            [("a.csv", io.BytesIO(b"email\n")), ("b.zip", io.BytesIO(b"PK\x03\x04broken"))]
        )
    assert not list((tmp_path / "imports").iterdir())


def test_old_files_are_forgotten(taken):
    from datetime import timedelta

    from django.utils import timezone

    from subscribers.imports import files

    record = moved(taken(MigrationSource.SUPPRESSIONS, ("list.csv", "nope\n")))
    ToolMigration.objects.update(finished_at=timezone.now() - timedelta(days=31))
    assert files.forget_old() == 1
    record.refresh_from_db()
    assert (record.files, record.errors_path, record.problems) == ([], "", [])
    assert record.invalid == 1


def test_cells_of_the_report_run_nowhere(taken):
    from pathlib import Path

    record = moved(taken(MigrationSource.SUPPRESSIONS, ("list.csv", 'email\n"=cmd|calc"\n')))
    with Path(record.errors_path).open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1][2] == "'=cmd|calc"
