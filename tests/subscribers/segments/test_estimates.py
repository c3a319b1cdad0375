"""Estimates keep their promise, cost the same however many people there are, and make way."""

import json
import random
import re
from math import exp, lgamma

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscribers.addresses import addresses
from subscribers.models import CustomField, MailingList, Segment, Subscriber, Subscription
from subscribers.people import search
from subscribers.segments import estimating, members, saving, tree
from subscribers.segments.kinds import Scope
from subscribers.states import FieldType, SubscriptionStatus

BANDUNG = {"subject": "field:city", "operator": "one_of", "texts": ["Bandung"]}


def rules(*inner, match="all"):
    return {"version": 1, "match": match, "rules": list(inner)}


@pytest.fixture
def few(monkeypatch):
    """Begin to estimate where there are 500 people, and ask 200 of them."""
    monkeypatch.setattr(estimating, "MANY", 500)
    monkeypatch.setattr(estimating, "DRAWN", 200)


def add(workspace, keys, *, city):
    """Put people with these keys into a workspace, alike, as an import of one shop's does."""
    rows = []
    for key in keys:
        address = addresses.normalise(f"p{key}@x.example")
        rows.append(
            Subscriber(
                pk=key,
                workspace=workspace,
                email=address.email,
                email_key=address.key,
                address_hash=key.to_bytes(16),
                fields={"city": city} if city else {},
            )
        )
    Subscriber.objects.bulk_create(rows)


@pytest.fixture
def city(workspace):
    return CustomField.objects.create(
        workspace=workspace, key="city", label="City", type=FieldType.TEXT
    )


@pytest.fixture
def clustered(cast, city):
    """Three imports far apart: alike within, one beside another workspace's people, with gaps."""
    workspace, other = cast.workspace, cast.other_workspace
    add(workspace, range(10_000, 10_600), city="Bandung")
    add(workspace, range(900_000, 903_000, 3), city="Bogor")
    add(other, range(900_001, 903_001, 3), city="Bandung")
    add(workspace, range(5_000_000, 5_000_400), city="")
    chance = random.Random(7)  # noqa: S311 - no secret
    add(workspace, chance.sample(range(7_000_000, 7_040_000), 500), city="Bandung")
    return workspace


def ask(workspace, *inner, match="all", **options):
    scope = Scope(workspace=workspace)
    return estimating.estimate(scope, saving.check(rules(*inner, match=match), scope), **options)


@pytest.mark.parametrize("whole", [20_000, 1_000_000])
def test_a_range_holds_the_truth_as_often_as_promised(whole):
    """Exactly, for every truth: drawing without replacement is the hypergeometric distribution."""
    asked = 2_000 if whole == 1_000_000 else 400
    ranges = [estimating.scaled(seen, asked=asked, whole=whole) for seen in range(asked + 1)]
    truths = [0, 1, 10, whole // 10_000, whole // 1_000, whole // 100, whole // 7, whole // 2]
    for truth in [*truths, *(whole - one for one in truths)]:
        held = 0.0
        for seen, found in enumerate(ranges):
            if found.low <= truth <= found.high:
                held += chance_of(seen, asked=asked, truth=truth, whole=whole)
        assert held >= 0.95 - 1e-6, truth


def chance_of(seen, *, asked, truth, whole):
    if seen > truth or asked - seen > whole - truth:
        return 0.0
    return exp(ways(truth, seen) + ways(whole - truth, asked - seen) - ways(whole, asked))


def ways(of, chosen):
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)


@pytest.mark.parametrize(("match", "truth"), [("all", 1_100), ("none", 1_400)])
def test_people_who_came_together_and_gaps_mislead_nobody(few, clustered, match, truth):
    found = [ask(clustered, BANDUNG, match=match, seed=f"{n}") for n in range(100)]
    assert Subscriber.objects.filter(workspace=clustered).count() == 2_500
    assert sum(one.low <= truth <= one.high for one in found) >= 93
    mean = sum(one.value for one in found) / len(found)
    assert abs(mean - truth) < 25  # three standard errors of the mean of a hundred
    assert all(100 < one.asked < 300 for one in found)


def test_everybody_can_be_drawn_also_while_the_search_is_written_anew(clustered, monkeypatch):
    monkeypatch.setattr(estimating, "DRAWN", 1_500)

    def drawn():
        keys = set()
        for number in range(40):
            keys.update(estimating.draw(clustered, whole=2_500, seed=f"{number}"))
        return keys

    everybody = set(Subscriber.objects.filter(workspace=clustered).values_list("pk", flat=True))
    assert drawn() == everybody
    while search.rebuild():
        pass
    add(clustered, range(8_000_000, 8_000_040), city="")
    Subscriber.objects.filter(pk__in=range(5_000_000, 5_000_400)).delete()
    everybody = set(Subscriber.objects.filter(workspace=clustered).values_list("pk", flat=True))
    assert drawn() == everybody


def test_the_same_people_are_asked_all_day(few, clustered):
    assert ask(clustered, BANDUNG) == ask(clustered, BANDUNG)
    assert ask(clustered, BANDUNG, seed="1") != ask(clustered, BANDUNG, seed="2")


def test_small_workspaces_and_everybody_are_counted(few, clustered, monkeypatch):
    assert ask(clustered) is None
    monkeypatch.setattr(estimating, "MANY", 2_501)
    assert ask(clustered, BANDUNG) is None


def test_asking_reads_the_people_drawn_and_no_whole_sets(few, clustered):
    weekly = MailingList.objects.create(workspace=clustered, name="Weekly")
    keys = Subscriber.objects.filter(workspace=clustered).values_list("pk", flat=True)
    Subscription.objects.bulk_create(
        Subscription(
            workspace=clustered,
            list=weekly,
            subscriber_id=key,
            status=SubscriptionStatus.SUBSCRIBED,
        )
        for key in keys
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscriber, subscribers_subscription")
    on_list = {"subject": "list", "operator": "subscribed", "lists": [weekly.pk]}
    either = {"match": "any", "rules": [BANDUNG, on_list]}
    with CaptureQueriesContext(connection) as asked:
        ask(clustered, either, {**on_list, "operator": "unsubscribed"})
    assert len(asked) < 20
    statement = next(q["sql"] for q in asked if "COALESCE" in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute(estimating._SETTINGS)
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        plan = json.loads(json.dumps(cursor.fetchone()[0]))[0]["Plan"]
    assert max(rows(plan)) <= 300


def rows(plan):
    yield plan["Actual Rows"] * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from rows(inner)


@pytest.fixture
def segment(few, clustered):
    return saving.create(clustered, name="Bandung", rules=rules(BANDUNG))


def test_a_page_shows_an_estimate_and_asks_for_the_number(analyst_client, segment):
    page = analyst_client.get(reverse("segment_page", args=[segment.pk])).content.decode()
    assert re.search(r"<strong>about [\d,]+</strong>", page)
    assert "Probably " in page
    asked = re.search(r'hx-vals="([^"]+)" hx-include="unset"[^>]+hx-trigger="load', page)
    values = json.loads(asked[1].replace("&#34;", '"').replace("&quot;", '"'))
    assert json.loads(values["rules"]) == segment.rules
    exact = analyst_client.post(reverse("segment_exactly"), values).content.decode()
    assert "<strong>1,100</strong>" in exact
    assert "hx-post" not in exact


def test_without_a_script_the_number_is_a_click_away(analyst_client, editor_client, segment):
    address = reverse("segment_page", args=[segment.pk])
    page = analyst_client.get(address).content.decode()
    assert re.search(r'<noscript>\s*<a [^>]*href="\?exact=1"', page)
    assert "<strong>1,100</strong>" in analyst_client.get(address, {"exact": "1"}).content.decode()
    form = {
        "name": "X",
        "node": ["+1", "2", "-"],
        "match-1": "all",
        "subject-2": "field:city",
        "operator-2": "one_of",
        "value-2-texts": "Bogor",
        "do": "draw",
    }
    drawn = editor_client.post(reverse("segment_new"), form).content.decode()
    assert re.search(r'<noscript>\s*<button [^>]*name="do" value="count"', drawn)
    counted = editor_client.post(reverse("segment_new"), {**form, "do": "count"}).content.decode()
    assert "<strong>1,000</strong>" in counted
    assert Segment.objects.count() == 1


def test_where_counting_takes_too_long_the_estimate_stays_and_says_so(
    analyst_client, segment, monkeypatch
):
    monkeypatch.setattr(members, "AT_ONCE", 0)  # as if others were counting
    given = {"rules": json.dumps(segment.rules), "segment": segment.pk}
    page = analyst_client.post(reverse("segment_exactly"), given).content.decode()
    assert re.search(r"<strong>about [\d,]+</strong>", page)
    assert "Other counts are running." in page
    assert "load delay" not in page
    assert "Count exactly" in page


def test_a_rule_that_hardly_anybody_fits_is_told_by_its_upper_bound(analyst_client, segment):
    nobody = rules({**BANDUNG, "texts": ["Nowhere"]})
    scope = Scope(workspace=segment.workspace)
    found = estimating.estimate(scope, tree.read(nobody, scope.subjects))
    assert (found.value, found.low) == (0, 0)
    form = {
        "node": ["+1", "2", "-"],
        "match-1": "all",
        "subject-2": "field:city",
        "operator-2": "one_of",
        "value-2-texts": "Nowhere",
    }
    page = analyst_client.post(reverse("segment_preview"), form).content.decode()
    assert re.search(r"<strong>up to \d+</strong>", page)


@pytest.mark.parametrize("given", ["", "x", "[]", "null", "9" * 5_000])
def test_rules_that_are_none_are_not_counted(analyst_client, segment, given):
    answer = analyst_client.post(reverse("segment_exactly"), {"rules": given})
    assert answer.status_code == 200
    assert "when every rule is filled in" in answer.content.decode()
