"""Rows for the tests of sending: a campaign that is planned, and what its ledger says."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.utils import timezone

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.audience.chosen import Audience
from campaigns.models import Campaign
from delivery.models import Claim, Message, MessageTally, SendingAccount
from delivery.pipeline import claim, plan, record
from delivery.states import ClaimState, MessageState, Reason
from delivery.transports.protocol import Outcome, Verdict
from subscribers.models import MailingList, Subscriber, Subscription
from tests.campaigns import makers


@contextmanager
def threads_ended() -> Iterator[None]:
    """Wait for the threads that were started meanwhile: they give their connections back last."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(60)


def make_people(workspace: Workspace, mailing_list: MailingList, count: int) -> list[Subscriber]:
    """Make subscribed people with addresses at four mailbox providers."""
    people = Subscriber.objects.bulk_create(
        Subscriber(
            workspace=workspace,
            email=f"reader{number}@example.net",
            email_key=f"reader{number}@example.net",
            address_hash=makers.hash_of(workspace, f"reader{number}@example.net"),
            domain_group=number % 4,
            first_name=f"Name{number}",
        )
        for number in range(count)
    )
    Subscription.objects.bulk_create(
        Subscription(workspace=workspace, list=mailing_list, subscriber=person, status="subscribed")
        for person in people
    )
    return people


def make_account(workspace: Workspace, **fields: object) -> SendingAccount:
    """Make a sending account that nobody connects to."""
    values: dict[str, object] = {"name": "Relay", "host": "127.0.0.1", "port": 9, "tls": "none"}
    return SendingAccount.objects.create(workspace=workspace, **(values | fields))


def start(workspace: Workspace, people: int = 10, **fields: object) -> Campaign:
    """Begin to send a campaign to new people: begun, not planned."""
    mailing_list = makers.make_list(workspace)
    make_people(workspace, mailing_list, people)
    if not workspace.sending_accounts.exists():
        make_account(workspace)
    campaign = makers.make_campaign(workspace, mailing_list, **fields)
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)
    return campaign


def plan_all(campaign: Campaign) -> None:
    """Plan everybody."""
    while not plan.step(campaign.pk).is_done:
        pass


def planned(workspace: Workspace, people: int = 10, **fields: object) -> Campaign:
    """Begin to send a campaign, and plan everybody."""
    campaign = start(workspace, people, **fields)
    plan_all(campaign)
    return campaign


def messages(campaign: Campaign) -> list[int]:
    """Return a campaign's messages, oldest first."""
    return list(
        Message.objects.filter(campaign=campaign).order_by("pk").values_list("pk", flat=True)
    )


def ledger(campaign: Campaign) -> dict[tuple[MessageState, Reason], int]:
    """Count the ledger's rows by state and reason."""
    rows = Message.objects.filter(campaign=campaign).values_list("state", "reason")
    return {(MessageState(s), Reason(r)): n for (s, r), n in Counter(rows).items()}


def states(campaign: Campaign) -> dict[MessageState, int]:
    """Count the ledger's rows by state."""
    rows = Message.objects.filter(campaign=campaign).values_list("state", flat=True)
    return {MessageState(state): n for state, n in Counter(rows).items()}


def tallies(campaign: Campaign) -> dict[tuple[MessageState, Reason], int]:
    """Return the maintained counts by state and reason, those that are not zero."""
    counts: Counter[tuple[MessageState, Reason]] = Counter()
    for row in MessageTally.objects.filter(campaign=campaign):
        counts[MessageState(row.state), Reason(row.reason)] += row.count
    return {key: count for key, count in counts.items() if count}


def writer(campaign: Campaign, *, attempt: int = 0, shard: int = 1) -> record.Writer:
    """Return who records for a campaign."""
    return record.Writer(
        campaign=campaign.pk,
        workspace=campaign.workspace_id,
        attempt=attempt,
        shard=shard,
        version=1,
    )


def take(campaign: Campaign, *, token: str = "t", epoch: str = "run:1") -> claim.Held:  # noqa: S107
    """Take the next claim as a worker of another host."""
    held = claim.take(campaign.pk, worker="elsewhere:1", token=token, epoch=epoch)
    assert held is not None
    return held


def read(held: claim.Held, audience: Audience) -> tuple[list[claim.Due], dict[int, Reason]]:
    """Read a whole claim: those to send, and those to skip."""
    found = claim.read(held, audience)
    return found.due, found.left_out


def sent(ids: Iterable[int]) -> list[Outcome]:
    """Return the outcomes of mails that a server accepted."""
    return [Outcome(message_id=pk, verdict=Verdict.SENT, code=250) for pk in ids]


def outcome(
    pk: int, verdict: Verdict, code: int = 0, enhanced: str = "", text: str = ""
) -> Outcome:
    """Return one outcome."""
    return Outcome(message_id=pk, verdict=verdict, code=code, enhanced=enhanced, text=text)


def open_claims(campaign: Campaign) -> int:
    """Count the claims that are waiting or held."""
    return Claim.objects.filter(campaign=campaign).exclude(state=ClaimState.SETTLED).count()
