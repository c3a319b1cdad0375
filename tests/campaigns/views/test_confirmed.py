"""What was confirmed is what is sent, whatever another tab does meanwhile."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from accounts.team import api_keys
from campaigns.audience import rule
from campaigns.checks import confirmation
from campaigns.drafts import content, editing
from campaigns.models import Campaign, Template
from campaigns.states import CampaignStatus
from delivery.models import SendingAccount
from subscribers.models import MailingList
from tests.campaigns.makers import make_list, make_reader

pytestmark = pytest.mark.django_db


def dialog(client: Client, draft: Campaign) -> dict[str, str]:
    """Open the dialog and return what its button sends."""
    page = client.get(reverse("campaign_confirm", args=[draft.pk]), {"when": "now"}).text
    return {"when": "now", "confirmed": re.findall(r'name="confirmed" value="([^"]+)"', page)[0]}


def press(client: Client, draft: Campaign, fields: dict[str, str]) -> tuple[int, str]:
    answer = client.post(reverse("campaign_schedule", args=[draft.pk]), fields)
    draft.refresh_from_db()
    return answer.status_code, answer.text


def rewrite(draft: Campaign, **changes: str) -> None:
    current = draft.content
    assert current is not None
    for name, value in changes.items():
        setattr(current, name, value)
    current.save()


def widen(draft: Campaign) -> None:
    """Twenty more people, in a list that the dialog knew nothing of."""
    more = make_list(draft.workspace, "Wholesale")
    for number in range(20):
        make_reader(draft.workspace, more, f"w{number}@x.example")
    editing.choose_audience(
        draft, include=[*draft.include_lists.all(), more], exclude=list(draft.exclude_lists.all())
    )


def join(draft: Campaign) -> None:
    for number in range(20):
        make_reader(draft.workspace, draft.include_lists.get(), f"j{number}@x.example")


def frame(draft: Campaign) -> None:
    assert draft.content is not None
    framed = Template.objects.create(
        workspace=draft.workspace,
        name="Other",
        source="<mjml><mj-body>{{ content }}</mj-body></mjml>",
    )
    type(draft.content).objects.filter(pk=draft.content.pk).update(template=framed)


def reroute(draft: Campaign) -> None:
    SendingAccount.objects.create(
        workspace=draft.workspace, name="New", kind="smtp", from_domains=["kopisenja.example"]
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda draft: rewrite(draft, subject="Diskon!"), "The subject is now “Diskon!”."),
        (
            lambda draft: rewrite(draft, subject='Hi {{ first_name|default("you") }}'),
            "The subject was changed.",
        ),
        (lambda draft: rewrite(draft, preheader="Beli"), "The preheader was changed."),
        (lambda draft: rewrite(draft, source="# Buy {{ first_name }}"), "The content was changed."),
        (frame, "The template was changed."),
        (
            lambda draft: Campaign.objects.filter(pk=draft.pk).update(from_email="b@b.example"),
            "now.",
        ),
        (reroute, "Another sending account carries it now."),
        (lambda draft: editing.choose_tracking(draft, opens=False, clicks=True), "tracked"),
        (widen, "21 people would get it now, instead of 1."),
        (join, "21 people would get it now, instead of 1."),
        (
            lambda draft: draft.exclude_lists.add(make_list(draft.workspace, "Staff")),
            "The lists or segments it goes to, or leaves out, were changed.",
        ),
    ],
)
def test_what_another_tab_changed_is_asked_about_anew(
    editor_client: Client, draft: Campaign, change: Callable[[Campaign], object], said: str
) -> None:
    fields = dialog(editor_client, draft)
    change(draft)
    status, page = press(editor_client, draft, fields)
    assert (status, draft.status) == (409, CampaignStatus.DRAFT)
    assert said in page
    again = {"when": "now", "confirmed": re.findall(r'name="confirmed" value="([^"]+)"', page)[0]}
    assert press(editor_client, draft, again)[0] == 302
    assert draft.status == CampaignStatus.SCHEDULED
    assert draft.expected == rule.breakdown(draft).will_get


def test_a_press_that_confirmed_nothing_sends_nothing(
    editor_client: Client, draft: Campaign
) -> None:
    for fields in ({"when": "now"}, {"when": "now", "confirmed": "people:1"}):
        assert press(editor_client, draft, fields)[0] == 409
        assert draft.status == CampaignStatus.DRAFT


def test_what_became_unready_meanwhile_is_not_sent(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    fields = dialog(editor_client, draft)
    rewrite(draft, source="{{ nobody_knows }}")
    assert press(editor_client, draft, fields)[0] == 302
    assert draft.status == CampaignStatus.DRAFT


def test_a_few_of_many_who_come_and_go_are_the_same_audience(draft: Campaign) -> None:
    for number in range(199):
        make_reader(draft.workspace, draft.include_lists.get(), f"m{number}@x.example")
    shown = confirmation.shown(draft, rule.breakdown(draft))
    for number in range(2):
        make_reader(draft.workspace, draft.include_lists.get(), f"n{number}@x.example")
    assert confirmation.changes(draft, shown, rule.breakdown(draft)) == []
    make_reader(draft.workspace, draft.include_lists.get(), "third@x.example")
    assert confirmation.changes(draft, shown, rule.breakdown(draft)) != []


def test_a_double_press_is_one(
    editor_client: Client, draft: Campaign, redis_client: object
) -> None:
    fields = dialog(editor_client, draft)
    path = reverse("campaign_schedule", args=[draft.pk])
    assert editor_client.post(path, fields).status_code == 302
    send_at = Campaign.objects.get(pk=draft.pk).send_at
    second = editor_client.post(path, fields, follow=True)
    assert "no draft any more" not in second.text
    assert Campaign.objects.get(pk=draft.pk).send_at == send_at


def test_resuming_sends_what_its_page_showed(
    editor_client: Client, draft: Campaign, redis_client: object
) -> None:
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.PAUSED)
    live = editor_client.get(reverse("campaign_live", args=[draft.pk])).text
    shown = re.findall(r'name="confirmed" value="([^"]+)"', live)[0]
    draft.refresh_from_db()
    assert draft.content is not None
    now = content.writing(draft.content)
    content.save(draft, type(now)(**{**vars(now), "subject": "Diskon!"}))
    path = reverse("campaign_resume", args=[draft.pk])
    refused = editor_client.post(path, {"confirmed": shown})
    assert refused.status_code == 409
    assert "The subject is now “Diskon!”." in refused.text
    assert Campaign.objects.get(pk=draft.pk).status == CampaignStatus.PAUSED
    shown = re.findall(r'name="confirmed" value="([^"]+)"', refused.text)[0]
    for _press in range(2):
        answer = editor_client.post(path, {"confirmed": shown}, follow=True)
        assert "Nothing changed" not in answer.text
    assert Campaign.objects.get(pk=draft.pk).status == CampaignStatus.SENDING


def test_what_can_not_be_sent_is_not_resumed(editor_client: Client, draft: Campaign) -> None:
    rewrite(draft, source="{{ nobody_knows }}")
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.PAUSED)
    draft.refresh_from_db()
    shown = confirmation.shown(draft)
    answer = editor_client.post(reverse("campaign_resume", args=[draft.pk]), {"confirmed": shown})
    assert answer.status_code == 409
    assert "nobody_knows" in answer.text


def test_a_program_resumes_what_it_read(draft: Campaign, owner: User, redis_client: object) -> None:
    key = api_keys.create(draft.workspace, name="Shop", role=Role.EDITOR, by=owner)
    program = Client(headers={"authorization": f"Bearer {key}"})
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.PAUSED)
    base = f"/api/v1/campaigns/{draft.pk}"
    read = program.get(base).json()["revision"]
    rewrite(draft, subject="Diskon!")
    refused = program.post(f"{base}/resume", headers={"If-Match": f'"{read}"'})
    assert refused.status_code == 409
    assert "Diskon!" in refused.json()["detail"]
    read = program.get(base).json()["revision"]
    assert program.post(f"{base}/resume", headers={"If-Match": f'"{read}"'}).status_code == 200


def test_a_test_is_what_its_page_showed(editor_client: Client, draft: Campaign) -> None:
    shown = confirmation.shown(draft)
    rewrite(draft, subject="Diskon!")
    answer = editor_client.post(
        reverse("campaign_test_send", args=[draft.pk]),
        {"to": "sari@kopisenja.example", "confirmed": shown},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 409
    assert "Diskon!" in answer.text
