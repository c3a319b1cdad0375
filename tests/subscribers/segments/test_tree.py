"""Rules are read strictly: everything wrong is named with its place, and nothing else gets in."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscribers.segments import rule_editor, tree
from subscribers.segments.kinds import Input, InputKind, Operator, Option, Subject
from subscribers.segments.tree import InvalidRules


def _never(_values):
    raise AssertionError


def operator(key, sentence, *inputs):
    return Operator(key=key, sentence=sentence, compile=_never, inputs=inputs)


TEXTS = Input(name="texts", kind=InputKind.TEXTS, label="Values")
LEAST = Input(name="least", kind=InputKind.WHOLE, label="How many", least=1, most=50)
OF = Input(name="of", kind=InputKind.WHOLE, label="Of how many", least=1, most=50)
TAGS = Input(
    name="tags",
    kind=InputKind.CHOICES,
    label="Tags",
    options=lambda: [Option(value=7, label="vip"), Option(value=8, label="shop")],
)
SUBJECTS = {
    subject.key: subject
    for subject in (
        Subject(
            key="city",
            label="City",
            group="",
            operators=(
                operator("one_of", "is one of {texts}", TEXTS),
                operator("empty", "is empty"),
            ),
        ),
        Subject(
            key="activity",
            label="Activity",
            group="",
            operators=(
                operator("opened", "opened at least {least} of the last {of} campaigns", LEAST, OF),
            ),
        ),
        Subject(
            key="tag", label="Tag", group="", operators=(operator("any", "is any of {tags}", TAGS),)
        ),
    )
}
CITY = {"subject": "city", "operator": "one_of", "texts": ["Bandung"]}


def rules(*inner, match="all", version=1):
    return {"version": version, "match": match, "rules": list(inner)}


def faults(raw):
    with pytest.raises(InvalidRules) as caught:
        tree.read(raw, SUBJECTS)
    return {fault.place: fault.message for fault in caught.value.faults}


def test_what_is_read_is_written_back():
    raw = rules(CITY, {"match": "none", "rules": [{"subject": "city", "operator": "empty"}]})
    assert tree.write(tree.read(raw, SUBJECTS)) == raw


def test_nothing_at_all_asks_nothing():
    assert tree.read({}, SUBJECTS).rules == ()


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([], ""),
        (rules(version=2), "version"),
        ({"match": "all", "rules": []}, "version"),
        (rules(match="some"), "match"),
        (rules({"match": "any", "rules": []}), "rules[0]"),
        (rules("city"), "rules[0]"),
        (rules({"subject": "gone", "operator": "is"}), "rules[0].subject"),
        (rules({"subject": ["city"], "operator": "is"}), "rules[0].subject"),
        (rules({"subject": "city", "operator": "drop table"}), "rules[0].operator"),
        (rules({**CITY, "texts": []}), "rules[0].texts"),
        (rules({**CITY, "texts": [1]}), "rules[0].texts"),
        (rules({**CITY, "texts": ["a\0b"]}), "rules[0].texts"),
        (rules({**CITY, "texts": ["a" * 501]}), "rules[0].texts"),
        (rules({**CITY, "sql": "1=1"}), "rules[0].sql"),
        (rules({"subject": "tag", "operator": "any", "tags": [9]}), "rules[0].tags"),
        (rules({"subject": "tag", "operator": "any", "tags": [True]}), "rules[0].tags"),
        (
            rules({"subject": "activity", "operator": "opened", "least": 0, "of": 5}),
            "rules[0].least",
        ),
        (
            rules({"subject": "activity", "operator": "opened", "least": 1, "of": "5.5"}),
            "rules[0].of",
        ),
        (
            rules(CITY, {"match": "any", "rules": [CITY, {"subject": "x"}]}),
            "rules[1].rules[1].subject",
        ),
    ],
)
def test_each_fault_is_named_with_its_place(raw, place):
    assert list(faults(raw)) == [place]


def test_several_faults_are_told_at_once():
    raw = rules({**CITY, "texts": ""}, {"subject": "tag", "operator": "any", "tags": []})
    assert set(faults(raw)) == {"rules[0].texts", "rules[1].tags"}


def test_groups_are_five_deep_at_most():
    def nested(levels):
        rule: dict[str, object] = dict(CITY)
        for _level in range(levels - 1):
            rule = {"match": "all", "rules": [rule]}
        return rules(rule)

    assert tree.read(nested(5), SUBJECTS)
    assert "5 deep" in next(iter(faults(nested(6)).values()))


def test_a_hundred_conditions_are_the_most():
    assert tree.read(rules(*[CITY] * 100), SUBJECTS)
    assert "100" in faults(rules(*[CITY] * 101))[""]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "match", "rules", "subject", "operator", "texts", "tags"]),
            inner | st.sampled_from(["all", "city", "one_of", "tag", "any"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_any_json_is_read_or_refused(raw):
    try:
        group = tree.read(raw, SUBJECTS)
    except InvalidRules as wrong:
        is_told = bool(wrong.faults)
    else:
        is_told = tree.read(tree.write(group), SUBJECTS) == group
    assert is_told


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_whatever_was_stored_can_be_drawn(raw):
    if isinstance(raw, dict):
        rule_editor.draw(raw, SUBJECTS)


def test_rules_are_told_as_a_sentence():
    raw = rules(
        CITY,
        {
            "match": "any",
            "rules": [
                {"subject": "activity", "operator": "opened", "least": 2, "of": 5},
                {"subject": "tag", "operator": "any", "tags": [7, 8]},
            ],
        },
    )
    assert rule_editor.sentence(tree.read(raw, SUBJECTS)) == (
        "City is one of Bandung and (Activity opened at least 2 of the last 5 campaigns"
        " or Tag is any of vip, shop)"
    )
