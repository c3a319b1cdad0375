"""What a person doesn't have fulfils no comparison, and keeps nobody from being mailed."""

import pytest

from campaigns.states import ContentKind
from delivery.mime.recipient import Recipient
from delivery.mime.render import render
from delivery.mime.skeleton import compile_message
from tests.campaigns.rendering.writings import compiled, text, values


def answer(expression, **given):
    source = f"{{% if {expression} %}}yes{{% else %}}no{{% endif %}}"
    shown = text(source, ContentKind.TEXT, values=values(**given)).partition("\n")[0]
    assert sent(source, **given).partition("\r\n")[0] == shown
    return shown


def sent(source, **given):
    """Return the text that one person gets."""
    message = compile_message(compiled(source, ContentKind.TEXT), from_email="a@b.example")
    person = Recipient(message_id=1, subscriber_id=2, email="dewi@example.com", fields=given)
    return render(message, person).data.decode().partition("\r\n\r\n")[2].replace("=\r\n", "")


@pytest.mark.parametrize("name", ["points", "city", "birthday", "vip", "drinks"])
@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "=="])
@pytest.mark.parametrize("other", ["5", "-1.5", '"5"', '"2026-01-31"', '"x"', "true", "points"])
def test_what_is_missing_fulfils_no_comparison(name, sign, other):
    if sign == "==" and name == other:
        return
    if other != "points" or name != "points":
        assert answer(f"{name} {sign} {other}") == "no" or (sign, other) == ("==", "points")
        reversed_sign = sign.translate(str.maketrans("<>", "><"))
        assert answer(f"{other} {reversed_sign} {name}") == "no" or (sign, other) == (
            "==",
            "points",
        )


@pytest.mark.parametrize(
    ("expression", "given", "expected"),
    [
        ("points != 5", {}, "yes"),
        ('points == ""', {}, "yes"),
        ("points", {}, "no"),
        ("points + 1 > 0", {}, "no"),
        ("points * 2 < 100", {}, "no"),
        ("points|round < 5", {}, "no"),
        ("points|abs >= 0", {}, "no"),
        ("-points < 5", {}, "no"),
        ("-points < 5", {"points": 3}, "yes"),
        ("points|default(7) > 5", {}, "yes"),
        ('"tea" in drinks', {}, "no"),
        ("5 in city", {}, "no"),
        ("5 in city", {"city": "x5"}, "no"),
        ("points in [1, 2]", {}, "no"),
        ("points in [1, 2]", {"points": 2}, "yes"),
        ("n > 3", {}, "no"),
        ("points > 5", {"points": 5}, "no"),
        ("points > 5", {"points": 5.5}, "yes"),
        ('points > "5"', {"points": 10}, "yes"),
        ('points > "many"', {"points": 10}, "no"),
        ('points < "many"', {"points": 10}, "no"),
        ("points > none", {"points": 10}, "no"),
        ("city > 5", {"city": "10"}, "yes"),
        ("city > 9", {"city": "10"}, "yes"),
        ('city > "9"', {"city": "10"}, "yes"),
        ("9 < city", {"city": "10"}, "yes"),
        ("city == 10", {"city": "10"}, "yes"),
        ("city > points", {"city": "10", "points": 9}, "yes"),
        ("points < city", {"city": "Köln", "points": 9}, "no"),
        ("city > 5", {"city": "Köln"}, "no"),
        ("city < 5", {"city": "Köln"}, "no"),
        ('city < "L"', {"city": "Köln"}, "yes"),
        ('birthday > "2000-01-01"', {"birthday": "2001-02-03"}, "yes"),
        ('"2000-01-01" < birthday', {"birthday": "2001-02-03"}, "yes"),
        ("birthday > 5", {"birthday": "2001-02-03"}, "no"),
        ('birthday < "soon"', {"birthday": "2001-02-03"}, "no"),
        ('birthday == "2001-02-03"', {"birthday": "2001-02-03"}, "yes"),
        ("vip == true", {"vip": True}, "yes"),
        ("vip == false", {}, "no"),
        ("vip > 5", {"vip": True}, "no"),
        ("drinks > 5", {"drinks": ["tea"]}, "no"),
    ],
)
def test_a_comparison_answers_as_an_author_means_it(expression, given, expected):
    if expression.startswith("n "):
        expression = "vip %}{% set n = 5 %}{% endif %}{% if n > 3"
        assert text(f"{{% if {expression} %}}yes{{% else %}}no{{% endif %}}", ContentKind.TEXT,
                    values=values()).startswith("no")  # fmt: skip
        return
    assert answer(expression, **given) == expected


@pytest.mark.parametrize(
    "source",
    ["{{ points + 1 }}", "{{ points * points }}", "{{ points|number }}", "{{ points|round(1) }}",
     "{{ points|abs }}", "{{ -points }}",
     '{{ birthday|date("j") }}', '{{ city|replace("a", "b") }}',
     "{% for d in drinks %}{{ d }}{% endfor %}", "{{ drinks|join }}"],
)  # fmt: skip
def test_what_is_reckoned_from_nothing_is_nothing(source):
    assert sent(f"[{source}]").startswith("[]")


def test_a_subject_with_a_comparison_is_for_everybody():
    content = compiled("Hi", subject="{% if points > 5 %}Thanks{% else %}Hello{% endif %}")
    message = compile_message(content, from_email="a@b.example")
    for given, expected in (({}, b"Hello"), ({"points": 9}, b"Thanks")):
        person = Recipient(message_id=1, subscriber_id=2, email="d@example.com", fields=given)
        assert b"Subject: " + expected in render(message, person).data
