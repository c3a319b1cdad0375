"""Mautic's own contact export does not say who must not be contacted: it is not moved without."""

import pytest
from django.core.management import CommandError, call_command

from subscribers.migrate_from.arrivals import SourceRefused
from subscribers.models import Subscription, Suppression
from subscribers.states import MigrationSource
from tests.subscribers.migrate_from.makers import figures, moved

CONTACTS = (
    "id,title,firstname,lastname,company,position,email,phone,points,country,last_active\n"
    "1,,Kiki,Amalia,,,kiki@x.example,,1,,\n2,,Lala,L,,,lala@x.example,,1,,\n"
    "3,,Momo,M,,,momo@x.example,,1,,\n4,,Nana,N,,,nana@x.example,,1,,\n"
)
DNC = (
    "email,reason,date_added,comments,channel\n"
    "lala@x.example,1,2022-05-06 07:08:09,by the link,email\n"
    "momo@x.example,2,2022-05-06 07:08:09,550 no such user,email\n"
    "nana@x.example,1,2022-05-06 07:08:09,,sms\n"
)


def test_without_the_list_nobody_is_moved(taken):
    with pytest.raises(SourceRefused, match="does not say who must not be contacted"):
        taken(MigrationSource.MAUTIC, ("contacts.csv", CONTACTS))


@pytest.mark.parametrize("order", [1, -1])
def test_with_the_list_they_stand_where_they_stood(taken, order):
    files = [("contacts.csv", CONTACTS), ("dnc.csv", DNC)][::order]
    record = moved(taken(MigrationSource.MAUTIC, *files))
    assert figures(record)["created"] == 2
    subscribed = Subscription.objects.filter(status="subscribed")
    assert set(subscribed.values_list("subscriber__email_key", flat=True)) == {
        "kiki@x.example",
        "nana@x.example",
    }
    rows = {row.email_key: (row.reason, row.created_at.year) for row in Suppression.objects.all()}
    assert rows == {"lala@x.example": ("unsubscribed", 2022), "momo@x.example": ("bounced", 2022)}


def test_nobody_on_the_list_is_an_answer_too(taken):
    empty = DNC.splitlines()[0] + "\n"
    record = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", CONTACTS), ("dnc.csv", empty)))
    assert figures(record)["created"] == 4


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (CONTACTS, "move_mautic"),
        (
            "Email Address,First Name,UNSUB_TIME,LEID\na@x.example,A,2020-01-01,1\n",
            "move_mailchimp",
        ),
        ("Email Address,CLEAN_TIME\na@x.example,2020-01-01\n", "move_mailchimp"),
    ],
)
def test_an_import_names_the_command_that_reads_it(workspace, weekly, tmp_path, text, command):
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises(CommandError, match=command):
        call_command("import_subscribers", str(file), "--list", "Weekly")
    assert not Subscription.objects.exists()
    assert not list((tmp_path / "imports").iterdir())


@pytest.mark.parametrize(
    ("text", "source"),
    [(CONTACTS, "mautic"), ("Email Address,UNSUB_TIME\na@x.example,2020-01-01\n", "mailchimp")],
)
def test_the_page_leads_there(editor_client, text, source):
    answer = editor_client.post("/subscribers/import/", {"text": text})
    assert answer.status_code == 422
    assert f"?from={source}" in answer.content.decode()
