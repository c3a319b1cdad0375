"""What a campaign names stays named when it is archived, and can't be taken away unseen."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.team import api_keys
from campaigns import lifecycle, mail_templates
from campaigns.audience import rule
from campaigns.checks import preflight
from campaigns.models import Campaign, Content, Template
from campaigns.states import CampaignStatus, LeftOut
from delivery.models import SendingAccount
from subscribers.fields import usage
from subscribers.models import ConsentStatement, CustomField, MailingList, SignupForm, Subscription
from subscribers.signup.form import SignupFormSettings
from tests.campaigns.makers import make_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(draft: Campaign, news: MailingList) -> MailingList:
    """An archived list that the draft leaves out; the one person of the newsletter is in it."""
    staff = make_list(draft.workspace, "Staff")
    Subscription.objects.create(
        workspace=draft.workspace,
        list=staff,
        subscriber=Subscription.objects.get().subscriber,
        status="subscribed",
    )
    draft.exclude_lists.add(staff)
    archive(staff)
    return staff


def archive(mailing_list: MailingList) -> None:
    mailing_list.archived_at = timezone.now()
    mailing_list.save(update_fields=["archived_at"])


def test_an_archived_list_goes_on_keeping_its_people_out(
    editor_client: Client, draft: Campaign, news: MailingList, staff: MailingList
) -> None:
    path = reverse("campaign_audience", args=[draft.pk])
    page = editor_client.get(path).text
    assert "Archived" in page
    box = page[page.index(f'name="exclude" value="{staff.pk}"') :]
    assert "checked" in box[: box.index(">")]
    assert f'name="include" value="{staff.pk}"' not in page
    as_shown = {"include": [news.pk], "exclude": [staff.pk]}
    saved = editor_client.post(path, as_shown, headers={"X-Autosave": "1"})
    assert saved.status_code == 204
    assert rule.breakdown(draft).left_out == {LeftOut.EXCLUDED: 1}
    counted = editor_client.get(reverse("campaign_audience_count", args=[draft.pk]), as_shown)
    assert counted.status_code == 200
    newly = editor_client.post(path, {"include": [staff.pk]}, headers={"X-Autosave": "1"})
    assert newly.status_code == 422


def test_a_copy_and_a_program_keep_it_too(
    draft: Campaign, news: MailingList, staff: MailingList, owner: User
) -> None:
    assert list(lifecycle.duplicate(draft).exclude_lists.all()) == [staff]
    key = api_keys.create(draft.workspace, name="Shop", role=Role.EDITOR, by=owner)
    program = Client(headers={"authorization": f"Bearer {key}"})
    path = f"/api/v1/campaigns/{draft.pk}/audience"
    read = program.get(path).json()
    choice = {name: read[name] for name in ("lists", "exclude_lists")}
    assert program.put(path, choice, "application/json").status_code == 200
    assert list(draft.exclude_lists.all()) == [staff]
    newly = program.put(path, {"lists": [staff.pk]}, "application/json")
    assert newly.status_code == 422


def test_nothing_is_sent_to_an_archived_list_unseen(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    archive(news)
    page = editor_client.get(reverse("campaign_audience", args=[draft.pk])).text
    assert f'name="include" value="{news.pk}"' in page
    blocking = [finding.text for finding in preflight.findings(draft) if finding.blocks]
    assert blocking == ["The list “Newsletter” is archived."]


def test_archiving_names_where_a_list_is_used(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    path = reverse("list_archive", args=[news.pk])
    page = editor_client.get(path).text
    assert draft.name in page
    news.refresh_from_db()
    assert news.archived_at is None
    for _press in range(2):  # a double press archives once, and doesn't restore
        editor_client.post(path)
        news.refresh_from_db()
        assert news.archived_at is not None
    editor_client.post(reverse("list_restore", args=[news.pk]))
    news.refresh_from_db()
    assert news.archived_at is None


def test_a_signup_form_keeps_its_archived_list(draft: Campaign, news: MailingList) -> None:
    statement = ConsentStatement.objects.create(workspace=draft.workspace, text="Yes.")
    form = SignupForm.objects.create(
        workspace=draft.workspace, name="F", title="F", statement=statement
    )
    form.lists.add(news)
    archive(news)
    other = make_list(draft.workspace, "Other")
    archive(other)
    shown = SignupFormSettings(instance=form, workspace=draft.workspace)
    assert "Newsletter (archived)" in str(shown["lists"])
    assert "Other" not in str(shown["lists"])


@pytest.mark.parametrize("status", ["scheduled", "sending", "paused"])
def test_what_a_confirmed_campaign_needs_stays(
    admin_client: Client, draft: Campaign, status: str
) -> None:
    template = Template.objects.filter(workspace=draft.workspace)[0]
    Content.objects.filter(campaign=draft).update(template=template, source="{{ roast }}")
    account = SendingAccount.objects.get(name="Provider")
    field = CustomField.objects.create(workspace=draft.workspace, key="roast", label="Roast")
    Campaign.objects.filter(pk=draft.pk).update(status=status, sending_account=account)
    page = admin_client.post(reverse("template_delete", args=[template.pk]), follow=True)
    assert draft.name in page.text
    with pytest.raises(mail_templates.InUseError):
        mail_templates.delete(template)
    admin_client.post(reverse("account_delete", args=[account.pk]))
    assert SendingAccount.objects.filter(pk=account.pk).exists()
    with pytest.raises(usage.InUse):
        usage.refuse_if_asked(usage.of_field(field))
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.DRAFT)
    assert draft.name in admin_client.get(reverse("template_delete", args=[template.pk])).text
    assert draft.name in admin_client.get(reverse("account_delete", args=[account.pk])).text
    usage.refuse_if_asked(usage.of_field(field))
    mail_templates.delete(template)
