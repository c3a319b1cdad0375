"""Any rules say of any people what a plain reading of them says."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscribers.addresses import addresses
from subscribers.models import CustomField, MailingList, Subscriber, Subscription, Tag, Tagging
from subscribers.people import people, tags
from subscribers.privacy import erasure
from subscribers.segments import members, saving
from subscribers.segments.kinds import Scope
from subscribers.states import FieldType
from tests.subscribers.segments import plain
from tests.subscribers.segments.plain import Somebody

LISTS, TAGS = ("Weekly", "Monthly"), ("vip", "shop", "old")
LIKES = ("latte", "drip", "cold brew")
STATUSES = ("subscribed", "unconfirmed", "unsubscribed")
NOON = datetime(2026, 11, 25, 5, tzinfo=UTC)  # noon in Jakarta
# One word each in several spellings: Turkish and Greek letter case, accents apart, full width.
SPELLINGS = [
    *("İzmir", "izmir", "IZMIR", "ızmır", "İZMİR", "i\u0307zmir"),
    *("Gießen", "GIESSEN", "GIEẞEN", "ΠΑΤΡΑΣ", "πατρας", "Πατρασ"),
    *("Zoë", "Zoe\u0308", "ZOË", "Ｂandung", "ŁÓDŹ", "łódź"),
]
CITIES = st.sampled_from(
    ["Bandung", "bandung", "Bogor", "100%", "a_b", "São Paulo", "", *SPELLINGS]
)
DAYS = st.sampled_from(
    ["2026-11-25", "2026-11-24", "2026-12-05", "1990-12-01", "1988-02-29", "2025-01-03"]
)
NUMBERS = st.sampled_from([0, 1, 3, 3.5, 12, -2])


def one_of_the(*operators, subject, **inputs):
    return st.fixed_dictionaries(
        {"subject": st.just(subject), "operator": st.sampled_from(operators), **inputs}
    )


WORDS = st.sampled_from(["bandung", "Bogor", "an", "%", "_", "ão", "e", "ΤΡ", "iz", *SPELLINGS])


def texts(subject):
    with_text = one_of_the(
        "is", "is_not", "contains", "contains_not", "starts", "ends", subject=subject, text=WORDS
    )
    several = st.lists(WORDS, min_size=1, max_size=3, unique=True)
    return st.one_of(with_text, one_of_the("one_of", "none_of", subject=subject, texts=several))


def ordered(pair):
    return dict(zip(("first", "last"), sorted(pair), strict=True))


def chosen(options, name):
    return {name: st.lists(st.sampled_from(options), min_size=1, max_size=2, unique=True)}


CONDITIONS = st.one_of(
    texts("field:city"),
    texts("first_name"),
    texts("domain"),
    one_of_the("empty", "filled", subject="field:city"),
    one_of_the("empty", "filled", subject="field:likes"),
    one_of_the(
        "is", "is_not", "least", "most", "above", "below", subject="field:orders", number=NUMBERS
    ),
    st.tuples(NUMBERS, NUMBERS).map(
        lambda pair: {"subject": "field:orders", "operator": "between", **ordered(pair)}
    ),
    one_of_the("on", "before", "after", subject="field:visit", day=DAYS),
    one_of_the(
        "in_last",
        "over_ago",
        "in_next",
        "anniversary",
        subject="field:visit",
        days=st.sampled_from([0, 1, 10, 95, 200, 366]),
    ),
    st.tuples(DAYS, DAYS).map(
        lambda pair: {"subject": "field:visit", "operator": "between", **ordered(pair)}
    ),
    one_of_the("yes", "no", "empty", "filled", subject="field:member"),
    one_of_the("any", "all", "none", subject="field:likes", **chosen(LIKES, "choices")),
    one_of_the("any", "all", "none", subject="tag", **chosen(TAGS, "tags")),
    one_of_the(*STATUSES, "never", "not_subscribed", subject="list", **chosen(LISTS, "lists")),
)
GROUPS = st.recursive(
    CONDITIONS,
    lambda inner: st.fixed_dictionaries(
        {
            "match": st.sampled_from(["all", "any", "none"]),
            "rules": st.lists(inner, min_size=1, max_size=3),
        }
    ),
    max_leaves=8,
)
PEOPLE = st.lists(
    st.builds(
        Somebody,
        email=st.sampled_from(["a@bandung.example", "b@x.example", "c@bogor.org"]),
        first_name=CITIES,
        fields=st.fixed_dictionaries(
            {},
            optional={
                "city": CITIES,
                "orders": NUMBERS,
                "visit": DAYS,
                "member": st.booleans(),
                "likes": st.lists(st.sampled_from(LIKES), unique=True),
            },
        ),
        tags=st.frozensets(st.sampled_from(TAGS)),
        lists=st.dictionaries(st.sampled_from(LISTS), st.sampled_from(STATUSES)),
    ),
    max_size=4,
)


def depth(rule):
    return 1 + max(map(depth, rule["rules"]), default=0) if "rules" in rule else 0


@pytest.fixture
def furnished(workspace):
    kinds = {
        "city": FieldType.TEXT,
        "orders": FieldType.NUMBER,
        "visit": FieldType.DATE,
        "member": FieldType.BOOLEAN,
        "likes": FieldType.MULTI_CHOICE,
    }
    for key, kind in kinds.items():
        choices = list(LIKES) if key == "likes" else []
        CustomField.objects.create(
            workspace=workspace, key=key, label=key, type=kind, choices=choices
        )
    for name in LISTS:
        MailingList.objects.create(workspace=workspace, name=name)
    for name in TAGS:
        Tag.objects.create(workspace=workspace, name=name)
    return workspace


def store(workspace, somebody, number):
    email = somebody.email.replace("@", f"{number}@")
    person, _new = people.add(workspace, address=addresses.normalise(email))
    Subscriber.objects.filter(pk=person.pk).update(
        first_name=somebody.first_name, fields=somebody.fields
    )
    for tag in Tag.objects.filter(workspace=workspace, name__in=somebody.tags):
        Tagging.objects.create(tag=tag, subscriber=person)
    for mailing_list in MailingList.objects.filter(workspace=workspace):
        if mailing_list.name in somebody.lists:
            Subscription.objects.create(
                workspace=workspace,
                list=mailing_list,
                subscriber=person,
                status=somebody.lists[mailing_list.name],
            )
    return person.pk


def with_ids(rule, workspace):
    """Names of lists and tags become their keys, as stored rules have them."""
    if "rules" in rule:
        return {**rule, "rules": [with_ids(each, workspace) for each in rule["rules"]]}
    found = dict(rule)
    for name, model in (("tags", Tag), ("lists", MailingList)):
        if name in found:
            rows = model.objects.filter(workspace=workspace, name__in=found[name])
            found[name] = list(rows.values_list("pk", flat=True))
    return found


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rules=st.lists(GROUPS, max_size=3), everybody=PEOPLE, match=st.sampled_from(["all", "any"]))
def test_the_database_agrees_with_a_plain_reading(furnished, rules, everybody, match):
    tree = {"match": match, "rules": [rule for rule in rules if depth(rule) < 5]}
    Subscriber.objects.all().delete()
    Subscription.objects.all().delete()
    Tagging.objects.all().delete()
    keys = {store(furnished, each, number): each for number, each in enumerate(everybody)}
    scope = Scope(workspace=furnished, now=NOON)
    group = saving.check({"version": 1, **with_ids(tree, furnished)}, scope)
    found = set(members.people(scope, group).values_list("pk", flat=True))
    assert found == {pk for pk, somebody in keys.items() if plain.fits(tree, somebody)}


@pytest.mark.parametrize("given", ["İzmir", "izmir", "İZMİR", "IZMIR", "i\u0307zmir"])
def test_somebody_from_izmir_is_found(furnished, given):
    store(furnished, Somebody(email="a@x.org", fields={"city": "İzmir"}), 0)
    rule = {"subject": "field:city", "operator": "is", "text": given}
    scope = Scope(workspace=furnished, now=NOON)
    group = saving.check({"version": 1, "match": "all", "rules": [rule]}, scope)
    assert members.people(scope, group).count() == 1


def test_tags_whose_letter_case_python_folds_otherwise_are_one_tag(furnished):
    first = tags.find_or_create(furnished, ["İzmir", "Straße"])
    again = tags.find_or_create(furnished, ["İzmir", "izmir", "STRASSE", "Straße"])
    assert {tag.name for tag in again} == {"İzmir", "STRASSE", "Straße"}
    assert {tag.pk for tag in first} < {tag.pk for tag in again}


def test_an_erased_address_is_on_the_suppression_list(workspace):
    for email in ("erased@example.org", "other@example.org"):
        people.add(workspace, address=addresses.normalise(email))
    erasure.erase(workspace, subscriber_id=Subscriber.objects.get(email="erased@example.org").pk)
    people.add(workspace, address=addresses.normalise("erased@example.org"))
    segment = saving.create(
        workspace,
        name="Barred",
        rules={
            "version": 1,
            "match": "all",
            "rules": [{"subject": "suppression", "operator": "on"}],
        },
    )
    assert [one.email for one in members.members(segment)] == ["erased@example.org"]
