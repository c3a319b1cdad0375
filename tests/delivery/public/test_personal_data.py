"""What people are shown about themselves."""

import pytest

from delivery.public import personal_data
from subscribers.models import Segment
from tests.campaigns import makers

pytestmark = pytest.mark.django_db


def test_a_segment_that_cannot_be_read_hides_nothing_else(workspace):
    person = makers.make_reader(workspace, makers.make_list(workspace), "a@x.example")
    broken = {"subject": "field:gone", "operator": "is", "value": "x"}
    Segment.objects.create(
        workspace=workspace, name="Broken", rules={"match": "all", "rules": [broken]}
    )
    whole = {"version": 1, "match": "all", "rules": []}
    Segment.objects.create(workspace=workspace, name="Whole", rules=whole)
    found = personal_data.collect(person)
    assert found["profile"]["email"] == person.email
    assert "Broken" not in found["segments"]
