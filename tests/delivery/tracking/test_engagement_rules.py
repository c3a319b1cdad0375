"""Rules about what people did find whom the ledger names, and nobody else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Campaign, Link
from campaigns.states import CampaignStatus
from delivery.models import Dispatch, Event, Message
from delivery.states import AgentClass, EventKind, MessageState, Reason
from delivery.tracking import engagement, engagement_rules
from subscribers.models import Segment
from subscribers.segments import members, rule_editor, saving, tree
from tests.delivery import makers

LETTERS = 6


@pytest.fixture
def people(workspace):
    """Person n opened the newest n letters, and clicked in the newest n - 1."""
    return [makers.make_subscriber(workspace, f"p{n}@example.org") for n in range(LETTERS + 1)]


@pytest.fixture
def letters(workspace, people):
    """The campaigns, newest first; letter n went out n weeks ago."""
    found = []
    for age in range(LETTERS, 0, -1):
        at = timezone.now() - timedelta(weeks=age)
        campaign = Campaign.objects.create(
            workspace=workspace,
            name=f"Letter {age}",
            status=CampaignStatus.SENT,
            finished_at=at,
            started_at=at,
        )
        Dispatch.objects.create(campaign=campaign, workspace=workspace)
        Link.objects.create(campaign=campaign, ordinal=1, url="https://x.example/")
        for number, person in enumerate(people):
            opened = at + timedelta(hours=1) if number >= age else None
            clicked = opened if number > age else None
            message = Message.objects.create(
                campaign=campaign,
                subscriber_id=person.pk,
                state=MessageState.SENT,
                attempted_at=at,
                opened_at=opened,
                clicked_at=clicked,
            )
            for agent in [AgentClass.HUMAN] * bool(clicked) + [AgentClass.SCANNER]:
                Event.objects.create(
                    campaign=campaign,
                    message=message,
                    subscriber_id=person.pk,
                    kind=EventKind.CLICKED,
                    agent=agent,
                    link_ordinal=1,
                )
        found.insert(0, campaign)
    engagement.rebuild()
    return found


def who(workspace, people, operator, **values):
    rule = {"subject": "activity", "operator": operator, **values}
    segment = Segment(workspace=workspace, rules={"version": 1, "match": "all", "rules": [rule]})
    saving.check(segment.rules, saving.scope_of(segment))
    keys = set(members.members(segment).values_list("pk", flat=True))
    return [number for number, person in enumerate(people) if person.pk in keys]


def test_at_least_so_many_of_the_last(workspace, people, letters):
    def opened(least, of_last):
        return who(workspace, people, "opened_of_last", least=least, of_last=of_last)

    assert opened(2, 5) == [2, 3, 4, 5, 6]
    assert opened(5, 5) == [5, 6]
    assert opened(1, 1) == [1, 2, 3, 4, 5, 6]
    assert opened(7, 50) == []
    assert who(workspace, people, "clicked_of_last", least=2, of_last=2) == [3, 4, 5, 6]
    assert who(workspace, people, "opened_fewer", least=2, of_last=5) == [0, 1]
    assert who(workspace, people, "clicked_fewer", least=1, of_last=50) == [0, 1]


@pytest.mark.parametrize(
    "status", [CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.CANCELLED]
)
def test_only_campaigns_sent_to_the_end_are_the_last_ones(workspace, people, letters, status):
    """Person 6 opened also one that is still being sent, or was cancelled: it takes no place."""
    at = timezone.now() if status == CampaignStatus.CANCELLED else None
    other = Campaign.objects.create(
        workspace=workspace, name="Other", status=status, started_at=timezone.now(), finished_at=at
    )
    Dispatch.objects.create(campaign=other, workspace=workspace)
    makers.make_message(other, people[6], opened_at=timezone.now())
    makers.make_message(other, people[1], opened_at=timezone.now())
    engagement.rebuild()
    assert who(workspace, people, "opened_of_last", least=2, of_last=2) == [2, 3, 4, 5, 6]
    assert who(workspace, people, "opened_of_last", least=1, of_last=1) == [1, 2, 3, 4, 5, 6]
    assert who(workspace, people, "opened_fewer", least=2, of_last=5) == [0, 1]


def test_the_last_campaigns_are_those_before_the_moment_of_asking(workspace, people, letters):
    rule = {"subject": "activity", "operator": "opened_of_last", "least": 1, "of_last": 1}
    segment = Segment(workspace=workspace, rules={"version": 1, "match": "all", "rules": [rule]})
    for age, letter in enumerate(letters[:-1], start=1):
        found = members.members(segment, at=letter.started_at).order_by("pk")
        assert list(found) == people[age + 1 :]


@pytest.mark.parametrize("newest", [50, 2])
def test_one_campaign(workspace, people, letters, monkeypatch, newest):
    """Also where the summary names newer campaigns only, and the ledger has to be asked."""
    monkeypatch.setattr(engagement_rules, "NEWEST", newest)
    for number, letter in enumerate(letters, start=1):
        opened = [n for n in range(LETTERS + 1) if n >= number]
        clicked = [n for n in range(LETTERS + 1) if n > number]
        others = [n for n in range(LETTERS + 1) if n < number]
        assert who(workspace, people, "opened", campaign=letter.pk) == opened
        assert who(workspace, people, "not_opened", campaign=letter.pk) == others
        assert who(workspace, people, "clicked", campaign=letter.pk) == clicked
        assert who(workspace, people, "clicked_link", link=letter.links.get().pk) == clicked


def test_when_it_was_last(workspace, people, letters):
    assert who(workspace, people, "opened_in_last", days=8) == [1, 2, 3, 4, 5, 6]
    assert who(workspace, people, "opened_over_ago", days=3) == [1, 2, 3, 4, 5, 6]
    assert who(workspace, people, "opened_in_last", days=3) == []
    assert who(workspace, people, "never_opened") == [0]
    assert who(workspace, people, "never_clicked") == [0, 1]
    assert who(workspace, people, "clicked_in_last", days=8) == [2, 3, 4, 5, 6]


def test_who_was_sent_something(workspace, people, letters):
    everybody = list(range(LETTERS + 1))
    newest = letters[0]
    messages = Message.objects.filter(campaign=newest).order_by("pk")
    failed, open_ = messages[0], messages[1]
    Message.objects.filter(pk=failed.pk).update(state=MessageState.FAILED, reason=Reason.REFUSED)
    assert who(workspace, people, "sent", campaign=newest.pk) == everybody[1:]
    assert who(workspace, people, "not_sent", campaign=newest.pk) == [0]
    assert who(workspace, people, "sent_in_last", days=8) == everybody[1:]
    assert who(workspace, people, "not_sent_in_last", days=3) == everybody
    Message.objects.filter(pk=open_.pk).update(state=MessageState.PLANNED)
    Campaign.objects.filter(pk=newest.pk).update(finished_at=None)
    assert who(workspace, people, "sent", campaign=newest.pk) == everybody[2:]


def test_samples_say_how_many_were_opened(workspace, people, letters):
    rule = {"subject": "activity", "operator": "opened_of_last", "least": 4, "of_last": 5}
    segment = Segment(workspace=workspace, rules={"version": 1, "match": "all", "rules": [rule]})
    scope = saving.scope_of(segment)
    found = members.samples(scope, saving.check(segment.rules, scope), most=9)
    assert [sample.facts for sample in found] == [
        ["opened 5 of 5"],
        ["opened 5 of 5"],
        ["opened 4 of 5"],
    ]


def test_a_rule_about_an_old_campaign_or_link_holds_when_it_is_offered_no_more(
    workspace, letters, people, monkeypatch
):
    monkeypatch.setattr(engagement_rules, "OFFERED", 0)  # as if thousands of newer ones were there
    early = letters[-2]
    link = Link.objects.get(campaign=early)
    clicked = {"subject": "activity", "operator": "clicked_link", "link": link.pk}
    opened = {"subject": "activity", "operator": "opened", "campaign": early.pk}
    rules = {"version": 1, "match": "all", "rules": [clicked, opened]}
    segment = saving.create(workspace, name="Early", rules=rules)
    assert list(members.members(segment)) == [people[LETTERS]]
    scope = saving.scope_of(segment)
    spoken = rule_editor.sentence(tree.read(segment.rules, scope.subjects))
    assert link.url in spoken
    assert early.name in spoken


def test_a_rule_about_a_campaign_of_another_workspace_is_refused(other_workspace, letters):
    rule = {"subject": "activity", "operator": "opened", "campaign": letters[0].pk}
    with pytest.raises(tree.InvalidRules):
        saving.create(
            other_workspace, name="Theirs", rules={"version": 1, "match": "all", "rules": [rule]}
        )
