"""A template is changed and deleted between two slices of two senders: all mails are alike."""

from email import message_from_string
from email.message import Message as Mail

import pytest
from django.utils import timezone

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.models import Content, Template
from delivery.pipeline import plan
from delivery.pipeline.worker import Worker
from delivery.sandbox.smtp_server import running
from delivery.states import MessageState
from tests.campaigns.makers import make_campaign, make_list
from tests.delivery import sending
from tests.delivery.pipeline.test_send import work
from tests.people import Cast

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client"),
]
PEOPLE = plan.FIRST_CHUNK + 100  # two claims


def shown(mail: Mail) -> str:
    """Return what a mail shows, without what differs from person to person."""
    parts = [part.get_payload(decode=True).decode() for part in mail.walk() if part.get_payload()
             and not part.is_multipart()]  # fmt: skip
    return "".join(parts).split("Halo")[0] + "".join(parts).split("-- ")[1].split("Unsubscribe")[0]


def test_everybody_gets_the_same_template_brand_and_address(cast: Cast) -> None:
    workspace = cast.workspace
    template = Template.objects.create(
        workspace=workspace, name="Putih", source="<b>Before</b> {{ content }}"
    )
    mailing_list = make_list(workspace)
    sending.make_people(workspace, mailing_list, PEOPLE)
    campaign = make_campaign(
        workspace, mailing_list, source="Halo{% if first_name %} {{ first_name }}{% endif %}"
    )
    Content.objects.filter(campaign=campaign).update(template=template)
    campaign.refresh_from_db()
    first, second = Worker(shard=1), Worker(shard=2)
    with running(keep_body=True) as server:
        sending.make_account(workspace, port=server.port)
        assert lifecycle.schedule(campaign, at=timezone.now())
        assert plan.begin(campaign)
        sending.plan_all(campaign)
        work(first, is_over=lambda: server.server.count > 0)
        sent = server.server.count
        assert 0 < sent < PEOPLE
        Template.objects.filter(pk=template.pk).update(source="After {{ content }} {{ half_a_tag")
        Template.objects.get(pk=template.pk).delete()  # as the admin can
        Workspace.objects.filter(pk=workspace.pk).update(
            name="Other", postal_address="Elsewhere", brand_colour="#ff0000"
        )
        first.rest()  # its connections are the other's now
        work(second)
        mails = [message_from_string(one.body) for one in server.accepted]
    second.rest()
    assert sending.states(campaign) == {MessageState.SENT: PEOPLE}
    assert len(mails) == PEOPLE
    (all_alike,) = {shown(mail) for mail in mails}
    assert "Before" in all_alike
    assert "Kopi Senja · Jalan Malabar 7, Bandung 40262" in all_alike
