"""A person's data name their segments, in as many questions for fifty as for one."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from delivery.public import personal_data
from subscribers.models import Segment
from tests.delivery.makers import make_list, make_subscriber


def rules(*domains: str) -> dict[str, Any]:
    asked = [{"subject": "domain", "operator": "one_of", "texts": list(domains)}] if domains else []
    return {"version": 1, "match": "all", "rules": asked}


@pytest.fixture
def person(workspace):
    return make_subscriber(workspace, "dewi@x.example", make_list(workspace, "Weekly"))


def make(workspace, name: str, asked: dict[str, Any]) -> None:
    Segment.objects.create(workspace=workspace, name=name, rules=asked)


def test_segments_that_fit_are_named_and_a_broken_one_spoils_none(
    workspace, other_workspace, person
):
    make(workspace, "A fits", rules("x.example", "y.example"))
    make(workspace, "B does not", rules("y.example"))
    make(workspace, "C is broken", {"version": 1, "match": "all", "rules": [{"subject": "gone"}]})
    make(workspace, "D is everybody", rules())
    make(other_workspace, "E is another's", rules("x.example"))
    assert personal_data.collect(person)["segments"] == ["A fits", "D is everybody"]


def test_fifty_segments_are_asked_as_one_is(workspace, person):
    counts = []
    for number in range(50):
        make(workspace, f"S{number}", rules(f"x{number}.example", "x.example"))
        if number in {0, 49}:
            with CaptureQueriesContext(connection) as asked:
                found = personal_data.collect(person)["segments"]
            assert len(found) == number + 1
            counts.append(len(asked))
    assert counts[1] <= counts[0]  # the first look learns what a process keeps
