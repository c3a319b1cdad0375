"""Changing what is known about a person: nothing that somebody else changed meanwhile is lost."""

import pytest
from django.urls import reverse

from subscribers.addresses import addresses
from subscribers.fields import custom_values
from subscribers.models import CustomField, Subscriber
from subscribers.people import people
from subscribers.segments import saving
from subscribers.segments.saving import NameTaken


@pytest.fixture
def dewi(workspace):
    profile = people.Profile(fields={"city": "Solo", "size": "M"})
    return people.add(workspace, address=addresses.normalise("dewi@example.org"), profile=profile)[
        0
    ]


def test_two_who_change_different_fields_at_once_lose_nothing(dewi):
    one, other = (Subscriber.objects.get(pk=dewi.pk) for _ in range(2))
    people.change(one, fields={"city": "Bogor"})
    people.change(other, fields={"colour": "red", "size": None})
    assert Subscriber.objects.get(pk=dewi.pk).fields == {"city": "Bogor", "colour": "red"}


def test_a_change_back_to_what_was_read_is_stored_too(dewi):
    stale = Subscriber.objects.get(pk=dewi.pk)
    people.change(dewi, fields={"city": "Bogor"})
    assert people.change(stale, fields={"city": "Solo"})
    assert Subscriber.objects.get(pk=dewi.pk).fields["city"] == "Solo"


def test_a_unique_value_taken_while_somebody_is_added_is_said(
    editor_client, workspace, dewi, monkeypatch
):
    CustomField.objects.create(
        workspace=workspace, key="number", label="Number", type="text", is_unique=True
    )
    people.change(dewi, fields={"number": "A-1"})
    monkeypatch.setattr(custom_values, "objections", lambda *_a, **_k: {})  # asked just before
    answer = editor_client.post(
        reverse("subscriber_new"), {"email": "budi@example.org", "field_number": "A-1"}
    )
    assert "the same unique value just now" in answer.content.decode()
    assert not Subscriber.objects.filter(email="budi@example.org").exists()


def test_the_database_alone_says_that_a_segments_name_is_taken(workspace):
    rules = {"version": 1, "match": "all", "rules": []}
    saving.create(workspace, name="All", rules=rules)
    with pytest.raises(NameTaken):
        saving.create(workspace, name="All", rules=rules)
