"""The doctor: every finding names what is wrong and the way out."""

import json
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.utils import timezone

from delivery.health import doctor
from delivery.models import BounceMailbox, SendingAccount, WebhookAddress
from delivery.processes import heartbeats
from delivery.states import TransportKind


def examine(capsys):
    code: str | int | None = 0
    try:
        call_command("doctor", "--json")
    except SystemExit as ended:
        code = ended.code
    return code, json.loads(capsys.readouterr().out)


def found(report, subject):
    return [f for f in report["findings"] if f["subject"].startswith(subject)]


@pytest.fixture
def _alive(redis_client):
    for kind in (*heartbeats.QUEUES, heartbeats.BEAT):
        heartbeats.record(kind, "test")


@pytest.mark.usefixtures("db", "_alive")
def test_a_healthy_installation_passes(capsys):
    code, report = examine(capsys)
    assert code == 0
    assert report["ok"] is True
    assert found(report, "database")[0]["level"] != "fail"  # the tests' own may forget
    assert found(report, "beat")[0]["level"] == "ok"


@pytest.mark.usefixtures("db", "redis_client")
def test_missing_processes_fail_with_a_way_out(capsys):
    code, report = examine(capsys)
    assert code == 1
    assert {f["level"] for f in found(report, "workers")} == {"fail"}
    assert "make run" in found(report, "beat")[0]["way_out"]


@pytest.mark.usefixtures("_alive")
def test_a_server_that_refuses_connections_is_named(capsys, workspace):
    SendingAccount.objects.create(
        workspace=workspace, name="Dead", kind=TransportKind.SMTP, host="127.0.0.1", port=1
    )
    code, report = examine(capsys)
    assert code == 1
    finding = found(report, "account Dead")[0]
    assert "127.0.0.1 does not take connections on port 1" in finding["sentence"]


@pytest.mark.usefixtures("_alive")
def test_an_account_in_trouble_is_shown(workspace, monkeypatch):
    account = SendingAccount(
        workspace=workspace,
        name="Broken",
        host="127.0.0.1",
        broken_since=datetime(2026, 11, 23, 10, 42, tzinfo=UTC),
        broken_reason="It refuses the password.",
    )
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        account.port = server.getsockname()[1]
        account.save()
        findings = [f for f in doctor.look() if f.subject.startswith("account Broken")]
    assert findings[0].level == "warn"
    assert "10:42" in findings[0].sentence


@pytest.mark.usefixtures("db", "_alive")
def test_a_guessable_key_fails(capsys, settings):
    settings.SECRET_KEY = "short"
    code, report = examine(capsys)
    assert code == 1
    assert found(report, "SECRET_KEY")[0]["level"] == "fail"


@pytest.mark.usefixtures("_alive")
def test_what_keeps_bounces_and_reports_from_coming_back_is_shown(workspace):
    account = SendingAccount.objects.create(
        workspace=workspace, name="Reports", host="127.0.0.1", port=1
    )
    WebhookAddress.objects.create(
        account=account, token="t", trouble="The signature is wrong.", trouble_at=timezone.now()
    )
    trouble = {"trouble": "The password is refused.", "trouble_since": timezone.now()}
    BounceMailbox.objects.create(workspace=workspace, name="Bounces", **trouble)
    BounceMailbox.objects.create(workspace=workspace, name="Old", is_paused=True, **trouble)
    found = {f.subject: f for f in doctor.look() if f.subject.startswith(("bounce", "webhook"))}
    assert set(found) == {
        f"bounce mailbox Bounces ({workspace.slug})",
        f"webhook of Reports ({workspace.slug})",
    }
    assert all(finding.level == "warn" and finding.way_out for finding in found.values())
