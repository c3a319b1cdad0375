"""Mail of the product itself leaves through the workspace's own sending account."""

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection, send_mail

from delivery.mail_backend import NotDeliveredError
from delivery.models import SendingAccount
from delivery.testing.smtp_server import running

BACKEND = "delivery.mail_backend.EmailBackend"


@pytest.fixture(autouse=True)
def _our_backend(settings):
    settings.EMAIL_BACKEND = BACKEND


def account_at(workspace, port: int, **fields) -> SendingAccount:
    values = {"name": f"Provider {port}", "host": "127.0.0.1", "port": port, "tls": "none"}
    return SendingAccount.objects.create(workspace=workspace, **(values | fields))


def test_send_mail_goes_through_the_first_workspaces_account(cast):
    with running(keep_body=True) as server:
        account_at(cast.workspace, server.port, default_from="Kopi <kopi@senja.example>")
        count = send_mail(
            "Selamat ☕", "Hello.\n.\nBye\n", None, ["budi@bücher.example", "citra@x.example"]
        )
        assert count == 1
        assert {line.envelope_to for line in server.accepted} == {
            ("budi@xn--bcher-kva.example",),
            ("citra@x.example",),
        }
        line = server.accepted[0]
        assert line.envelope_from == "kopi@senja.example"
        assert "From: Kopi <kopi@senja.example>\r\n" in line.body
        assert "Auto-Submitted: auto-generated\r\n" in line.body
        assert "\r\nHello.\r\n.\r\nBye\r\n" in line.body
        assert "\n" not in line.body.replace("\r\n", "")


def test_a_message_may_name_its_workspace(cast):
    with running() as first, running() as second:
        account_at(cast.workspace, first.port)
        account_at(cast.other_workspace, second.port)
        message = EmailMultiAlternatives("s", "b", "x@tehpagi.example", ["d@x.example"])
        message.workspace_id = cast.other_workspace.pk
        message.attach_alternative("<p>b</p>", "text/html")
        message.send()
        assert (len(first.accepted), len(second.accepted)) == (0, 1)
        assert second.accepted[0].envelope_from == "x@tehpagi.example"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"replies": {"RCPT": "550 5.1.1 no such user"}}, "550 5.1.1 no such user"),
        ({"replies": {"DOT": "451 4.3.0 later"}}, "451 4.3.0 later"),
        ({"busy": True}, "turns us away"),
        ({"users": {"a": "b"}}, "sign in first"),
    ],
)
def test_what_is_not_delivered_is_an_error_with_the_servers_words(cast, behaviour, words):
    with running(**behaviour) as server:
        account_at(cast.workspace, server.port)
        with pytest.raises(NotDeliveredError, match=words):
            send_mail("s", "b", "a@x.example", ["b@x.example"])
        with get_connection(fail_silently=True) as connection:
            sent = send_mail("s", "b", "a@x.example", ["b@x.example"], connection=connection)
        assert sent == 0


@pytest.mark.django_db
def test_without_any_account_it_says_so():
    with pytest.raises(NotDeliveredError, match="There is no sending account"):
        send_mail("s", "b", "a@x.example", ["b@x.example"])
