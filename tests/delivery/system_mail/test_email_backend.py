"""Mail of the product itself: a workspace's goes its way, the installation's to nobody's."""

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from accounts.mails.system_mail import NotDeliveredError
from delivery.accounts import breaker, setup
from delivery.models import FROM_SETTINGS, SendingAccount
from delivery.sandbox.smtp_server import running
from delivery.states import TransportKind
from delivery.transports import choose
from delivery.transports.protocol import ServerTroubleError

BACKEND = "delivery.system_mail.email_backend.EmailBackend"


@pytest.fixture(autouse=True)
def _our_backend(settings):
    settings.EMAIL_BACKEND = BACKEND


def account_at(workspace, port: int, **fields) -> SendingAccount:
    values = {"name": f"Provider {port}", "host": "127.0.0.1", "port": port, "tls": "none"}
    return SendingAccount.objects.create(workspace=workspace, **(values | fields))


def mail_of(workspace, *to: str, sender: str | None = "a@x.example", **fields):
    message = EmailMultiAlternatives("Selamat ☕", "Hello.\n.\nBye\n", sender, list(to), **fields)
    if workspace is not None:
        message.workspace_id = workspace.pk  # type: ignore[attr-defined]  # our word, not Django's
    return message


def test_a_workspaces_mail_goes_through_its_account(cast):
    with running(keep_body=True) as server:
        account_at(cast.workspace, server.port, default_from="Kopi <kopi@senja.example>")
        message = mail_of(cast.workspace, "budi@bücher.example", "citra@x.example", sender=None)
        assert message.send() == 1
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
        message.workspace_id = cast.other_workspace.pk  # type: ignore[attr-defined]  # our word, not Django's
        message.attach_alternative("<p>b</p>", "text/html")
        message.send()
        assert (len(first.accepted), len(second.accepted)) == (0, 1)
        assert second.accepted[0].envelope_from == "x@tehpagi.example"


def test_the_next_account_stands_in_for_one_in_trouble(cast):
    with running() as first, running() as second:
        broken = account_at(cast.workspace, first.port)
        breaker.trip(broken, ServerTroubleError("It refuses the password.", permanent=True))
        account_at(cast.workspace, second.port, position=1)
        assert mail_of(cast.workspace, "b@x.example").send() == 1
        assert (len(first.accepted), len(second.accepted)) == (0, 1)


def test_an_account_that_asked_to_wait_is_left_alone(cast):
    with running() as first, running() as second:
        patient = account_at(cast.workspace, first.port)
        trouble = ServerTroubleError("Slow down.", retry_after=60, is_patience=True)
        breaker.trip(patient, trouble)
        account_at(cast.workspace, second.port, position=1)
        with pytest.raises(NotDeliveredError):
            mail_of(cast.workspace, "b@x.example").send()
        assert (len(first.accepted), len(second.accepted)) == (0, 0)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"replies": {"RCPT": "550 5.1.1 no such user"}}, "550 5.1.1 no such user"),
        ({"replies": {"DOT": "451 4.3.0 later"}}, "451 4.3.0 later"),
        ({"busy": True}, "rejects us"),
        ({"users": {"a": "b"}}, "sign in first"),
    ],
)
def test_what_is_not_delivered_is_an_error_with_the_servers_words(cast, behaviour, words):
    with running(**behaviour) as server:
        account_at(cast.workspace, server.port)
        with pytest.raises(NotDeliveredError, match=words):
            mail_of(cast.workspace, "b@x.example").send()
        with get_connection(fail_silently=True) as connection:
            sent = mail_of(cast.workspace, "b@x.example", connection=connection).send()
        assert sent == 0


def test_without_any_account_it_says_so(workspace):
    with pytest.raises(NotDeliveredError, match="There is no sending account"):
        mail_of(workspace, "b@x.example").send()


def test_the_installations_mail_goes_only_where_the_settings_say(cast, settings):
    with running(keep_body=True) as meant, running() as repointed:
        settings.SMTP_URL = f"smtp://127.0.0.1:{meant.port}/?tls=none"
        settings.DEFAULT_FROM = "Warta <warta@kopisenja.example>"
        # Whatever a workspace's administrator makes of the account of that name.
        account_at(cast.workspace, repointed.port, name=FROM_SETTINGS)
        account_at(cast.other_workspace, repointed.port, name="Mine")
        assert mail_of(None, "b@x.example", sender=None).send() == 1
        assert (len(meant.accepted), len(repointed.accepted)) == (1, 0)
        assert "From: Warta <warta@kopisenja.example>\r\n" in meant.accepted[0].body


def test_without_a_server_of_its_own_the_installations_mail_stays_in_its_own_sandbox(
    cast, settings
):
    settings.SMTP_URL = ""
    setup.ensure_sandbox(cast.workspace)
    used = setup.of_installation()
    assert used.kind == TransportKind.SANDBOX
    signed_in = choose.smtp_settings(used)
    assert signed_in.username == "sandbox-installation"
    with running(users={signed_in.username: signed_in.password}) as server:
        settings.SANDBOX_HOST, settings.SANDBOX_PORT = "127.0.0.1", server.port
        account_at(cast.workspace, server.port)
        assert mail_of(None, "b@x.example").send() == 1
        assert [mail.user for mail in server.accepted] == ["sandbox-installation"]
