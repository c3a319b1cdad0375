"""People, files and workspaces in batches, with a poisoned one among them: the others go on."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.background import set_aside
from accounts.mails import system_mail
from accounts.models import SetAside, Workspace
from accounts.tasks import forget_ended
from campaigns.migrate_from import listmonk
from delivery.models import Event
from delivery.public import forgetting
from delivery.states import EventKind
from reports.campaign import recipients
from reports.tasks import remove_deleted_workspaces
from subscribers.consent import ledger as consent
from subscribers.consent import suppression
from subscribers.directory import export
from subscribers.imports import asking, files, run, steps, undo
from subscribers.migrate_from import lines
from subscribers.models import (
    Import,
    ImportChange,
    MailingList,
    Retention,
    SignupForm,
    SignupRequest,
    Subscriber,
    Subscription,
    Suppression,
)
from subscribers.signup import figures, intake, signup
from subscribers.states import ImportStatus, MigrationSource, SuppressionReason
from tests.campaigns import makers
from tests.delivery import makers as ledger
from tests.poison import execute, poison
from tests.subscribers.migrate_from.makers import moved, taken_in

pytestmark = pytest.mark.django_db
NEVER = "infinity"  # a moment that no year of Python's holds


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


def make_form(workspace, *, name="Form"):
    statement = consent.statement(workspace, text="Yes, please.")
    return SignupForm.objects.create(workspace=workspace, name=name, statement=statement)


def noted():
    return sorted(SetAside.objects.values_list("kind", "subject"))


def crowd(workspace, count=9):
    return [makers.make_subscriber(workspace, f"p{n}@example.org") for n in range(count)]


def cells(lines):
    return list(csv.reader(io.StringIO("".join(lines).lstrip("\ufeff"))))


# --- what is handed out


def exported(workspace, people, form):
    ids = export.choose(Subscriber.objects.filter(pk__in=[one.pk for one in people]))
    chosen = [one for one in export.columns(workspace) if one.key == "added"]
    return export.write(workspace, ids, chosen=chosen, form=form)


@pytest.mark.parametrize("form", export.FORMATS)
def test_an_export_goes_on_beside_somebody_who_cannot_be_read(workspace, form):
    people = crowd(workspace)
    bad = people[4]
    execute(
        "UPDATE subscribers_subscriber SET created_at = %s::timestamptz WHERE id = %s",
        NEVER,
        bad.pk,
    )
    text = list(exported(workspace, people, form))
    if form == export.CSV:
        _header, *rows, last = cells(text)
        assert [int(row[0]) for row in rows] == [one.pk for one in people]
        assert [row[1] for row in rows if row[0] != str(bad.pk)] == [
            one.email for one in people if one != bad
        ]
        (marked,) = [row for row in rows if row[0] == str(bad.pk)]
        assert marked[1].startswith("This line could not be written")
        assert last == ["", "Lines that could not be written: 1. Each is marked above."]
    else:
        *rows, last = [json.loads(line) for line in "".join(text).splitlines()]
        assert [row["subscriber_id"] for row in rows] == [one.pk for one in people]
        assert [row["subscriber_id"] for row in rows if "error" in row] == [bad.pk]
        assert last["error"] == "Lines that could not be written: 1. Each is marked above."
    assert noted() == [("export", f"person {bad.pk}")]


def test_an_export_of_suppressions_goes_on_beside_a_poisoned_one(workspace):
    for number in range(5):
        suppression.suppress(
            workspace, email=f"p{number}@example.org", reason=SuppressionReason.BOUNCED
        )
    bad = Suppression.objects.order_by("pk")[2]
    execute(
        "UPDATE subscribers_suppression SET created_at = %s::timestamptz WHERE id = %s",
        NEVER,
        bad.pk,
    )
    _header, *rows, last = cells(export.suppressions(workspace))
    assert [row[0] for row in rows if len(row) > 2] == [
        f"p{number}@example.org" for number in (0, 1, 3, 4)
    ]
    assert rows[2][1] == str(bad.pk)
    assert last == ["Lines that could not be written: 1. Each is marked above."]
    assert noted() == [("export", f"suppression {bad.pk}")]


def test_an_export_of_a_report_goes_on_beside_a_poisoned_recipient(workspace, weekly):
    campaign = ledger.make_sent_campaign(workspace, weekly)
    people = crowd(workspace, 5)
    for person in people:
        ledger.make_message(campaign, person)
    bad = people[1]
    execute(
        "UPDATE delivery_message SET clicked_at = %s::timestamptz WHERE subscriber_id = %s",
        NEVER,
        bad.pk,
    )
    _header, *rows, last = recipients.rows(campaign)
    assert [row[0] for row in rows if len(row) > 2] == [one.email for one in people if one != bad]
    assert rows[1][1] == str(bad.pk)
    assert last == ["Lines that could not be written: 1. Each is marked above."]
    assert noted() == [("export", f"recipient {bad.pk}")]


# --- what comes in, and goes back


@pytest.fixture
def move(workspace, weekly, owner):
    def take(rows):
        content = "email,reason\n" + "".join(f"{row}\n" for row in rows)
        return taken_in(
            workspace,
            MigrationSource.SUPPRESSIONS,
            ("suppressed.csv", content),
            mailing_list=None,
            actor=owner,
        )

    return take


def report(record):
    with Path(record.errors_path).open(encoding="utf-8-sig", newline="") as file:
        return [(row["row"], row["address"], row["outcome"]) for row in csv.DictReader(file)]


def test_a_move_goes_on_beside_a_row_that_cannot_be_merged(move):
    record = move([f"p{number}@example.org,bounce" for number in range(7)])
    poison("subscribers_suppression", "NEW.email_key = 'p3@example.org'", events="INSERT")
    moved(record)
    assert (record.suppressed, record.invalid, record.rows) == (6, 1, 7)
    assert Suppression.objects.count() == 6
    assert report(record) == [("5", "p3@example.org", "invalid")]
    assert noted() == [("import", f"migration {record.pk}, row 5")]


def test_a_move_goes_on_beside_a_row_that_cannot_be_staged(move, monkeypatch):
    real = lines.of

    def far(arrival, line):
        made = real(arrival, line)
        moment = arrival.reason_at.isoformat() if arrival.reason_at else "none"
        return made.replace(moment, "294277-01-01")

    monkeypatch.setattr(lines, "of", far)
    content = ["a@example.org,bounce", "b@example.org,bounce"]
    record = move(content)
    dated = move(["c@example.org,bounce"])
    Path(dated.files[0]["path"]).write_text(
        "email,reason,since\na@example.org,bounce,\nb@example.org,bounce,2024-05-06\n"
        "c@example.org,bounce,\n"
    )
    moved(dated)
    assert (dated.suppressed, dated.invalid) == (2, 1)
    assert report(dated) == [("3", "b@example.org", "invalid")]
    moved(record)
    assert record.invalid == 0


@pytest.fixture
def imported(workspace, weekly, owner):
    def do(content, **consent):
        path, size = files.store([content.encode()])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv", actor=owner)
        assert steps.set_consent(record, steps.Consent(**{"lists": [weekly], **consent}))
        assert steps.start_run(record)
        assert run.run(record.pk)
        record.refresh_from_db()
        return record

    return do


def test_an_undo_goes_on_beside_people_who_cannot_go_or_change(workspace, imported):
    known = crowd(workspace, 4)
    new = "".join(f"new{number}@example.org,Nia\n" for number in range(6))
    content = "email,first_name\n" + "".join(f"{one.email},Nia\n" for one in known) + new
    record = imported(content, existing="overwrite")
    assert (record.created, record.updated) == (6, 4)
    poison("subscribers_subscriber", "OLD.email = 'new2@example.org'", events="DELETE")
    poison_of_known = "NEW.email = 'p1@example.org' AND NEW.first_name = ''"
    execute(
        "CREATE FUNCTION keep_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {poison_of_known} THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$"
    )
    execute(
        "CREATE TRIGGER keep_name BEFORE UPDATE ON subscribers_subscriber "
        "FOR EACH ROW EXECUTE FUNCTION keep_name()"
    )
    assert undo.start(record)
    assert undo.run(record.pk)
    record.refresh_from_db()
    assert record.status == ImportStatus.UNDONE
    assert (record.undo["removed"], record.undo["restored"]) == (5, 3)
    assert record.undo["kept"] == {"failed": 2}
    left = set(Subscriber.objects.values_list("email", "first_name"))
    assert left == {
        ("p0@example.org", ""),
        ("p1@example.org", "Nia"),
        ("p2@example.org", ""),
        ("p3@example.org", ""),
        ("new2@example.org", "Nia"),
    }
    assert not ImportChange.objects.exists()
    assert [kind for kind, _subject in noted()] == ["undoing an import"] * 2


def test_people_are_asked_to_confirm_beside_one_who_cannot_be(
    workspace, weekly, imported, monkeypatch
):
    form = make_form(workspace, name="Form")
    form.lists.add(weekly)
    record = imported("email\na@example.org\nb@example.org\nc@example.org\n")
    record.asks_with, record.asked_until = form, 0
    record.save()
    Subscription.objects.update(status="unconfirmed", changed_at=record.started_at)
    bad = Subscriber.objects.get(email="b@example.org")
    real = signup.invitation

    def invitation(form, *, person):
        if person == bad:
            raise ValueError("poisoned")
        return real(form, person=person)

    monkeypatch.setattr(signup, "invitation", invitation)
    asked = {one.subscriber_id for one in asking.take(record.pk)}
    assert asked == set(Subscriber.objects.exclude(pk=bad.pk).values_list("pk", flat=True))
    assert noted() == [("asking to confirm", f"person {bad.pk}")]


def test_held_sign_ups_are_taken_in_beside_a_poisoned_one(workspace, weekly, monkeypatch):
    form = make_form(workspace, name="Form")
    form.lists.add(weekly)
    rows = [
        SignupRequest.objects.create(
            workspace=workspace,
            form=form,
            email=f"p{n}@example.org",
            held_for="failed",
            statement=form.statement,
        )
        for n in range(3)
    ]
    taken = []

    def take_in(row):
        if row.pk == rows[1].pk:
            raise ValueError("poisoned")
        taken.append(row.pk)

    monkeypatch.setattr(intake, "_take_in", take_in)
    intake.approve(workspace, ids=[row.pk for row in rows])
    assert taken == [rows[0].pk, rows[2].pk]
    assert noted() == [("sign-up", f"sign-up {rows[1].pk}")]


# --- what goes by itself


def test_deleted_workspaces_go_beside_one_that_cannot(cast):
    Workspace.objects.update(deleted_at=timezone.now())
    poison("accounts_workspace", f"OLD.id = {cast.workspace.pk}", events="DELETE")
    remove_deleted_workspaces()
    assert list(Workspace.objects.all()) == [cast.workspace]
    assert noted() == [("deleting", f"workspace {cast.workspace.pk}")]


def test_origins_are_forgotten_beside_a_walk_that_fails(cast, monkeypatch):
    for workspace, days in ((cast.workspace, 30), (cast.other_workspace, 60)):
        Retention.objects.update_or_create(workspace=workspace, defaults={"origin_days": days})
        campaign = ledger.make_sent_campaign(workspace, ledger.make_list(workspace, "News"))
        message = ledger.make_message(campaign, makers.make_subscriber(workspace, "a@example.org"))
        Event.objects.create(
            campaign=campaign,
            message=message,
            subscriber_id=message.subscriber_id,
            kind=EventKind.OPENED,
            at=timezone.now() - timedelta(days=90),
            ip="203.0.113.7",
        )
    bad = Event.objects.order_by("pk").first()
    poison("delivery_event", f"NEW.id = {bad.pk}", events="UPDATE")
    assert forgetting.forget_origins() == 1
    assert list(Event.objects.exclude(ip=None)) == [bad]
    assert noted() == [("retention", "origins of 30 days")]


def test_what_is_old_is_forgotten_beside_a_step_that_fails(db, monkeypatch):
    def fails():
        raise ValueError("poisoned")

    forgotten = []
    monkeypatch.setattr(system_mail, "forget_old", fails)
    monkeypatch.setattr(set_aside, "forget_old", lambda: forgotten.append(1))
    forget_ended()
    assert forgotten == [1]
    assert [kind for kind, _subject in noted()] == ["forgetting"]


def test_old_files_are_forgotten_beside_one_that_cannot_be(imported):
    records = [imported(f"email\np{number}@example.org\n") for number in range(3)]
    long_ago = timezone.now() - files.KEPT_FOR - timedelta(days=1)
    Import.objects.update(finished_at=long_ago)
    bad = records[1]
    poison("subscribers_import", f"NEW.id = {bad.pk}", events="UPDATE")
    assert files.forget_old() == 2
    assert list(Import.objects.exclude(path="")) == [bad]
    assert noted() == [("old files", f"import {bad.pk}")]


def test_views_of_forms_are_copied_beside_a_poisoned_form(workspace, redis_client):
    forms = [make_form(workspace, name=f"F{n}") for n in range(3)]
    for form in forms:
        figures.note_view(form)
    poison("subscribers_signuptally", f"NEW.form_id = {forms[1].pk}", events="INSERT")
    assert figures.copy_views() == 2
    assert noted() == [("views of forms", f"form {forms[1].pk}")]


def test_a_template_that_cannot_be_stored_stops_no_other(workspace, monkeypatch):
    rows = {
        "templates": [
            {"id": n, "name": f"T{n}", "body": '<p>{{ template "content" . }}</p>'}
            for n in range(1, 4)
        ],
        "campaigns": [],
    }
    monkeypatch.setattr(listmonk._Bringing, "_rows", lambda _self, table: rows[table])
    poison("campaigns_template", "NEW.name LIKE 'T2%%'".replace("%%", "%"), events="INSERT")
    brought = listmonk.bring(workspace, None, dry_run=False)
    assert [name.partition(" ")[0] for name in brought.templates] == ["T1", "T3"]
    assert [name.partition(" ")[0] for name in brought.left_out] == ["T2"]
    assert noted() == [("move from listmonk", "row 2")]
