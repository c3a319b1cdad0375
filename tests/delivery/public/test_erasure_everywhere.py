"""After an erasure a search of everything finds the keyed hash, and nothing else."""

import base64
import re
import zlib

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.utils import timezone
from psycopg import sql

from accounts.models import User
from campaigns.models import Campaign
from delivery.models import SandboxMessage, SendingAccount
from delivery.tracking import collect, hits, ingest
from delivery.tracking.hits import Hit
from subscribers.addresses.addresses import normalise
from subscribers.consent import ledger, suppression
from subscribers.models import (
    BulkAction,
    CustomField,
    Import,
    MailingList,
    Segment,
    SignupForm,
    SignupRequest,
    Subscriber,
    Suppression,
    Tag,
    ToolMigration,
)
from subscribers.privacy import erasure, scrubbing
from subscribers.signup import guard
from subscribers.states import SuppressionReason
from tests.delivery import makers

WHO = "rahasia_sekali+x@example.org"
SAYS = f"This is about <{WHO}>."
LOUD = SAYS.upper()


def everything(redis_client, folder) -> str:
    """All rows of all tables, all files and all keys of Redis, as text, also what is encoded."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            rows = sql.SQL("SELECT COALESCE(string_agg(t::text, chr(10)), '') FROM {} t")
            cursor.execute(rows.format(sql.Identifier(table)))
            found.append(f"{table}: {cursor.fetchone()[0]}")
    found += [path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()]
    for key in redis_client.scan_iter():
        found.append(key.decode("latin-1"))
        found.append((redis_client.dump(key) or b"").decode("latin-1"))
    text = "\n".join(found)
    for hexed in re.findall(r"\\x([0-9a-f]{8,})", text):
        text += bytes.fromhex(hexed[: len(hexed) // 2 * 2]).decode("latin-1")
    for coded in re.findall(r"[A-Za-z0-9+/_-]{24,}", text):
        padded = coded.replace("-", "+").replace("_", "/") + "=" * (-len(coded) % 4)
        try:
            plain = base64.b64decode(padded)
        except ValueError:
            continue
        text += plain.decode("latin-1")
        try:
            text += zlib.decompress(plain).decode("latin-1")
        except zlib.error:
            continue
    return text.lower()


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def person(workspace):
    return makers.make_subscriber(workspace, WHO, makers.make_list(workspace, "Weekly"))


@pytest.fixture
def search(redis_client, tmp_path):
    """Return a function that returns all that is kept anywhere."""
    return lambda: everything(redis_client, tmp_path)


def text_fields():
    """Every text or JSON column of every model that rows of a workspace have."""
    for model, fields, _condition in scrubbing._places():
        for field in fields:
            yield pytest.param(model, field.name, id=f"{model._meta.label}.{field.name}")


@pytest.fixture
def rows(workspace, person):
    """One row of each model that may speak of somebody."""
    form = SignupForm.objects.create(
        workspace=workspace, name="F", statement=ledger.statement(workspace, text="Yes")
    )
    news = MailingList.objects.filter(workspace=workspace).first()
    other = makers.make_subscriber(workspace, "lain@example.org", news)
    campaign = makers.make_sent_campaign(workspace, news)
    makers.make_message(campaign, other)
    SendingAccount.objects.create(workspace=workspace, name="A", host="mail.example", port=25)
    BulkAction.objects.create(workspace=workspace, kind="add_tag")
    Segment.objects.create(workspace=workspace, name="S", rules={"match": "all", "rules": []})
    Tag.objects.create(workspace=workspace, name="T")
    Import.objects.create(workspace=workspace, filename="a.csv", path="", size=1)
    ToolMigration.objects.create(workspace=workspace, source="mautic", files=[])
    CustomField.objects.create(workspace=workspace, key="k", label="K", type="text")
    SignupRequest.objects.create(
        workspace=workspace, form=form, email="lain@example.org", statement=form.statement
    )
    suppression.suppress(
        workspace, email="keluar@example.org", reason=SuppressionReason.MANUAL, detail="x"
    )
    return workspace


def put(model: type[models.Model], name: str) -> int:
    field = model._meta.get_field(name)
    value = {"a": [LOUD]} if field.get_internal_type() == "JSONField" else LOUD
    if getattr(field, "max_length", None):
        value = value[: field.max_length] if isinstance(value, str) else value
    return model._default_manager.update(**{name: value})


@pytest.mark.parametrize(("model", "name"), list(text_fields()))
def test_no_text_of_the_workspace_names_an_erased_person(rows, person, search, model, name):
    with connection.cursor() as cursor:  # what triggers note of it is not asked here
        cursor.execute("SET LOCAL session_replication_role = replica")
        changed = put(model, name)
        cursor.execute("SET LOCAL session_replication_role = origin")
    if changed:
        assert WHO in search()
    assert erasure.erase(rows, subscriber_id=person.pk)
    assert WHO not in search()


def test_other_peoples_fields_and_the_admins_log_forget_too(rows, person, search):
    Subscriber.objects.filter(email="lain@example.org").update(fields={"k": f"by {WHO}"})
    LogEntry.objects.create(
        user=User.objects.create_user("admin@example.net"),
        content_type=ContentType.objects.get_for_model(Suppression),
        object_id="7",
        object_repr=WHO,
        change_message=f"added {WHO}",
        action_flag=1,
    )
    assert erasure.erase(rows, subscriber_id=person.pk)
    assert WHO not in search()
    assert Subscriber.objects.get(email="lain@example.org").fields == {
        "k": f"by {scrubbing.NOBODY}"
    }


def test_another_address_that_holds_the_erased_one_stays(rows, person):
    kept = f"bukan.{WHO}"
    Subscriber.objects.filter(email="lain@example.org").update(fields={"k": f"x{WHO} {WHO}.id"})
    Campaign.objects.update(from_email=WHO, pause_reason=kept)
    assert erasure.erase(rows, subscriber_id=person.pk)
    assert Campaign.objects.first().from_email == WHO  # whom mail is sent as, is no note
    assert Subscriber.objects.get(email="lain@example.org").fields["k"].startswith(f"x{WHO}")


def test_another_workspace_keeps_its_own(rows, other_workspace, person):
    Tag.objects.create(workspace=other_workspace, name=SAYS)
    assert erasure.erase(rows, subscriber_id=person.pk)
    assert Tag.objects.filter(workspace=other_workspace, name=SAYS).exists()


def test_two_names_that_may_be_there_once_are_both_forgotten(rows, workspace, person):
    Tag.objects.create(workspace=workspace, name=WHO)
    second = makers.make_subscriber(workspace, "kedua@example.org")
    Tag.objects.create(workspace=workspace, name=f"{second.email}")
    for one in (person.pk, second.pk):
        assert erasure.erase(workspace, subscriber_id=one)
    assert Tag.objects.filter(name__contains="erased-").count() == 2


def test_mails_in_the_sandbox_that_speak_of_them_go(rows, workspace, person):
    for raw, subject in ((f"Dear team, {WHO} left", "x"), ("x", f"Re: {WHO}"), ("else", "else")):
        SandboxMessage.objects.create(
            workspace=workspace,
            envelope_to="team@example.net",
            subject=subject,
            size=1,
            raw=raw.encode(),
        )
    assert erasure.erase(workspace, subscriber_id=person.pk)
    assert [mail.subject for mail in SandboxMessage.objects.all()] == ["else"]


def test_redis_holds_the_keyed_hash_alone(rows, workspace, person, redis_client, search):
    guard.may_write_to(workspace, normalise(WHO))
    assert redis_client.keys("*signup:address*")
    assert erasure.erase(workspace, subscriber_id=person.pk)
    assert WHO not in search()


def test_network_addresses_leave_redis_with_the_last_event(rows, redis_client):
    for number in range(7):
        collect.note(
            Hit(
                message_id=number,
                kind=1,
                ordinal=0,
                at=timezone.now(),
                user_agent="Rahasiabrowser",
                ip="203.0.113.77",
                is_head=False,
                names_language=True,
            )
        )
    while ingest.next_batch():
        pass
    assert redis_client.xlen(hits.STREAM) == 0
