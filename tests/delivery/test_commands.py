"""The commands of sending: one JSON object, exit codes that mean something, clear refusals."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks

import config.celery  # noqa: F401 - commands put tasks into its queues
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.management.commands import send_campaign
from delivery.pipeline import plan, record
from delivery.states import MessageState
from delivery.transports.protocol import Verdict
from subscribers.models import Segment
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    (line,) = out.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture
def letter(tmp_path: Path) -> str:
    path = tmp_path / "letter.html"
    path.write_text('<p>Halo {{ first_name }} <a href="https://x.example/a">a</a></p>')
    return str(path)


def test_a_campaign_is_made_scheduled_and_announced(
    cast: Cast,
    letter: str,
    redis_client: redis.Redis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sending.make_account(cast.workspace, default_from="Kopi Senja <kabar@kopisenja.example>")
    news = makers.make_list(cast.workspace, "News")
    staff = makers.make_list(cast.workspace, "Staff")
    makers.make_reader(cast.workspace, news, "ani@x.example")
    with django_capture_on_commit_callbacks(execute=True):
        found = run(
            *("send_campaign", "--list", "news", "--exclude", "Staff"),
            *("--subject", "Hi {{ name }}", "--html", letter),
        )
    campaign = Campaign.objects.get(pk=found["id"])
    assert (found["status"], found["audience"]) == ("scheduled", 0)
    assert list(campaign.include_lists.all()) == [news]
    assert list(campaign.exclude_lists.all()) == [staff]
    assert (campaign.from_name, campaign.from_email) == ("Kopi Senja", "kabar@kopisenja.example")
    assert (campaign.track_opens, campaign.track_clicks) == (True, True)
    assert campaign.links.get().url == "https://x.example/a"
    assert plan.due() == [campaign]
    assert redis_client.llen("events") == 1


def test_the_command_says_that_only_the_sandbox_carries_it(cast: Cast, letter: str) -> None:
    sending.make_account(cast.workspace, name="Provider", from_domains=["tehpagi.example"])
    sending.make_account(cast.workspace, name="Sandbox", kind="sandbox", position=9)
    makers.make_reader(
        cast.workspace, makers.make_list(cast.workspace, "News"), "ani@kopisenja.example"
    )
    said = StringIO()
    call_command(
        *("send_campaign", "--list", "News", "--subject", "Hi", "--html", letter, "--json"),
        *("--from", "Kopi Senja <kabar@kopisenja.example>"),
        stdout=StringIO(),
        stderr=said,
    )
    assert "This goes to the sandbox inbox, not to real people." in said.getvalue()
    assert "Choose “Provider” as its sending account" in said.getvalue()


def test_what_is_missing_or_wrong_is_said_and_nothing_is_stored(
    cast: Cast, letter: str, tmp_path: Path
) -> None:
    makers.make_list(cast.workspace, "News")
    broken = tmp_path / "broken.html"
    broken.write_text("{{ ''.__class__ }}")
    latin = tmp_path / "latin.html"
    latin.write_bytes(b"caf\xe9")
    base = ("send_campaign", "--subject", "x", "--from", "K <k@x.example>")
    for arguments, expected in (
        (("--list", "Nobody", "--html", letter), "no list Nobody"),
        (("--list", "News", "--html", str(tmp_path / "none")), "can't be read"),
        (("--list", "News", "--html", str(latin)), "not UTF-8"),
        (("--list", "News", "--html", str(broken)), "Content"),
        (("--list", "News", "--html", letter, "--workspace", "none"), "no workspace none"),
        (("--list", "News", "--html", letter, "--from", "nobody"), "Say who it is from"),
    ):
        with pytest.raises(CommandError, match=expected):
            call_command(*base, *arguments)
    assert not Campaign.objects.exists()


def test_lists_of_the_same_name_in_two_workspaces_need_a_choice(cast: Cast, letter: str) -> None:
    for workspace in (cast.workspace, cast.other_workspace):
        sending.make_account(workspace)
        news = makers.make_list(workspace, "News")
        makers.make_reader(workspace, news, "ani@x.example")
    base = ("send_campaign", "--list", "News", "--subject", "x", "--html", letter)
    with pytest.raises(CommandError, match="kopi-senja, teh-pagi"):
        call_command(*base, "--from", "K <k@x.example>")
    found = run(*base, "--from", "K <k@x.example>", "--workspace", "teh-pagi")
    assert Campaign.objects.get(pk=found["id"]).workspace == cast.other_workspace


def test_only_waiting_needs_a_worker() -> None:
    assert send_campaign.Command.needs_worker({"wait": True})
    assert not send_campaign.Command.needs_worker({"wait": False})


def test_status_adds_up_to_the_audience(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 5)
    sending.take(campaign)
    record.outcomes(sending.writer(campaign), sending.sent(sending.messages(campaign)[:2]))
    found = run("campaign_status", str(campaign.pk))
    assert found["id"] == campaign.pk
    assert found["status"] == "sending"
    assert found["audience"] == 5
    assert found["states"] == {
        "planned": 0,
        "claimed": 3,
        "handed_over": 0,
        "sent": 2,
        "deferred": 0,
        "failed": 0,
        "unknown": 0,
        "skipped": 0,
        "cancelled": 0,
    }
    assert found["explanation"] == ("Nothing is sent because no worker is running. Start a worker.")
    assert found["messages_per_second"] > 0


def test_pause_resume_cancel_say_whether_they_could(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 2)
    number = str(campaign.pk)
    assert run("pause_campaign", number)["status"] == "paused"
    assert run("pause_campaign", number)["status"] == "paused"
    assert run("resume_campaign", number)["status"] == "sending"
    assert run("cancel_campaign", number)["status"] == "cancelled"
    assert run("cancel_campaign", number)["status"] == "cancelled"
    with pytest.raises(CommandError, match="only one that is sending can pause"):
        call_command("pause_campaign", number)
    with pytest.raises(CommandError, match="only a paused one can go on"):
        call_command("resume_campaign", number)
    with pytest.raises(CommandError, match="There is no campaign 999999"):
        call_command("campaign_status", "999999")


def test_unknown_messages_are_settled(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    ids = sending.messages(campaign)
    record.outcomes(sending.writer(campaign), [sending.outcome(p, Verdict.UNKNOWN) for p in ids])
    number = str(campaign.pk)
    one = run("settle_unknown", number, "--send-again", "--message", str(ids[0]))
    assert (one["settled"], one["states"]["planned"], one["states"]["unknown"]) == (1, 1, 2)
    rest = run("settle_unknown", number, "--leave")
    assert (rest["settled"], rest["states"]["unknown"]) == (2, 2)
    assert sending.states(campaign) == {MessageState.PLANNED: 1, MessageState.UNKNOWN: 2}
    with pytest.raises(CommandError):
        call_command("settle_unknown", number)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING


def test_a_campaign_may_go_to_segments(cast: Cast, letter: str) -> None:
    sending.make_account(cast.workspace, default_from="Kopi Senja <kabar@kopisenja.example>")
    news = makers.make_list(cast.workspace, "News")
    makers.make_reader(cast.workspace, news, "ani@x.example")
    inside = Segment.objects.create(workspace=cast.workspace, name="Bandung")
    outside = Segment.objects.create(workspace=cast.workspace, name="Staff")
    found = run(
        *("send_campaign", "--segment", "bandung", "--exclude-segment", "staff"),
        *("--subject", "Hi", "--html", letter, "--force", "nobody"),
    )
    campaign = Campaign.objects.get(pk=found["id"])
    assert list(campaign.include_segments.all()) == [inside]
    assert list(campaign.exclude_segments.all()) == [outside]
    assert campaign.include_lists.count() == 0
    with pytest.raises(CommandError, match="There is no segment Bogor"):
        call_command("send_campaign", "--segment", "Bogor", "--subject", "Hi", "--html", letter)
    with pytest.raises(CommandError, match="Say to whom"):
        call_command("send_campaign", "--subject", "Hi", "--html", letter)


def test_what_is_in_the_way_keeps_the_command_from_sending(
    cast: Cast, letter: str, tmp_path: Path
) -> None:
    sending.make_account(cast.workspace, default_from="Kopi Senja <kabar@kopisenja.example>")
    news = makers.make_list(cast.workspace, "News")
    makers.make_reader(cast.workspace, news, "ani@x.example")
    foreign = tmp_path / "foreign.html"
    foreign.write_text('<p>Hi *|FNAME|*, <a href="https://x.example">x</a></p>')
    base = ("send_campaign", "--list", "News", "--html")
    with pytest.raises(CommandError) as refused:
        call_command(*base, letter, "--subject", " ")
    assert "  no_subject: There is no subject." in str(refused.value)
    assert "--force no_subject" in str(refused.value)
    with pytest.raises(CommandError, match=r"Write \{\{ first_name \}\} instead"):
        call_command(*base, str(foreign), "--subject", "News", "--force", "no_subject")
    with pytest.raises(CommandError, match="foreign_tag"):
        call_command(*base, letter, "--subject", "News", "--from", "*|LIST:COMPANY|* <a@x.example>")
    assert not Campaign.objects.exists()
    forced = run(*base, str(foreign), "--subject", "News", "--force", "foreign_tag")
    assert forced["status"] == "scheduled"


def test_a_sender_is_understood_as_people_type_it(cast: Cast, letter: str) -> None:
    sending.make_account(cast.workspace)
    news = makers.make_list(cast.workspace, "News")
    makers.make_reader(cast.workspace, news, "ani@x.example")
    for typed, name in (("News @ Kopi <n@x.example>", "News @ Kopi"),
                        ("Nëws, Ltd <n@x.example>", "Nëws, Ltd")):  # fmt: skip
        found = run("send_campaign", "--list", "News", "--subject", "x", "--html", letter,
                    "--from", typed)  # fmt: skip
        campaign = Campaign.objects.get(pk=found["id"])
        assert (campaign.from_name, campaign.from_email) == (name, "n@x.example")
