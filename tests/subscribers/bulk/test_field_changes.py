"""Fields with options: unique and required values, choices and keys that change, where used."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from subscribers.addresses import addresses
from subscribers.bulk import field_changes, runner
from subscribers.bulk.field_changes import FieldError, Options
from subscribers.fields import custom_values, usage
from subscribers.models import (
    BulkAction,
    ConsentStatement,
    CustomField,
    Import,
    Segment,
    SignupForm,
    SignupRequest,
    Subscriber,
    UniqueValue,
)
from subscribers.people import people


def person(workspace, email, **fields):
    return people.add(
        workspace, address=addresses.normalise(email), profile=people.Profile(fields=fields)
    )[0]


def field(workspace, key="number", **values):
    return CustomField.objects.create(workspace=workspace, key=key, label=key.title(), **values)


def make(one, **changes):
    values = {
        "label": one.label,
        "description": "",
        "is_required": False,
        "is_unique": False,
        "show_in_forms": True,
        "show_in_preferences": "hidden",
    }
    field_changes.set_options(one, Options(**{**values, **changes}))


def finish():
    while BulkAction.objects.filter(status__in=["waiting", "running"]).exists():
        for action in BulkAction.objects.filter(status__in=["waiting", "running"]):
            runner.run(action.pk)


def test_a_unique_value_is_kept_by_the_database_whoever_writes(workspace):
    make(field(workspace), is_unique=True)
    person(workspace, "a@example.org", number="A-1")
    for clash in ("A-1", "a-1"):
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            person(workspace, "b@example.org", number=clash)
        assert custom_values.is_taken(caught.value)
    other = person(workspace, "b@example.org", number="A-2")
    with pytest.raises(IntegrityError), transaction.atomic():
        people.change(other, fields={"number": "A-1"})
    Subscriber.objects.filter(email_key="a@example.org").delete()
    Subscriber.objects.filter(pk=other.pk).update(fields={"number": "A-1"})
    assert UniqueValue.objects.count() == 1


def test_who_has_a_value_is_found_for_many_rows_at_once(workspace):
    make(field(workspace, type="number"), is_unique=True)
    first = person(workspace, "a@example.org", number=12)
    rows = [{"number": 12.0}, {"number": 13}, {"number": 12}, {}]
    assert custom_values.find_taken(workspace, rows, owners=[None, None, first.pk, None]) == {
        0: {"number": first.pk}
    }


def test_a_field_whose_values_repeat_cannot_become_unique(workspace):
    one = field(workspace)
    for email in ("a@example.org", "b@example.org"):
        person(workspace, email, number="7")
    with pytest.raises(FieldError, match="same value"):
        make(one, is_unique=True)
    one.refresh_from_db()
    assert not one.is_unique
    assert UniqueValue.objects.count() == 0


def test_the_form_of_a_person_asks_for_required_and_refuses_taken_values(editor_client, workspace):
    make(field(workspace), is_unique=True, is_required=True)
    person(workspace, "a@example.org", number="7")
    address = reverse("subscriber_new")
    page = editor_client.post(address, {"email": "b@example.org"}).content.decode()
    assert "it is required" in page
    page = editor_client.post(address, {"email": "b@example.org", "field_number": "7"})
    assert "Somebody else has this value" in page.content.decode()
    editor_client.post(address, {"email": "b@example.org", "field_number": "8"})
    assert Subscriber.objects.count() == 2


def test_a_renamed_choice_follows_people_and_a_removed_one_becomes_another(workspace):
    roast = field(workspace, "roast", type="choice", choices=["Light", "Dark", "Medium"])
    teas = field(workspace, "teas", type="multi_choice", choices=["Green", "Black", "White"])
    one = person(workspace, "a@example.org", roast="Light", teas=["White", "Black", "Green"])
    two = person(workspace, "b@example.org", roast="Dark", teas=["Black"])
    assert field_changes.holders(teas) == {"Green": 1, "Black": 2, "White": 1}
    field_changes.set_choices(
        roast, choices=["Medium", "Blonde"], renamed={"Light": "Blonde"}, actor=None
    )
    field_changes.set_choices(
        teas, choices=["Green", "White"], renamed={"Black": "Green"}, actor=None
    )
    finish()
    one.refresh_from_db()
    two.refresh_from_db()
    assert one.fields == {"roast": "Blonde", "teas": ["White", "Green"]}
    assert two.fields == {"teas": ["Green"]}


def test_a_new_merge_tag_takes_over_when_every_value_has_moved(workspace):
    one = field(workspace, "city")
    dewi = person(workspace, "a@example.org", city="Bogor")
    field_changes.rename_key(one, key="town", actor=None)
    one.refresh_from_db()
    assert one.key == "city"
    late = person(workspace, "b@example.org", city="Solo")  # while it moves
    finish()
    one.refresh_from_db()
    dewi.refresh_from_db()
    late.refresh_from_db()
    assert (one.key, dewi.fields, late.fields["town"]) == ("town", {"town": "Bogor"}, "Solo")


def test_a_deleted_field_takes_its_values_along_and_its_key_is_not_given_again_before(workspace):
    from subscribers.fields import definitions
    from subscribers.states import FieldType

    one = field(workspace, "city")
    dewi = person(workspace, "a@example.org", city="Bogor", other=1)
    field_changes.delete(one, actor=None)
    again = definitions.create(workspace, label="City", kind=FieldType.TEXT)
    assert again.key == "city_2"
    finish()
    dewi.refresh_from_db()
    assert dewi.fields == {"other": 1}


def test_where_a_field_is_used_is_named(editor_client, workspace):
    from campaigns.models import Campaign, Content, Template

    one = field(workspace, "city")
    statement = ConsentStatement.objects.create(workspace=workspace, text="Yes")
    form = SignupForm.objects.create(workspace=workspace, name="Shop", statement=statement)
    form.fields.add(one)
    Template.objects.create(workspace=workspace, name="Frame", source="<mjml>{{ city }}</mjml>")
    campaign = Campaign.objects.create(workspace=workspace, name="May letter")
    content = Content.objects.create(campaign=campaign, subject="To {{ city|title }}")
    Campaign.objects.filter(pk=campaign.pk).update(content=content)
    rules = {"match": "all", "rules": [{"match": "any", "rules": [{"subject": "field:city"}]}]}
    Segment.objects.create(workspace=workspace, name="Nearby", rules=rules)
    names = {(use.kind, use.name) for use in usage.of_field(one)}
    assert names == {
        ("form", "Shop"),
        ("template", "Frame"),
        ("campaign", "May letter"),
        ("segment", "Nearby"),
    }
    page = editor_client.get(reverse("field_delete", args=[one.pk])).content.decode()
    assert "May letter" in page
    assert "Nearby" in page
    assert reverse("segment_page", args=[Segment.objects.get().pk]) in page


def test_what_names_a_field_by_its_key_follows_a_new_key(workspace, owner):
    one = field(workspace, "city")
    asked = {"subject": "field:city", "operator": "one_of", "texts": ["field:city"]}
    rules = {"version": 1, "match": "all", "rules": [{"match": "any", "rules": [asked]}]}
    segment = Segment.objects.create(workspace=workspace, name="Nearby", rules=rules)
    record = Import.objects.create(
        workspace=workspace, filename="a.csv", mapping=[{"to": "email"}, {"to": "field:city"}]
    )
    statement = ConsentStatement.objects.create(workspace=workspace, text="Yes")
    form = SignupForm.objects.create(workspace=workspace, name="Shop", statement=statement)
    form.fields.add(one)
    held = SignupRequest.objects.create(
        workspace=workspace,
        form=form,
        email="a@example.org",
        details={"fields": {"city": "Solo"}},
        statement=statement,
        held_for="strict",
    )
    member = workspace.memberships.first()
    member.people_columns = ["lists", "field:city"]
    member.save()
    stored = BulkAction.objects.create(
        workspace=workspace, kind="add_tag", status="done", filters={"field": "city"}
    )
    field_changes.rename_key(one, key="town", actor=None)
    finish()
    for row in (segment, record, held, member, stored):
        row.refresh_from_db()
    renamed = {**asked, "subject": "field:town"}
    assert segment.rules["rules"][0]["rules"] == [renamed]
    assert [target["to"] for target in record.mapping] == ["email", "field:town"]
    assert [asked.field.key for asked in form.asked.all()] == ["town"]
    assert held.details["fields"] == {"town": "Solo"}
    assert member.people_columns == ["lists", "field:town"]
    assert stored.filters == {"field": "town"}


def test_segments_ask_for_a_choices_new_name(workspace):
    one = field(workspace, "roast", type="choice", choices=["Light", "Dark"])
    asked = {"subject": "field:roast", "operator": "one_of", "choices": ["Light", "Dark"]}
    rules = {"version": 1, "match": "all", "rules": [asked]}
    segment = Segment.objects.create(workspace=workspace, name="Cups", rules=rules)
    field_changes.set_choices(
        one, choices=["Blonde", "Dark"], renamed={"Light": "Blonde"}, actor=None
    )
    segment.refresh_from_db()
    assert segment.rules["rules"][0]["choices"] == ["Blonde", "Dark"]


def test_options_choices_order_and_key_are_changed_on_the_pages(editor_client, workspace):
    first = field(workspace, "roast", type="choice", choices=["Light", "Dark"])
    second = field(workspace, "city", position=1)
    editor_client.post(
        reverse("field_edit", args=[first.pk]),
        {"label": "Roast", "description": "Yours", "show_in_preferences": "editable"},
    )
    editor_client.post(
        reverse("field_choices", args=[first.pk]),
        {"choice-0": "Blonde", "order-0": "2", "choice-1": "Dark", "order-1": "1", "more": "None"},
    )
    editor_client.post(reverse("field_move", args=[second.pk]), {"up": "1"})
    first.refresh_from_db()
    assert (first.description, first.show_in_preferences, first.show_in_forms) == (
        "Yours",
        "editable",
        False,
    )
    assert first.choices == ["Dark", "Blonde", "None"]
    assert [f.key for f in CustomField.objects.all()] == ["city", "roast"]
    page = editor_client.get(reverse("field_edit", args=[first.pk])).content.decode()
    assert "Blonde" in page
