"""Deciding about unknown messages on the report page."""

from django.urls import reverse

from campaigns.models import Campaign


def test_a_message_that_can_not_be_read_never_means_all(editor_client, workspace):
    campaign = Campaign.objects.create(workspace=workspace, name="News")
    address = reverse("campaign_settle_unknown", args=[campaign.pk])
    for word in ("abc", "²", "-1", ""):
        answer = editor_client.post(address, {"message": word, "decision": "send-again"})
        assert answer.status_code == 400
    assert editor_client.post(address, {"decision": "leave"}).status_code == 302
