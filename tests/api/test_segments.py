"""Segments through the API: the same rules, the same refusals."""

import pytest
from django.test import Client

from accounts.roles import Role
from accounts.team import api_keys
from subscribers.addresses import addresses
from subscribers.models import Segment
from subscribers.people import people
from subscribers.segments import estimating, members, saving

RULES = {
    "version": 1,
    "match": "all",
    "rules": [{"subject": "domain", "operator": "one_of", "texts": ["x.example"]}],
}


@pytest.fixture
def program(cast):
    key = api_keys.create(cast.workspace, name="Web shop", role=Role.EDITOR, by=cast.owner)
    for number in range(5):
        domain = "x.example" if number else "y.example"
        people.add(cast.workspace, address=addresses.normalise(f"p{number}@{domain}"))
    return Client(headers={"authorization": f"Bearer {key}"})


def send(program, method, path, **body):
    call = getattr(program, method)
    return call(f"/api/v1/segments{path}", body or None, content_type="application/json")


def test_made_read_changed_counted_and_deleted(program):
    made = send(program, "post", "", name="X", rules=RULES)
    assert made.status_code == 201
    path = f"/{made.json()['id']}"
    assert made.json()["count"] == 4
    assert program.get(f"/api/v1/segments{path}").json()["rules"] == RULES
    assert [row["name"] for row in program.get("/api/v1/segments").json()] == ["X"]
    changed = send(program, "put", path, name="All", rules={**RULES, "rules": []})
    assert (changed.json()["name"], changed.json()["count"]) == ("All", 5)
    assert program.get(f"/api/v1/segments{path}/count").json()["people"] == 5
    assert program.delete(f"/api/v1/segments{path}").status_code == 204
    assert Segment.objects.count() == 0


def test_of_many_people_the_count_is_an_estimate_unless_asked_for_exactly(program, monkeypatch):
    path = f"/{send(program, 'post', '', name='X', rules=RULES).json()['id']}/count"
    exact = program.get(f"/api/v1/segments{path}").json()
    assert (exact["is_exact"], exact["people"], exact["estimate"]) == (True, 4, None)
    monkeypatch.setattr(estimating, "MANY", 5)
    for answer in (
        program.get(f"/api/v1/segments{path}"),
        send(program, "post", "/count", rules=RULES),
    ):
        found = answer.json()
        assert (found["is_exact"], found["people"], found["of"]) == (False, None, 5)
        estimate = found["estimate"]
        assert estimate["low"] <= 4 <= estimate["high"]
    assert program.get(f"/api/v1/segments{path}?exact=true").json()["people"] == 4
    waited = send(program, "post", "/count?exact=true", rules=RULES).json()
    assert (waited["is_exact"], waited["people"]) == (True, 4)


def test_members_come_page_by_page(program):
    path = send(program, "post", "", name="X", rules=RULES).json()["id"]
    emails, before = [], ""
    while before is not None:
        query = {"limit": 3, **({"before": before} if before else {})}
        page = program.get(f"/api/v1/segments/{path}/members", query).json()
        emails.append([person["email"] for person in page["people"]])
        before = page["next"]
    assert emails == [["p4@x.example", "p3@x.example", "p2@x.example"], ["p1@x.example"]]


def test_each_fault_is_named_with_its_place(program):
    wrong = {**RULES, "rules": [{"subject": "domain", "operator": "one_of", "texts": []}, {}]}
    answer = send(program, "post", "", name="X", rules=wrong)
    assert answer.status_code == 422
    assert "rules[0].texts: " in answer.json()["detail"]
    assert "rules[1].subject: " in answer.json()["detail"]
    assert send(program, "post", "/count", rules=wrong).status_code == 422
    assert send(program, "post", "/count", rules=RULES).json()["people"] == 4


def test_refused_where_it_must_be(program, cast):
    made = send(program, "post", "", name="X", rules=RULES).json()["id"]
    assert send(program, "post", "", name="X", rules=RULES).status_code == 409
    asks = {"subject": "segment", "operator": "in", "segment": made}
    send(program, "post", "", name="Y", rules={**RULES, "rules": [asks]})
    refused = program.delete(f"/api/v1/segments/{made}")
    assert (refused.status_code, "Y" in refused.json()["detail"]) == (409, True)
    theirs = Segment.objects.create(workspace=cast.other_workspace, name="Theirs")
    assert program.get(f"/api/v1/segments/{theirs.pk}").status_code == 404
    key = api_keys.create(cast.workspace, name="Board", role=Role.ANALYST, by=cast.owner)
    reader = Client(headers={"authorization": f"Bearer {key}"})
    assert reader.get("/api/v1/segments").status_code == 200
    assert reader.delete(f"/api/v1/segments/{made}").status_code == 403
    assert send(reader, "post", "", name="Z", rules=RULES).status_code == 403


def test_an_analysts_key_takes_nobodys_address_along(program, cast):
    path = send(program, "post", "", name="X", rules=RULES).json()["id"]
    key = api_keys.create(cast.workspace, name="Charts", role=Role.ANALYST, by=cast.owner)
    analyst = Client(headers={"authorization": f"Bearer {key}"})
    assert analyst.get(f"/api/v1/segments/{path}/members").status_code == 403
    assert analyst.get(f"/api/v1/segments/{path}/count").json()["people"] == 4


@pytest.mark.parametrize("name", ["   ", "a\0b", "a\ud800"])
def test_names_that_say_nothing_or_cannot_be_stored_are_refused(program, name):
    assert send(program, "post", "", name=name, rules=RULES).status_code in {400, 422}


@pytest.mark.parametrize("text", ["a\0b", "a\ud800"])
def test_words_in_rules_that_cannot_be_stored_are_refused(program, text):
    rules = {**RULES, "rules": [{"subject": "domain", "operator": "one_of", "texts": [text]}]}
    assert send(program, "post", "", name="X", rules=rules).status_code in {400, 422}
    rules["rules"][0] = {"subject": text, "operator": text, text: text}
    assert send(program, "post", "", name="X", rules=rules).status_code in {400, 422}


def test_one_that_is_deleted_while_it_is_counted_is_gone(program, monkeypatch):
    path = f"/{send(program, 'post', '', name='X', rules=RULES).json()['id']}"
    count = members.count

    def meanwhile(*args, **more):
        found = count(*args, **more)
        Segment.objects.all().delete()
        return found

    monkeypatch.setattr(members, "count", meanwhile)
    answer = program.get(f"/api/v1/segments{path}/count")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "The segment was deleted meanwhile.",
    )


def test_one_that_is_deleted_while_it_is_changed_does_not_come_back(program, monkeypatch):
    path = f"/{send(program, 'post', '', name='X', rules=RULES).json()['id']}"
    size = saving.size

    def meanwhile(*args):
        Segment.objects.all().delete()
        return size(*args)

    monkeypatch.setattr(saving, "size", meanwhile)
    assert send(program, "put", path, name="Y", rules=RULES).status_code == 404
    assert not Segment.objects.exists()
