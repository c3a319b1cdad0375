"""What was confirmed is what everybody gets, whatever happens to its template meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.drafts import content as writing
from campaigns.models import Campaign, Content, Template
from campaigns.rendering.stored import preview_content
from campaigns.states import CampaignStatus
from delivery.mime import tokens
from delivery.mime.recipient import Recipient
from delivery.mime.render import render
from delivery.mime.tokens import Purpose
from delivery.models import SendingAccount
from delivery.pipeline import prepare
from delivery.public import personal_data
from delivery.tracking import links
from subscribers.models import CustomField, Subscriber
from subscribers.states import FieldType
from tests.campaigns.makers import make_campaign, make_list, make_reader
from tests.delivery import makers, sending

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

SOURCE = "Halo {{ first_name }} {% if city %}di {{ city }}{% endif %}, [toko]({{ shop }})"


@pytest.fixture
def template(workspace: Workspace) -> Template:
    return Template.objects.create(
        workspace=workspace,
        name="Putih",
        source="<mjml><mj-body><mj-section><mj-column><mj-text>Before {{ content }}</mj-text>"
        "</mj-column></mj-section></mj-body></mjml>",
    )


@pytest.fixture
def person(workspace: Workspace) -> Subscriber:
    CustomField.objects.create(workspace=workspace, key="city", label="City", type=FieldType.TEXT)
    CustomField.objects.create(workspace=workspace, key="shop", label="Shop", type=FieldType.URL)
    return make_reader(
        workspace,
        make_list(workspace),
        "ana@example.org",
        first_name="Ana",
        fields={"city": "Bandung", "shop": "https://shop.example/ana"},
    )


@pytest.fixture
def campaign(workspace: Workspace, template: Template, person: Subscriber) -> Campaign:
    campaign = make_campaign(workspace, *workspace.lists.all(), source=SOURCE)
    Content.objects.filter(campaign=campaign).update(template=template)
    return fresh(campaign)


def fresh(campaign: Campaign) -> Campaign:
    related = ("workspace", "content__template", "content__campaign__workspace")
    return Campaign.objects.select_related(*related).get(pk=campaign.pk)


def begin(campaign: Campaign) -> None:
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert lifecycle.start(campaign)


def change_everything(workspace: Workspace, template: Template) -> None:
    """Do all that may happen to a campaign's surroundings while it is being sent."""
    Template.objects.filter(pk=template.pk).update(source="After {{ content }} {{ half_a_tag")
    Template.objects.get(pk=template.pk).delete()  # as the admin can
    Workspace.objects.filter(pk=workspace.pk).update(
        name="Other {% name", postal_address="Elsewhere", website="", brand_colour="#ff0000",
        default_language="id",
    )  # fmt: skip
    CustomField.objects.filter(workspace=workspace).delete()


def mail(campaign: Campaign, account: SendingAccount, person: Subscriber) -> bytes:
    """Make a person's mail as a process does that has prepared nothing yet."""
    prepared = prepare.Cache().get(fresh(campaign), account)
    assert isinstance(prepared, prepare.Prepared), prepared
    recipient = Recipient(
        message_id=7, subscriber_id=person.pk, email=person.email, first_name=person.first_name,
        fields=person.fields,
    )  # fmt: skip
    return render(prepared.compiled, recipient, at=0).data


@pytest.fixture
def account(workspace: Workspace) -> SendingAccount:
    return sending.make_account(workspace)


def test_two_slices_in_two_processes_send_the_same(
    workspace: Workspace, campaign: Campaign, template: Template, account: SendingAccount,
    person: Subscriber,
) -> None:  # fmt: skip
    begin(campaign)
    first = mail(campaign, account, person)
    assert b"Before" in first
    assert b"di Bandung" in first
    change_everything(workspace, template)
    assert body(mail(campaign, account, person)) == body(first)
    assert fresh(campaign).status == CampaignStatus.SENDING


def body(data: bytes) -> bytes:
    return data.partition(b"\r\n\r\n")[2]


def test_what_was_sent_is_shown_as_it_was(
    workspace: Workspace, campaign: Campaign, template: Template, person: Subscriber
) -> None:
    begin(campaign)
    message = makers.make_message(campaign, person, content_version=1)
    Content.objects.filter(campaign=campaign).update(subject="For {{ city }}")
    shown = preview_content(fresh(campaign).content, person)
    address = f"/v/{tokens.make(message.pk, Purpose.VIEW)}/"
    with translation.override("en"):
        page = Client().get(address).content
    change_everything(workspace, template)
    assert preview_content(fresh(campaign).content, person).html == shown.html
    from delivery.views import web_version

    web_version._compiled.cache_clear()  # as in another process
    with translation.override("en"):  # a page leaves its reader's language behind
        assert Client().get(address).content == page
    assert b"Before" in page
    assert [one["subject"] for one in personal_data.collect(person)["letters"]] == ["For Bandung"]


def test_a_click_leads_where_it_led(
    workspace: Workspace, campaign: Campaign, template: Template, account: SendingAccount,
    person: Subscriber,
) -> None:  # fmt: skip
    begin(campaign)
    mail(campaign, account, person)
    message = makers.make_message(campaign, person, content_version=1)
    links.shelf.clear()
    assert links.target(message.pk, ordinal=1) == "https://shop.example/ana"
    change_everything(workspace, template)
    assert links.target(message.pk, ordinal=1) == "https://shop.example/ana"


def test_a_draft_follows_its_template_until_it_is_confirmed(
    campaign: Campaign, template: Template
) -> None:
    Template.objects.filter(pk=template.pk).update(source="Middle {{ content }}")
    assert "Middle" in preview_content(fresh(campaign).content).html
    lifecycle.schedule(campaign, at=timezone.now() + timedelta(hours=1))
    Template.objects.filter(pk=template.pk).update(source="After {{ content }}")
    assert "Middle" in preview_content(fresh(campaign).content).html
    assert lifecycle.unschedule(campaign)
    assert "After" in preview_content(fresh(campaign).content).html
    lifecycle.schedule(campaign, at=timezone.now() + timedelta(hours=1))
    Template.objects.filter(pk=template.pk).update(source="Never {{ content }}")
    assert "After" in preview_content(fresh(campaign).content).html


def test_what_is_written_in_a_pause_follows_until_it_goes_on(
    campaign: Campaign, template: Template
) -> None:
    begin(campaign)
    lifecycle.pause(campaign)
    old = writing.writing(fresh(campaign).content)
    writing.save(campaign, replace(old, source="New"))
    Template.objects.filter(pk=template.pk).update(source="Middle {{ content }}")
    assert "Middle" in preview_content(fresh(campaign).content).html
    lifecycle.resume(campaign)
    Template.objects.filter(pk=template.pk).update(source="After {{ content }}")
    assert "Middle" in preview_content(fresh(campaign).content).html
    first = Content.objects.select_related("campaign__workspace").get(campaign=campaign, version=1)
    assert "Before" in preview_content(first).html


def test_a_copy_follows_again(campaign: Campaign, template: Template) -> None:
    begin(campaign)
    Template.objects.filter(pk=template.pk).update(source="After {{ content }}")
    assert "After" in preview_content(fresh(lifecycle.duplicate(campaign)).content).html
