"""No rules stop the installation: not by their number, nor by asking about each other."""

import pytest
from django.db import connection

from subscribers.models import Segment
from subscribers.segments import compiling, members, saving, tree
from subscribers.segments.kinds import Scope
from subscribers.segments.tree import InvalidRules


def rules(*rows, match="all"):
    return {"version": 1, "match": match, "rules": list(rows)}


def domain(name):
    return {"subject": "domain", "operator": "one_of", "texts": [name]}


def about(segment, operator="not_in"):
    return {"subject": "segment", "operator": operator, "segment": segment.pk}


def test_segments_that_multiply_each_other_are_refused_before_they_are_stored(workspace):
    first = saving.create(workspace, name="1", rules=rules(*(domain(f"{n}.x") for n in range(20))))
    doubled = [rules(about(first), domain(f"{n}.y")) for n in range(20)]
    for row in doubled:
        row.pop("version")
    with pytest.raises(InvalidRules, match="more than 300 times"):
        saving.create(workspace, name="2", rules=rules(*doubled))
    assert list(Segment.objects.values_list("name", flat=True)) == ["1"]


def test_the_same_rule_many_times_is_asked_once(workspace):
    first = saving.create(workspace, name="1", rules=rules(*[domain("a.x")] * 20))
    second = saving.create(workspace, name="2", rules=rules(*[about(first)] * 20))
    third = saving.create(workspace, name="3", rules=rules(*[about(second)] * 20))
    assert compiling.comparisons(members.condition(third)) == 1


def test_a_segment_is_read_once_however_often_it_is_asked_about(
    workspace, django_assert_max_num_queries
):
    first = saving.create(workspace, name="1", rules=rules(domain("a.x")))
    rows = [rules(about(first), domain(f"{n}.y")) for n in range(20)]
    for row in rows:
        row.pop("version")
    second = saving.create(workspace, name="2", rules=rules(*rows))
    second.refresh_from_db()
    with django_assert_max_num_queries(6):
        members.condition(second)


def test_what_takes_too_long_is_given_up_with_a_sentence(workspace, monkeypatch):
    monkeypatch.setattr(members, "SECONDS", 0.05)
    with pytest.raises(members.TooMuch, match=r"takes more than 0\.05 seconds"):
        slow()
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def slow():
    with members.in_time(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(2)")


def test_too_many_rules_are_told_in_one_fault(workspace):
    with pytest.raises(InvalidRules) as wrong:
        tree.read(rules(*[{"subject": "gone"}] * 20_000), Scope(workspace=workspace).subjects)
    assert len(wrong.value.faults) <= tree.MOST_CONDITIONS + 2
    assert "More than 100 rules" in str(wrong.value)
