"""Segments as members use them: written, counted, copied, deleted, with and without a script."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscribers.addresses import addresses
from subscribers.fields import usage
from subscribers.models import CustomField, Segment, SegmentDay, Tag, Tagging
from subscribers.people import people
from subscribers.segments import saving
from subscribers.segments.tree import InvalidRules
from subscribers.states import FieldType
from subscribers.tasks import count_segments

TAGGED = {"subject": "tag", "operator": "any"}


def person(workspace, email, **fields):
    profile = people.Profile(first_name=email.partition("@")[0], fields=fields)
    found, _new = people.add(workspace, address=addresses.normalise(email), profile=profile)
    return found


@pytest.fixture
def vip(workspace):
    CustomField.objects.create(workspace=workspace, key="city", label="City", type=FieldType.TEXT)
    tag = Tag.objects.create(workspace=workspace, name="vip")
    for email, city in (("ana@x.example", "Bandung"), ("budi@x.example", "Bogor")):
        Tagging.objects.create(tag=tag, subscriber=person(workspace, email, city=city))
    person(workspace, "citra@x.example", city="Bandung")
    return tag


def rules(*inner, match="all"):
    return {"version": 1, "match": match, "rules": list(inner)}


def make(workspace, name, *inner):
    return saving.create(workspace, name=name, rules=rules(*inner))


def form(tag, *, name="Loyal", city="Bandung", do="save", operator="one_of"):
    return {
        "name": name,
        "node": ["+1", "2", "+3", "4", "-", "-"],
        "match-1": "all",
        "subject-2": "field:city",
        "operator-2": operator,
        "value-2-texts": city,
        "match-3": "any",
        "subject-4": "tag",
        "operator-4": "any",
        "value-4-tags": [tag.pk],
        "do": do,
    }


def test_a_segment_is_made_counted_and_shown(editor_client, workspace, vip):
    answer = editor_client.post(reverse("segment_new"), form(vip), follow=True)
    segment = Segment.objects.get()
    assert segment.rules == rules(
        {"subject": "field:city", "operator": "one_of", "texts": ["Bandung"]},
        {"match": "any", "rules": [{**TAGGED, "tags": [vip.pk]}]},
    )
    assert (segment.count, SegmentDay.objects.get().count) == (1, 1)
    page = answer.content.decode()
    assert "ana@x.example" not in page  # the sample is called by name, with what the rules ask
    assert re.search(r"ana</a><small>Bandung · vip</small>", page)
    assert "33.3" in page


def test_a_mistake_loses_nothing_and_is_named_in_its_row(editor_client, workspace, vip):
    answer = editor_client.post(reverse("segment_new"), form(vip, city=" , "))
    page = answer.content.decode()
    assert Segment.objects.count() == 0
    assert "One rule needs you." in page
    assert re.search(r'id="value-2-texts-error".*Write something here', page, re.DOTALL)
    assert re.search(rf'name="value-4-tags"\s+value="{vip.pk}"\s+checked', page)
    assert 'value="Loyal"' in page


def test_rows_are_added_changed_and_removed_without_a_script(editor_client, workspace, vip):
    def nodes(do, **changed):
        answer = editor_client.post(reverse("segment_new"), {**form(vip, do=do), **changed})
        assert answer.status_code == 200
        return re.findall(r'name="node" value="([^"]+)"', answer.content.decode())

    assert nodes("add-rule:") == ["+1", "2", "+3", "4", "-", "5", "-"]
    assert nodes("add-rule:1") == ["+1", "2", "+3", "4", "5", "-", "-"]
    assert nodes("add-group:1") == ["+1", "2", "+3", "4", "+5", "6", "-", "-", "-"]
    assert nodes("remove:0") == ["+1", "+2", "3", "-", "-"]
    assert nodes("remove:1") == ["+1", "2", "-"]
    assert nodes("remove:7") == nodes("") == nodes("add-rule:0") == form(vip)["node"]
    assert Segment.objects.count() == 0


def test_the_rows_alone_are_drawn_for_a_script(editor_client, workspace, vip):
    changed = {**form(vip, do=""), "subject-2": "added"}
    answer = editor_client.post(reverse("segment_rows"), changed)
    page = answer.content.decode()
    assert answer["HX-Trigger"] == "rules-changed"
    assert "<html" not in page
    assert "is on" in page
    assert 'value="30"' not in page
    changed["operator-2"] = "in_last"
    assert 'value="30"' in editor_client.post(reverse("segment_rows"), changed).content.decode()


def test_the_count_follows_the_form_and_stores_nothing(analyst_client, workspace, vip):
    answer = analyst_client.post(reverse("segment_preview"), form(vip, operator="none_of"))
    assert "<strong>1</strong>" in answer.content.decode()
    unfinished = analyst_client.post(reverse("segment_preview"), form(vip, city=""))
    assert "when every rule is filled in" in unfinished.content.decode()
    assert Segment.objects.count() == 0


def test_an_analyst_looks_and_changes_nothing(analyst_client, workspace, vip):
    segment = make(workspace, "VIP", {**TAGGED, "tags": [vip.pk]})
    page = analyst_client.get(reverse("segment_page", args=[segment.pk])).content.decode()
    assert "<strong>2</strong>" in page
    assert "Save segment" not in page
    for name in ("segment_page", "segment_delete", "segment_duplicate"):
        assert analyst_client.post(reverse(name, args=[segment.pk]), form(vip)).status_code == 403
    segment.refresh_from_db()
    assert segment.name == "VIP"


def test_names_are_unique_in_a_workspace(editor_client, workspace, vip):
    make(workspace, "Loyal")
    page = editor_client.post(reverse("segment_new"), form(vip)).content.decode()
    assert "Another segment has this name." in page


def test_a_segment_never_comes_to_ask_about_itself(editor_client, workspace, vip):
    inner = make(workspace, "Inner", {**TAGGED, "tags": [vip.pk]})
    outer = make(workspace, "Outer", {"subject": "segment", "operator": "in", "segment": inner.pk})
    assert outer.count == 2
    circle = {
        "name": "Inner",
        "segment": inner.pk,
        "node": ["+1", "2", "-"],
        "match-1": "all",
        "subject-2": "segment",
        "operator-2": "not_in",
        "value-2-segment": outer.pk,
        "do": "save",
    }
    page = editor_client.post(reverse("segment_page", args=[inner.pk]), circle).content.decode()
    assert "“Inner” would come to ask about itself" in page
    inner.refresh_from_db()
    assert inner.rules["rules"][0]["subject"] == "tag"


def test_everybody_of_a_segment_without_rules_in_any_group(workspace, vip):
    everybody = make(workspace, "Everybody")
    asked = {"subject": "segment", "operator": "in", "segment": everybody.pk}
    tagged = {**TAGGED, "tags": [vip.pk]}
    for match, count in (("any", 3), ("all", 2), ("none", 0)):
        made = saving.create(workspace, name=match, rules=rules(asked, tagged, match=match))
        assert made.count == count


def test_it_is_copied_and_deleted_unless_it_is_used(editor_client, workspace, vip):
    inner = make(workspace, "Inner", {**TAGGED, "tags": [vip.pk]})
    outer = make(workspace, "Outer", {"subject": "segment", "operator": "in", "segment": inner.pk})
    editor_client.post(reverse("segment_duplicate", args=[outer.pk]))
    copy = Segment.objects.get(name="Outer (copy)")
    assert copy.rules == outer.rules
    for page in ("segment_page", "segment_delete"):
        shown = editor_client.get(reverse(page, args=[inner.pk])).content.decode()
        assert "Outer (copy)" in shown
    editor_client.post(reverse("segment_delete", args=[inner.pk]))
    assert Segment.objects.filter(pk=inner.pk).exists()
    for segment in (copy, outer, inner):
        editor_client.post(reverse("segment_delete", args=[segment.pk]))
    assert Segment.objects.count() == 0


def test_a_field_that_is_gone_is_said_and_nobody_is_guessed(editor_client, workspace, vip):
    asked = {"subject": "field:city", "operator": "is_not", "text": "Bogor"}
    segment = make(workspace, "Not Bogor", asked)
    assert usage.segments_asking(workspace, "field:city") == [segment]
    CustomField.objects.all().delete()
    page = editor_client.get(reverse("segment_page", args=[segment.pk])).content.decode()
    assert "“field:city” is not there (any more)" in page
    answer = editor_client.get(reverse("subscriber_list"), {"segment": segment.pk}, follow=True)
    assert "This segment can" in answer.content.decode()
    count_segments()
    editor_client.post(reverse("segment_count", args=[segment.pk]))
    segment.refresh_from_db()
    assert segment.count == 2  # what it was when it could be asked


def test_the_filters_of_the_list_become_rules(editor_client, workspace, vip):
    query = {"q": "ana x.example", "tag": vip.pk}
    listed = editor_client.get(reverse("subscriber_list"), query).content.decode()
    assert "ana@x.example" in listed
    assert "budi@x.example" not in listed
    page = editor_client.get(reverse("segment_new"), query).content.decode()
    assert "<strong>1</strong>" in page


def test_people_are_listed_by_segment_page_by_page(analyst_client, workspace, vip, monkeypatch):
    from subscribers.directory import directory, paging

    segment = make(workspace, "VIP", {**TAGGED, "tags": [vip.pk]})
    monkeypatch.setattr(directory, "PAGE", 1)
    for looked_at in (1, 1_000):
        monkeypatch.setattr(paging, "LOOKED_AT", looked_at)
        filters = directory.Filters(segment_id=segment.pk)
        first = directory.page(workspace, filters)
        second = directory.page(workspace, filters, before=first.older)
        back = directory.page(workspace, filters, after=second.newer)
        assert [[p.email for p in page.people] for page in (first, second, back)] == [
            ["budi@x.example"],
            ["ana@x.example"],
            ["budi@x.example"],
        ]
        assert (first.newer, second.older) == (None, None)


def test_each_segment_is_counted_once_a_day(workspace, vip):
    segment = make(workspace, "VIP", {**TAGGED, "tags": [vip.pk]})
    SegmentDay.objects.all().delete()
    Tagging.objects.all().delete()
    count_segments()
    assert SegmentDay.objects.get(segment=segment).count == 0
    with CaptureQueriesContext(
        connection,
    ) as queries:
        count_segments()
    assert not [query for query in queries if "tagging" in query["sql"]]


def test_the_list_costs_the_same_however_many(editor_client, workspace, vip):
    def cost(number):
        make(workspace, f"Segment {number}", {**TAGGED, "tags": [vip.pk]})
        with CaptureQueriesContext(connection) as queries:
            editor_client.get(reverse("segment_list"))
        return len(queries)

    cost(0)
    assert cost(1) == cost(2) == cost(3)


def test_another_workspaces_segment_is_nothing_to_ask_about(editor_client, other_workspace, vip):
    theirs = make(other_workspace, "Theirs")
    asked = {"subject": "segment", "operator": "in", "segment": theirs.pk}
    with pytest.raises(InvalidRules):
        saving.create(vip.workspace, name="Ours", rules=rules(asked))
    listed = editor_client.get(reverse("subscriber_list"), {"segment": theirs.pk})
    assert "Nobody matches" in listed.content.decode()
