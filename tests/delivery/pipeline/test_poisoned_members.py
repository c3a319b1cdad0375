"""Every loop of the background, with one poisoned member: the others go on, and it is noted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import SetAside
from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery import tasks
from delivery.models import Claim, Event, Message
from delivery.pipeline import claim, next_campaign, plan, prepare, record, requeue, sweep
from delivery.states import ClaimState, EventKind, MessageState
from delivery.tracking import hits, ingest, review
from delivery.transports.protocol import Verdict
from subscribers.bulk import actions, runner
from subscribers.models import Retention, SearchBlock, Segment, Tagging
from subscribers.people import search, tags
from subscribers.privacy import retention
from subscribers.segments import saving
from subscribers.signup import visitors
from subscribers.states import BulkKind
from subscribers.tasks import count_segments
from tests.campaigns import makers
from tests.delivery import makers as ledger
from tests.delivery import sending
from tests.people import Cast

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("redis_client"),
]


def poison(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, is_bad: Callable[..., bool]
) -> None:
    """Have a function fail for one member."""
    real = getattr(where, name)

    def fails(*args: Any, **kwargs: Any) -> Any:
        if is_bad(*args, **kwargs):
            raise ValueError("poisoned")
        return real(*args, **kwargs)

    monkeypatch.setattr(where, name, fails)


def noted() -> list[tuple[str, str]]:
    return sorted(SetAside.objects.values_list("kind", "subject"))


# --- tracking


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("10.0.0.1, fe80::1%25eth0", "fe80::1"),
        ("10.0.0.1%", "10.0.0.1"),
        ("%eth0", ""),
        ("1.2.3", ""),
        ("unknown", ""),
        ("10.0.0.1:8080", ""),
    ],
)
def test_an_address_is_one_that_the_database_takes(settings: Any, given: str, kept: str) -> None:
    settings.BEHIND_PROXY = True
    request = RequestFactory().get("/", headers={"x-forwarded-for": given})
    assert visitors.ip_of(request) == kept


def test_a_poisoned_hit_stops_no_other(cast: Cast) -> None:
    campaign = ledger.make_sent_campaign(cast.workspace, ledger.make_list(cast.workspace, "News"))
    people = [ledger.make_subscriber(cast.workspace, f"p{n}@example.org") for n in range(5)]
    messages = [ledger.make_message(campaign, person) for person in people]
    for number, message in enumerate(messages):
        hits.push(
            hits.Hit(
                message_id=message.pk,
                kind=EventKind.OPENED,
                at=ledger.after(60),
                user_agent="Firefox",
                ip="fe80::1%eth0" if number == 2 else "203.0.113.7",
            )
        )
    hits.client().xadd(hits.STREAM, {"s": b"no hit at all"})
    assert ingest.next_batch() == 6
    assert ingest.next_batch() == 0
    seen = set(Event.objects.values_list("message_id", flat=True))
    assert seen == {message.pk for message in messages} - {messages[2].pk}
    assert noted() == [
        ("opens and clicks", "entries of the stream"),
        ("opens and clicks", f"message {messages[2].pk}"),
    ]
    assert not SetAside.objects.filter(reason__contains="fe80").exists()


def test_a_poisoned_review_stops_no_other(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = ledger.make_sent_campaign(cast.workspace, ledger.make_list(cast.workspace, "News"))
    people = [ledger.make_subscriber(cast.workspace, f"p{n}@example.org") for n in range(3)]
    messages = [ledger.make_message(campaign, person) for person in people]
    for message in messages:
        Event.objects.create(
            campaign=campaign,
            message=message,
            subscriber_id=message.subscriber_id,
            kind=EventKind.OPENED,
            at=ledger.after(1),
        )
    bad = messages[1].pk
    poison(monkeypatch, review, "_events", lambda targets: bad in targets)
    assert review.next_batch() == 3
    assert review.next_batch() == 0
    assert noted() == [("review of clicks", f"message {bad}")]


# --- the ledger


@pytest.mark.parametrize(
    "poisoned",
    [
        {"code": 99_999, "text": "no such code"},
        {"code": 550, "text": "a \x00 byte"},
        {"code": 550, "text": "a lone \ud800 surrogate"},
    ],
)
def test_a_poisoned_outcome_is_recorded_without_its_words(
    cast: Cast, poisoned: dict[str, Any]
) -> None:
    campaign = sending.planned(cast.workspace, 5)
    ids = sending.messages(campaign)
    batch = sending.sent(ids[:4])
    bad = sending.outcome(ids[4], Verdict.FAILED, **poisoned)
    assert record.outcomes(sending.writer(campaign), [*batch[:2], bad, *batch[2:]]) == 5
    assert sending.states(campaign) == {MessageState.SENT: 4, MessageState.FAILED: 1}


def test_a_poisoned_claim_stops_no_other(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    campaigns = [sending.planned(cast.workspace, 2) for _ in range(1)]
    others = [sending.planned(cast.other_workspace, 2)]
    held = [sending.take(campaign, token=f"t{n}") for n, campaign in enumerate(campaigns + others)]
    Claim.objects.update(held_until=timezone.now() - timedelta(minutes=1))
    poison(monkeypatch, sweep, "messages_of", lambda claim: claim.pk == held[0].id)
    assert sweep.recover() == 1
    states = dict(Claim.objects.values_list("pk", "state"))
    assert states[held[0].id] == ClaimState.HELD
    assert noted() == [("claim", f"claim {held[0].id}")]


def test_a_campaign_that_cannot_begin_stops_no_other(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing_list = makers.make_list(cast.workspace)
    sending.make_account(cast.workspace)
    campaigns = [makers.make_campaign(cast.workspace, mailing_list) for _ in range(3)]
    for campaign in campaigns:
        assert lifecycle.schedule(campaign, at=timezone.now())
    poison(monkeypatch, plan, "_last_subscriber", _once())
    monkeypatch.setattr(tasks.plan_campaign, "delay", lambda _pk: None)
    tasks.start_due_campaigns()
    statuses = sorted(Campaign.objects.values_list("status", flat=True))
    assert statuses == [CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.SENDING]
    assert [kind for kind, _subject in noted()] == ["campaign"]


def _once() -> Callable[..., bool]:
    calls: list[int] = []

    def first(*_args: Any, **_kwargs: Any) -> bool:
        calls.append(1)
        return len(calls) == 1

    return first


def test_a_campaign_that_cannot_be_planned_is_paused_and_says_so(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sending.start(cast.workspace, 3)
    with monkeypatch.context() as patch:
        poison(patch, plan, "_insert", lambda *_args, **_kwargs: True)
        assert plan.step(campaign.pk).is_done
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED
    assert campaign.pause_reason.startswith("Preparing failed on our side")
    assert lifecycle.resume(campaign)
    sending.plan_all(campaign)
    assert sending.states(campaign) == {MessageState.PLANNED: 3}


def test_a_campaign_whose_account_cannot_be_found_stops_no_other(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (sending.planned(one, 1) for one in (cast.workspace, cast.other_workspace))
    poison(monkeypatch, next_campaign, "usable", lambda campaign, _accounts: campaign.pk == bad.pk)
    board = next_campaign.Board()
    offer = board.choose()
    assert offer is not None
    assert offer.campaign == good
    assert noted() == [("campaign", f"campaign {bad.pk}")]


def test_content_that_trips_the_compiler_pauses_its_campaign(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sending.planned(cast.workspace, 1)
    poison(monkeypatch, prepare, "compile_message", lambda *_args, **_kwargs: True)
    prepared = prepare.prepare(campaign)
    assert isinstance(prepared, prepare.Unusable)
    assert noted() == [("content", f"campaign {campaign.pk}")]


def test_retries_cancelling_and_ends_go_on_beside_a_poisoned_campaign(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (sending.planned(one, 1) for one in (cast.workspace, cast.other_workspace))
    for campaign in (bad, good):
        (message,) = sending.messages(campaign)
        claim.settle(sending.take(campaign))
        later = sending.outcome(message, Verdict.DEFERRED, 451, "", "later")
        record.outcomes(sending.writer(campaign), [later])
    Message.objects.update(not_before=timezone.now())
    with monkeypatch.context() as patch:
        poison(
            patch, requeue, "again", lambda _which, params, **_kwargs: bad.pk in params["campaigns"]
        )
        assert sweep.retry() == 1
    assert sending.states(good) == {MessageState.PLANNED: 1}
    assert lifecycle.cancel(bad)
    assert lifecycle.cancel(good)
    poison(monkeypatch, sweep, "_cancel_rows", lambda campaign, *_a, **_k: campaign == bad)
    assert sweep.cancel() == 1
    assert sending.states(good) == {MessageState.CANCELLED: 1}
    assert {kind for kind, _subject in noted()} == {"retries", "cancelling"}


def test_a_step_of_the_sweep_that_fails_stops_no_other(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sending.planned(cast.workspace, 1)
    record.outcomes(sending.writer(campaign), sending.sent(sending.messages(campaign)))
    claim.settle(sending.take(campaign))
    poison(monkeypatch, sweep, "recover", lambda: True)
    assert sweep.everything() is False
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENT
    assert noted() == [("sweep", "claims")]


# --- people


def test_a_bulk_action_goes_on_beside_a_poisoned_person(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [makers.make_subscriber(cast.workspace, f"p{n}@example.org") for n in range(7)]
    (tag,) = tags.find_or_create(cast.workspace, ["Regular"])
    poison(monkeypatch, tags, "attach", lambda *_args, people, **_kwargs: bad in people)
    bad = people[3].pk
    settings = {"tag": tag.pk}
    action = actions.start(cast.workspace, kind=BulkKind.ADD_TAG, actor=None, settings=settings)
    while runner.run(action.pk, seconds=0):
        pass
    assert Tagging.objects.filter(tag=tag).count() == 6
    assert noted() == [("bulk action", f"person {bad}")]


def test_the_search_goes_on_beside_a_poisoned_block(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workspace in (cast.workspace, cast.other_workspace):
        makers.make_subscriber(workspace, "budi@example.org")
    bad = cast.workspace.pk
    poison(monkeypatch, search, "_write", lambda due: any(one[0] == bad for one in due))
    while search.rebuild():
        pass
    assert set(SearchBlock.objects.values_list("workspace_id", flat=True)) == {
        cast.other_workspace.pk
    }
    assert [kind for kind, _subject in noted()] == ["search"]


def test_segments_are_counted_beside_a_poisoned_one(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = [Segment.objects.create(workspace=cast.workspace, name=f"S{n}") for n in range(3)]
    counted: list[Segment] = []
    monkeypatch.setattr(saving, "recount", counted.append)
    poison(monkeypatch, saving, "recount", lambda segment: segment == segments[1])
    count_segments()
    assert counted == [segments[0], segments[2]]
    assert noted() == [("segment", f"segment {segments[1].pk}")]


def test_retention_goes_on_beside_a_poisoned_workspace(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workspace in (cast.workspace, cast.other_workspace):
        Retention.objects.update_or_create(workspace=workspace, defaults={"origin_days": 30})
    bad = cast.workspace.pk
    poison(monkeypatch, retention, "apply", lambda found: found.workspace_id == bad)
    retention.apply_all()
    applied = Retention.objects.exclude(applied_at=None).values_list("workspace_id", flat=True)
    assert list(applied) == [cast.other_workspace.pk]
    assert noted() == [("retention", f"workspace {bad}")]
