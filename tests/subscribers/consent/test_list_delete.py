"""Deleting a list: never one that campaigns went to, and only after its effect was named."""

from django.urls import reverse

from subscribers.addresses import addresses
from subscribers.consent import lifecycle
from subscribers.models import ConsentEvent, MailingList, Subscriber, Subscription
from subscribers.people import people
from subscribers.states import ConsentSource


def test_a_list_goes_only_when_its_name_was_typed_and_no_campaign_needs_it(
    editor_client, workspace
):
    from campaigns.models import Campaign

    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
    dewi, _new = people.add(workspace, address=addresses.normalise("dewi@example.org"))
    lifecycle.subscribe(dewi, mailing_list=weekly, source=ConsentSource.MANUAL)
    campaign = Campaign.objects.create(workspace=workspace, name="May")
    campaign.include_lists.add(weekly)
    address = reverse("list_delete", args=[weekly.pk])
    assert "May" in editor_client.get(address).content.decode()
    editor_client.post(address, {"name": "Weekly"})
    campaign.delete()
    editor_client.post(address, {"name": "weekly"})
    assert Subscription.objects.count() == 1
    editor_client.post(address, {"name": "Weekly"})
    assert not MailingList.objects.exists()
    assert not ConsentEvent.objects.exists()
    assert Subscriber.objects.count() == 1
