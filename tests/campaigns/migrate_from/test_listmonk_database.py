"""From a real listmonk database: schema by its documentation, content made up."""

import json
import uuid
from datetime import UTC, datetime

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from campaigns.models import Campaign, Template
from campaigns.rendering.stored import compile_version
from subscribers.consent import lifecycle
from subscribers.models import (
    ConsentEvent,
    CustomField,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
    ToolMigration,
)
from subscribers.states import ConsentSource

SCHEMA = """
CREATE TYPE list_type AS ENUM ('public', 'private', 'temporary');
CREATE TYPE list_optin AS ENUM ('single', 'double');
CREATE TYPE subscriber_status AS ENUM ('enabled', 'disabled', 'blocklisted');
CREATE TYPE subscription_status AS ENUM ('unconfirmed', 'confirmed', 'unsubscribed');
CREATE TABLE subscribers (id serial PRIMARY KEY, uuid uuid NOT NULL UNIQUE, email text NOT NULL,
    name text NOT NULL, attribs jsonb NOT NULL DEFAULT '{}',
    status subscriber_status NOT NULL DEFAULT 'enabled',
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE lists (id serial PRIMARY KEY, uuid uuid NOT NULL, name text NOT NULL,
    type list_type NOT NULL, optin list_optin NOT NULL DEFAULT 'single',
    description text NOT NULL DEFAULT '', created_at timestamptz DEFAULT now());
CREATE TABLE subscriber_lists (subscriber_id integer, list_id integer,
    meta jsonb NOT NULL DEFAULT '{}', status subscription_status NOT NULL DEFAULT 'unconfirmed',
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    PRIMARY KEY (subscriber_id, list_id));
CREATE TABLE templates (id serial PRIMARY KEY, name text NOT NULL, type text DEFAULT 'campaign',
    body text NOT NULL, is_default boolean NOT NULL DEFAULT false);
CREATE TABLE campaigns (id serial PRIMARY KEY, uuid uuid NOT NULL, name text NOT NULL,
    subject text NOT NULL, from_email text NOT NULL, body text NOT NULL, altbody text,
    content_type text NOT NULL DEFAULT 'richtext', status text NOT NULL DEFAULT 'finished',
    type text DEFAULT 'regular', template_id integer, started_at timestamptz);
"""
BODY = """<!doctype html><html><head><style>body { color: #222; }</style></head><body>
<table><tr><td>{{ template "content" . }}</td></tr></table>
<p><a href="{{ UnsubscribeURL }}">{{ L.T "email.unsub" }}</a></p>{{ TrackView }}</body></html>"""


@pytest.fixture
def listmonk(db):
    """A database of its own in the tests' PostgreSQL; yields its address."""
    settings = connection.settings_dict
    name = f"listmonk_{uuid.uuid4().hex[:12]}"
    parts = {"host": settings["HOST"], "port": settings["PORT"], "user": settings["USER"]}
    if settings.get("PASSWORD"):
        parts["password"] = settings["PASSWORD"]
    given = {key: str(value) for key, value in parts.items() if value}
    admin = psycopg.conninfo.make_conninfo(dbname="postgres", **given)
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    url = psycopg.conninfo.make_conninfo(dbname=name, **given)
    with psycopg.connect(url) as there:
        there.execute(SCHEMA)
        _fill(there)
    yield url
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _fill(there):
    lists = (("Weekly", "public", "double"), ("Offers", "private", "single"))
    for name, kind, optin in lists:
        there.execute(
            "INSERT INTO lists (uuid, name, type, optin) VALUES (%s, %s, %s, %s)",
            [uuid.uuid4(), name, kind, optin],
        )
    people = (
        ("gita@example.com", "Gita Wulan", {"city": "Bandung", "cups": 3}, "enabled"),
        ("hadi@example.com", "hadi", {"city": None}, "enabled"),
        ("ika@example.com", "Ika", {}, "blocklisted"),
        ("joko@example.com", "Joko", {}, "disabled"),
        ("known@example.com", "Known", {}, "enabled"),
    )
    for email, name, attribs, status in people:
        there.execute(
            "INSERT INTO subscribers (uuid, email, name, attribs, status) VALUES"
            " (%s, %s, %s, %s, %s)",
            [uuid.uuid4(), email, name, json.dumps(attribs), status],
        )
    asked, done = datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 1, 2, tzinfo=UTC)
    memberships = (
        (1, 1, "confirmed", {"optin_ip": "203.0.113.5"}),
        (1, 2, "unconfirmed", {}),
        (2, 1, "unconfirmed", {}),
        (2, 2, "unsubscribed", {}),
        (3, 1, "confirmed", {}),
        (4, 1, "confirmed", {}),
        (5, 1, "confirmed", {}),
    )
    for person, mailing_list, status, meta in memberships:
        there.execute(
            "INSERT INTO subscriber_lists VALUES (%s, %s, %s, %s, %s, %s)",
            [person, mailing_list, json.dumps(meta), status, asked, done],
        )
    there.execute(
        "INSERT INTO templates (name, type, body) VALUES ('Default', 'campaign', %s),"
        " ('Receipt', 'tx', 'Hi {{ .Tx.Data.x }}')",
        [BODY],
    )
    there.execute(
        "INSERT INTO campaigns (uuid, name, subject, from_email, body, content_type, type,"
        " template_id) VALUES"
        " (%(a)s, 'May', 'News for {{ .Subscriber.FirstName }}', 'Sari <sari@kopisenja.example>',"
        '  \'<p>Halo {{ .Subscriber.Name }} of {{ .Subscriber.Attribs.city }}, {{ Date "2006" }}'
        " <a href=\"https://example.org/@TrackLink\">see</a></p>', 'richtext', 'regular', 1),"
        " (%(b)s, 'June', 'Simple', 'x@example.com', '# Hi', 'markdown', 'regular', 1),"
        " (%(c)s, 'Confirm', 'Please', 'x@example.com', 'x', 'html', 'optin', 1)",
        {"a": uuid.uuid4(), "b": uuid.uuid4(), "c": uuid.uuid4()},
    )


def move(url, workspace, capsys, *more):
    call_command("move_listmonk_database", url, "--workspace", workspace.slug, "--json", *more)
    return json.loads(capsys.readouterr().out)


def standings(email):
    rows = Subscription.objects.filter(subscriber__email_key=email)
    return dict(rows.values_list("list__name", "status"))


def test_everything_comes_as_what_it_was(listmonk, workspace, capsys):
    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
    known = Subscriber.objects.create(
        workspace=workspace,
        email="known@example.com",
        email_key="known@example.com",
        address_hash=b"k" * 16,
    )
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(known, lists=[weekly.pk], source=ConsentSource.FORM)

    dry = move(listmonk, workspace, capsys, "--dry-run")
    assert Subscriber.objects.count() == 1
    assert not MailingList.objects.filter(name="Offers").exists()
    assert not Campaign.objects.exists()
    done = move(listmonk, workspace, capsys)
    for name in ("rows", "created", "kept_out", "suppressed", "lists"):
        assert dry[name] == done[name] or name == "lists"
    assert (done["rows"], done["created"], done["kept_out"], done["suppressed"]) == (5, 3, 1, 1)

    assert standings("gita@example.com") == {"Weekly": "subscribed", "Offers": "subscribed"}
    assert standings("hadi@example.com") == {"Weekly": "unconfirmed", "Offers": "unsubscribed"}
    assert standings("joko@example.com") == {"Weekly": "unsubscribed"}
    assert standings("known@example.com") == {"Weekly": "unsubscribed"}
    assert Suppression.objects.get().email_key == "ika@example.com"
    offers = MailingList.objects.get(name="Offers")
    assert (offers.visibility, offers.opt_in) == ("private", "single")
    gita = Subscriber.objects.get(email_key="gita@example.com")
    assert gita.fields == {"city": "Bandung", "cups": 3}
    assert CustomField.objects.get(key="cups").type == "number"
    events = ConsentEvent.objects.filter(subscriber=gita, list=weekly).order_by("at")
    assert [(event.kind, event.at.day, event.ip) for event in events] == [
        ("asked", 1, "203.0.113.5"),
        ("confirmed", 2, "203.0.113.5"),
    ]
    assert all("listmonk" in event.detail for event in events)


def test_templates_and_campaigns_can_be_sent_from_here(listmonk, workspace, capsys):
    done = move(listmonk, workspace, capsys)["writing"]
    assert done["templates"] == ["Default · listmonk #1"]
    assert done["campaigns"] == ["May · listmonk #1", "June · listmonk #2"]
    assert done["untranslated"] == {"May · listmonk #1": ['{{ Date "2006" }}']}
    assert set(done["left_out"]) == {"Receipt · listmonk #2", "Confirm · listmonk #3"}
    may = Campaign.objects.get(name="May · listmonk #1")
    assert (may.status, may.from_name, may.from_email) == (
        "draft",
        "Sari",
        "sari@kopisenja.example",
    )
    assert may.content.subject == "News for {{ first_name }}"
    assert "Halo {{ name }} of {{ city }}" in may.content.source
    assert "TrackLink" not in may.content.source
    assert "{{ unsubscribe_url }}" in may.content.source
    compile_version(may.content)
    frame = Template.objects.get(name="Default · listmonk #1")
    june = Campaign.objects.get(name="June · listmonk #2")
    june.content.template = frame
    june.content.save()
    compile_version(june.content)


def test_a_second_move_brings_nothing_twice(listmonk, workspace, capsys):
    move(listmonk, workspace, capsys)
    counts = (Subscriber.objects.count(), ConsentEvent.objects.count(), Template.objects.count())
    again = move(listmonk, workspace, capsys)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 5)
    assert again["writing"]["known"] == 3
    assert counts == (
        Subscriber.objects.count(),
        ConsentEvent.objects.count(),
        Template.objects.count(),
    )


def test_nothing_is_written_there(listmonk, workspace, capsys):
    from subscribers.migrate_from import listmonk_database

    with (
        listmonk_database.connect(listmonk) as there,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        there.execute("DELETE FROM subscribers")


def test_another_database_is_refused(workspace):
    settings = connection.settings_dict
    url = psycopg.conninfo.make_conninfo(
        dbname="postgres", host=settings["HOST"], user=settings["USER"]
    )
    with pytest.raises(CommandError, match="not listmonk's database"):
        call_command("move_listmonk_database", url)
    with pytest.raises(CommandError, match="can't be opened"):
        call_command("move_listmonk_database", "postgresql://127.0.0.1:1/x?connect_timeout=2")
    assert not ToolMigration.objects.exists()
