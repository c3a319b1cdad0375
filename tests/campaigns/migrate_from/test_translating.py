"""Go's template expressions become merge tags; what has no counterpart is named, never mailed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.migrate_from.translating import translate
from campaigns.rendering import checking
from campaigns.states import Where

FIELDS = {"city": "city", "favouritecup": "favourite_cup"}
TAGS = {"name", "first_name", "email", "city", "favourite_cup", "unsubscribe_url", "view_url"}


def text(source, **known):
    found = translate(source, fields=FIELDS, known=known)
    assert found.unknown == []
    return found.text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hi {{ .Subscriber.FirstName }}", "Hi {{ first_name }}"),
        ("{{.Subscriber.Name}}", "{{ name }}"),
        ("{{- .Subscriber.Email -}}", "{{ email }}"),
        ("{{ .Subscriber.Attribs.city }}", "{{ city }}"),
        ("{{ .Subscriber.Attribs.favourite_cup }}", "{{ favourite_cup }}"),
        ('<a href="{{ UnsubscribeURL }}">', '<a href="{{ unsubscribe_url }}">'),
        ("{{ UnsubscribeURL . }}", "{{ unsubscribe_url }}"),
        ("x{{ TrackView }}y{{ TrackView . }}", "xy"),
        ('<a href="{{ TrackLink "https://e.org/?a=1" . }}">', '<a href="https://e.org/?a=1">'),
        ('<a href="https://e.org/@TrackLink">', '<a href="https://e.org/">'),
        ('a{{ template "content" . }}b', "a{{ content }}b"),
        (
            '{{ if eq .Subscriber.Attribs.city "Bandung" }}near{{ else }}far{{ end }}',
            "{% if city == 'Bandung' %}near{% else %}far{% endif %}",
        ),
        ("{{ if not .Subscriber.Name }}you{{ end }}", "{% if not name %}you{% endif %}"),
        ("{{ .Subscriber.Name | Safe }}", "{{ name }}"),
        ("{{/* a note */}}", ""),
        ('{{ L.T "email.unsub" }}', "Unsubscribe"),
        ("a{% b {# c", "a{{ '{%' }} b {{ '{#' }} c"),
    ],
)
def test_it_says_the_same_here(source, expected):
    assert text(source) == expected


def test_what_has_no_counterpart_is_named_and_left_out():
    found = translate(
        '{{ Date "2006" }}{{ range .Subscriber.Lists }}x{{ end }}{{ .Subscriber.Attribs.shoe }}'
        "{{ if .Campaign.UUID }}y{{ else }}z{{ end }}",
        fields=FIELDS,
        known={},
    )
    assert found.text == "xyz"
    assert found.unknown == [
        '{{ Date "2006" }}',
        "{{ range .Subscriber.Lists }}",
        "{{ .Subscriber.Attribs.shoe }}",
        "{{ if .Campaign.UUID }}",
        "{{ else }}",
    ]


def test_what_belongs_to_the_campaign_is_written_out():
    assert text("{{ .Campaign.Subject }}", **{".Campaign.Subject": "{% Kopi"}) == (
        "{{ '{%' }} Kopi"
    )


@given(
    st.lists(
        st.sampled_from(
            ["{{", "}}", "{%", "%}", "{#", "if ", "end", "else", "not ", ".Subscriber.Name", '"',
             "'", "\\", "eq ", " ", "x", "@TrackLink", "TrackLink ", "range ", ".", "\n"]
        ),
        max_size=8,
    ).map("".join)
)  # fmt: skip
def test_whatever_comes_can_be_read_here_if_its_braces_could(source):
    found = translate(source, fields=FIELDS, known={}).text
    if "{{" not in found.replace("{{ '", ""):
        assert checking.problems(found, TAGS, where=Where.CONTENT) == []
