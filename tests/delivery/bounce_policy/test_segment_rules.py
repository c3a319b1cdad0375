"""Rules about bounces and complaints find whom the events name, and nobody else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.events import applying
from delivery.models import Dispatch, Event
from delivery.states import Effect, EventKind
from subscribers.models import Segment
from subscribers.segments import members, saving
from tests.delivery import makers
from tests.delivery.bounce_policy.test_following import bounce
from tests.delivery.events.telling import key, news

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(workspace):
    campaign = makers.make_sent_campaign(workspace)
    Dispatch.objects.create(campaign=campaign, workspace=workspace)
    return campaign


@pytest.fixture
def people(workspace, campaign):
    """People 0 bounced hard, 1 soft long ago, 2 complained, 3 got it, 4 was not written to."""
    people = [makers.make_subscriber(workspace, f"p{n}@example.org") for n in range(5)]
    sent = [makers.make_message(campaign, person) for person in people[:4]]
    applying.apply(
        [
            bounce(sent[0], Effect.ADDRESS_INVALID),
            bounce(sent[1], Effect.MAILBOX_FULL),
            news(sent[2], EventKind.COMPLAINED, key=key(99)),
        ]
    )
    old = timezone.now() - timedelta(days=60)
    Event.objects.filter(message=sent[1]).update(at=old)
    return people


def who(workspace, people, operator, **values):
    rule = {"subject": "bounces", "operator": operator, **values}
    segment = Segment(workspace=workspace, rules={"version": 1, "match": "all", "rules": [rule]})
    saving.check(segment.rules, saving.scope_of(segment))
    keys = set(members.members(segment).values_list("pk", flat=True))
    return {number for number, person in enumerate(people) if person.pk in keys}


@pytest.mark.parametrize(
    ("operator", "values", "found"),
    [
        ("bounced", {}, {0, 1}),
        ("bounced_in_last", {"days": 30}, {0}),
        ("bounced_hard", {}, {0}),
        ("bounced_soft", {}, {1}),
        ("bounced_soft_in_last", {"days": 30}, set()),
        ("never_bounced", {}, {2, 3, 4}),
        ("complained", {}, {2}),
        ("never_complained", {}, {0, 1, 3, 4}),
    ],
)
def test_who_bounced_or_complained(workspace, people, operator, values, found):
    assert who(workspace, people, operator, **values) == found


def test_who_received_a_campaign(workspace, people, campaign):
    assert who(workspace, people, "received", campaign=campaign.pk) == {2, 3}
    assert who(workspace, people, "not_received", campaign=campaign.pk) == {0, 1, 4}
