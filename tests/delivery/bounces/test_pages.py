"""The pages: mailboxes are connected and tested, returned mails looked at and explained."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.installation import secrets
from accounts.models import Workspace
from delivery.bounces import intake, pipes
from delivery.models import BounceMailbox, BounceReplay, Message, ReturnedMail, WordRule
from delivery.states import FeedbackSource, MailboxProtocol, ReturnedState, Verdict
from tests.delivery.bounces import mails
from tests.delivery.bounces.dovecot import PASSWORD, USER, Dovecot

MakeMailbox = Callable[..., BounceMailbox]
LIST = "/settings/mailboxes/"
MAILS = "/settings/returned/"


def values(dovecot_port: int = 993, **changed: Any) -> dict[str, Any]:
    return {
        "name": "Bounces",
        "host": "imap.kopisenja.example",
        "port": dovecot_port,
        "tls": "implicit",
        "verify_certificate": "on",
        "auth": "password",
        "username": USER,
        "password": PASSWORD,
        "folder": "INBOX",
        "after": "leave",
        **changed,
    }


def take(raw: bytes, workspace: Workspace) -> ReturnedMail:
    return intake.take(raw, workspace=workspace, source=FeedbackSource.BOUNCE_MAIL)


def test_a_mailbox_is_connected(admin_client: Client, workspace: Workspace) -> None:
    assert b"No bounce mailboxes yet" in admin_client.get(LIST).content
    response = admin_client.post(f"{LIST}new/?protocol=imap", values())
    mailbox = BounceMailbox.objects.get()
    assert response.status_code == 302
    assert (mailbox.workspace, mailbox.username) == (workspace, USER)
    assert PASSWORD.encode() not in bytes(mailbox.encrypted_secret)
    assert secrets.decrypt(mailbox.encrypted_secret) == PASSWORD
    page = admin_client.get(f"{LIST}{mailbox.pk}/").content.decode()
    assert PASSWORD not in page
    assert "Test connection" in page


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"host": "169.254.169.254"}, "host"),
        ({"host": "a b"}, "host"),
        ({"port": "25"}, "port"),
        ({"port": "70000"}, "port"),
        ({"tls": "none"}, "tls"),
        ({"password": ""}, "password"),
        ({"password": "a\r\nb"}, "password"),
        ({"username": "a\nb"}, "username"),
        ({"after": "move"}, "move_to"),
        ({"after": "move", "move_to": "INBOX"}, "move_to"),
        ({"auth": "xoauth2"}, "token_url"),
        ({"auth": "xoauth2", "token_url": "http://10.0.0.1/"}, "token_url"),
        ({"auth": "xoauth2", "token_url": "https://a:b@x.example/"}, "token_url"),
    ],
)
def test_what_can_never_be_right_is_refused_by_name(
    admin_client: Client, changed: dict[str, str], field: str
) -> None:
    response = admin_client.post(f"{LIST}new/?protocol=imap", values(**changed))
    assert response.status_code == 200
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not BounceMailbox.objects.exists()


def test_a_password_goes_to_no_other_server(
    admin_client: Client, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox(host="imap.kopisenja.example", tls="implicit", port=993)
    data = values(host="elsewhere.example", password="")
    response = admin_client.post(f"{LIST}{mailbox.pk}/", data)
    assert response.status_code == 200
    mailbox.refresh_from_db()
    assert mailbox.host == "imap.kopisenja.example"
    assert admin_client.post(f"{LIST}{mailbox.pk}/", values(password="")).status_code == 302


def test_the_connection_is_tested(
    admin_client: Client, make_mailbox: MakeMailbox, dovecot: Dovecot
) -> None:
    mailbox = make_mailbox(
        trouble="was broken", failures=3, stuck_at=7, stuck_count=3, after="move", move_to="Read"
    )
    dovecot.put(mails.bounce(), mails.absence())
    page = admin_client.post(f"{LIST}{mailbox.pk}/test/").content.decode()
    assert "2 emails are in it." in page
    assert "IDLE" in page
    assert "INBOX" in page
    assert "“Read” is made when" in page
    mailbox.refresh_from_db()
    assert (mailbox.trouble, mailbox.failures, mailbox.has_idle) == ("", 0, True)
    assert (mailbox.stuck_at, mailbox.stuck_count) == (0, 0)
    assert dovecot.count() == 2
    BounceMailbox.objects.update(encrypted_secret=secrets.encrypt("wrong"))
    page = admin_client.post(f"{LIST}{mailbox.pk}/test/").content.decode()
    assert "does not accept the user name and password" in page
    pop3 = make_mailbox(name="P", protocol=MailboxProtocol.POP3)
    page = admin_client.post(f"{LIST}{pop3.pk}/test/").content.decode()
    assert "2 emails are in it." in page


def test_a_changed_treatment_reads_the_folder_anew(
    admin_client: Client, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox(host="imap.kopisenja.example", tls="implicit", port=993, last_uid=7)
    admin_client.post(f"{LIST}{mailbox.pk}/", values(after="delete", password=""))
    mailbox.refresh_from_db()
    assert (mailbox.last_uid, mailbox.after) == (0, "delete")


def test_paused_resumed_and_removed(admin_client: Client, make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox()
    admin_client.post(f"{LIST}{mailbox.pk}/pause/", {"paused": "1"})
    mailbox.refresh_from_db()
    assert mailbox.is_paused
    assert "Paused" in admin_client.get(LIST).content.decode()
    admin_client.post(f"{LIST}{mailbox.pk}/pause/", {"paused": "0"})
    assert admin_client.get(f"{LIST}{mailbox.pk}/delete/").status_code == 200
    admin_client.post(f"{LIST}{mailbox.pk}/delete/")
    assert not BounceMailbox.objects.exists()


def test_an_address_for_a_mail_server(admin_client: Client, client: Client) -> None:
    admin_client.post(f"{LIST}new/?protocol=pipe", {"name": "Postfix"})
    mailbox = BounceMailbox.objects.get()
    word = pipes.word_of(mailbox)
    assert f"/bounces/{word}/" in admin_client.get(f"{LIST}{mailbox.pk}/").content.decode()
    admin_client.post(f"{LIST}{mailbox.pk}/address/")
    mailbox.refresh_from_db()
    assert pipes.word_of(mailbox) != word
    assert pipes.find(word) is None


def test_returned_mails_are_found(
    editor_client: Client, workspace: Workspace, other_workspace: Workspace, message: Message
) -> None:
    assert "Nothing has come back yet" in editor_client.get(MAILS).content.decode()
    take(mails.bounce(message=message.pk), workspace)
    take(mails.plain("A riddle", "?"), workspace)
    take(mails.plain("Elsewhere", "?"), other_workspace)
    page = editor_client.get(MAILS).content.decode()
    assert "Undelivered Mail" in page
    assert "A riddle" in page
    assert "Elsewhere" not in page
    state = ReturnedState.UNRECOGNISED.value
    page = editor_client.get(f"{MAILS}?state={state}").content.decode()
    assert "A riddle" in page
    assert "Undelivered" not in page
    page = editor_client.get(f"{MAILS}?q=NINA@resep").content.decode()
    assert "Undelivered" in page
    assert "A riddle" not in page
    for odd in ("state=99", "before=x", "before=99999999999999999999", "q=%25"):
        assert editor_client.get(f"{MAILS}?{odd}").status_code == 200


def test_a_list_costs_the_same_for_many(
    editor_client: Client, workspace: Workspace, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for number in (1, 2, 3):
        take(mails.plain(f"R {number}", "?", number=number), workspace)
        if number != 2:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                editor_client.get(MAILS)
            counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_mail_is_shown_as_words_only(editor_client: Client, workspace: Workspace) -> None:
    raw = (
        b"Subject: <script>alert(1)</script>\nContent-Type: text/html\n\n"
        b"<style>x</style><p>Hello <img src=https://spy.example/p.gif> &lt;b&gt;</p>"
        b"<a href=https://evil.example/>press</a><script>alert(2)</script>"
    )
    row = take(raw, workspace)
    page = editor_client.get(f"{MAILS}{row.pk}/").content.decode()
    assert "Hello" in page
    for forbidden in ("spy.example", "evil.example", "alert(2)", "<script>alert"):
        assert forbidden not in page
    headers = editor_client.get(f"{MAILS}{row.pk}/?view=headers").content.decode()
    assert "text/html" in headers


def test_a_mail_leads_to_its_person_and_its_campaign(
    editor_client: Client, workspace: Workspace, message: Message
) -> None:
    row = take(mails.bounce(message=message.pk), workspace)
    page = editor_client.get(f"{MAILS}{row.pk}/").content.decode()
    assert f"/subscribers/{message.subscriber_id}/" in page
    assert message.campaign.name in page
    assert "proven by a token" in page


def test_a_person_explains_a_mail_and_makes_a_rule(
    editor_client: Client, workspace: Workspace, message: Message
) -> None:
    text = "Our colleague nina@resep.example retired for good."
    row = take(mails.plain("Note", text), workspace)
    address = f"{MAILS}{row.pk}/"
    assert "nina@resep.example" in editor_client.get(address).content.decode()
    wrong = editor_client.post(address, {"verdict": "hard", "recipient": "x@nobody.example"})
    assert wrong.status_code == 422
    wrong = editor_client.post(
        address, {"verdict": "hard", "recipient": "nina@resep.example", "words": "not in there"}
    )
    assert "These words do not stand in this email" in wrong.content.decode()
    editor_client.post(
        address,
        {"verdict": "hard", "recipient": "nina@resep.example", "words": "retired for good"},
    )
    row.refresh_from_db()
    assert row.verdict == Verdict.HARD
    rule = WordRule.objects.get()
    assert (rule.words, rule.workspace) == ("retired for good", workspace)
    page = editor_client.get(f"{MAILS}rules/").content.decode()
    assert "retired for good" in page
    editor_client.post(f"{MAILS}rules/", {"rule": rule.pk})
    assert not WordRule.objects.exists()


def test_no_bounce_needs_nobody(editor_client: Client, workspace: Workspace) -> None:
    row = take(mails.plain("Offer", "Buy."), workspace)
    editor_client.post(f"{MAILS}{row.pk}/", {"verdict": "no_bounce"})
    row.refresh_from_db()
    assert row.state == ReturnedState.IGNORED


def test_kept_mails_are_read_again_and_deleted(
    editor_client: Client, workspace: Workspace, analyst_client: Client
) -> None:
    row = take(mails.plain("Offer", "Buy."), workspace)
    editor_client.post(f"{MAILS}replay/")
    assert BounceReplay.objects.get().finished_at is None
    assert "are being read again" in editor_client.get(MAILS).content.decode()
    assert analyst_client.get(MAILS).status_code == 403
    editor_client.post(f"{MAILS}{row.pk}/delete/")
    assert not ReturnedMail.objects.exists()
