"""A mail that comes to no end pauses its own campaign, and nothing else waits for it."""

import pytest

from campaigns.rendering import isolation
from campaigns.states import CampaignStatus
from delivery.pipeline import prepare, sweep
from delivery.pipeline.worker import Worker
from delivery.states import MessageState
from subscribers.models import CustomField, Subscriber
from tests.delivery import sending
from tests.delivery.pipeline.test_send import account, sender, server, work
from tests.faults.conftest import Recorder
from tests.people import Cast

__all__ = ["sender", "server"]  # fixtures
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client"),
]
# Within the budget of the interpreter, but not within the bound that the test sets.
SLOW = "{% for a in bio %}{% for b in bio %}{% if b == a %}{% endif %}{% endfor %}"
LOOPS = f"Halo {{{{ first_name }}}} {SLOW}{{% endfor %}}"


@pytest.fixture
def _tight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "FILLING", isolation.Bound(work=0.15, wait=60))


@pytest.mark.usefixtures("_tight")
def test_it_is_stopped_and_paused_with_the_reason(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    account(cast.workspace, server)
    CustomField.objects.create(workspace=cast.workspace, key="bio", label="Bio", type="text")
    campaign = sending.planned(cast.workspace, 40, source=LOOPS)
    Subscriber.objects.update(fields={"bio": "xy" * 60_000})
    work(sender)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED
    assert "takes too long or grows too large" in campaign.pause_reason
    assert sending.states(campaign) == {MessageState.PLANNED: 40}


@pytest.mark.usefixtures("_tight")
def test_one_of_them_is_left_out_and_everybody_else_gets_the_mail(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    account(cast.workspace, server)
    CustomField.objects.create(workspace=cast.workspace, key="bio", label="Bio", type="text")
    campaign = sending.planned(cast.workspace, 100, source=LOOPS)
    one = Subscriber.objects.get(email="reader42@example.net")
    Subscriber.objects.filter(pk=one.pk).update(fields={"bio": "xy" * 60_000})
    work(sender)
    assert sweep.finish() == 1
    assert sending.states(campaign) == {MessageState.SENT: 99, MessageState.SKIPPED: 1}
    assert "reader42@example.net" not in server.mails()


def test_conditions_are_filled_in_for_many_people_at_once(
    cast: Cast, server: Recorder, sender: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    fill = isolation.fill

    def count(programs, people):
        asked.append(len(people))
        return fill(programs, people)

    monkeypatch.setattr(isolation, "fill", count)
    account(cast.workspace, server)
    campaign = sending.planned(
        cast.workspace,
        150,
        source="{% if first_name %}Halo {{ first_name }}{% endif %}, [x](https://a.example/)",
        subject="{% if last_name %}A{% else %}B{% endif %}",
    )
    work(sender)
    assert sending.states(campaign) == {MessageState.SENT: 150}
    assert sum(asked) == 150
    assert max(asked) == prepare.FILLED_AHEAD


def test_when_no_process_is_free_everybody_stays_planned(
    cast: Cast, server: Recorder, sender: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 10, source="{% if first_name %}A{% endif %}")
    tries: list[int] = []

    def busy(*_args, **_options):
        tries.append(1)
        raise isolation.BusyError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(isolation, "fill", busy)
        work(sender, is_over=lambda: len(tries) > 1)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING
    assert sending.states(campaign) == {MessageState.PLANNED: 10}
    work(sender)
    assert sending.states(campaign) == {MessageState.SENT: 10}
