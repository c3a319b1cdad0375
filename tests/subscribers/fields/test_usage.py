"""What segments ask for stays: nothing is deleted that would stop mail to them."""

import pytest
from django.urls import reverse

from subscribers.bulk import actions, field_changes, runner
from subscribers.fields import usage
from subscribers.fields.usage import InUse
from subscribers.models import CustomField, MailingList, Segment, Tag
from subscribers.people import tags
from subscribers.privacy import erasure
from subscribers.segments import members, saving
from subscribers.states import BulkKind


def asking(workspace, **rule):
    rules = {"version": 1, "match": "all", "rules": [rule]}
    return saving.create(workspace, name="Close ones", rules=rules)


def test_a_list_a_segment_asks_for_stays_and_the_page_says_why(editor_client, workspace):
    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
    asking(workspace, subject="list", operator="subscribed", lists=[weekly.pk])
    with pytest.raises(InUse):
        erasure.delete_list(weekly)
    address = reverse("list_delete", args=[weekly.pk])
    page = editor_client.post(address, {"name": "Weekly"}, follow=True).content.decode()
    assert "Close ones" in page
    assert MailingList.objects.filter(pk=weekly.pk).exists()


def test_a_tag_a_segment_asks_for_stays_and_the_page_says_why(editor_client, workspace):
    (tag,) = tags.find_or_create(workspace, ["Fair"])
    asking(workspace, subject="tag", operator="any", tags=[tag.pk])
    address = reverse("tag_delete", args=[tag.pk])
    page = editor_client.post(address, follow=True).content.decode()
    assert "Close ones" in page
    assert Tag.objects.filter(pk=tag.pk).exists()


def test_a_field_a_segment_asks_for_stays_and_the_page_says_why(editor_client, workspace):
    city = CustomField.objects.create(workspace=workspace, key="city", label="City", type="text")
    asking(workspace, subject="field:city", operator="is", text="Solo")
    with pytest.raises(InUse):
        field_changes.delete(city, actor=None)
    address = reverse("field_delete", args=[city.pk])
    page = editor_client.post(address, follow=True).content.decode()
    assert "Close ones" in page
    assert CustomField.objects.filter(pk=city.pk).exists()


def test_segments_ask_for_the_tag_that_another_became_part_of(workspace):
    old, new = tags.find_or_create(workspace, ["Fair", "Trade fair"])
    segment = asking(workspace, subject="tag", operator="any", tags=[old.pk, new.pk])
    settings = {"tag": old.pk, "name": old.name, "into": new.pk, "into_name": new.name}
    action = actions.start(
        workspace, kind=BulkKind.MERGE_TAG, actor=None, settings=settings, whom=[]
    )
    runner.run(action.pk)
    stored = Segment.objects.get(pk=segment.pk)
    assert stored.rules["rules"][0]["tags"] == [new.pk]
    assert members.members(stored).count() == 0
    assert not Tag.objects.filter(pk=old.pk).exists()
    assert [use.name for use in usage.of_tag(new)] == ["Close ones"]
