"""Merge tags of other tools are found wherever they stand, and translated."""

import pytest

from campaigns.rendering.compile import Writing
from campaigns.rendering.content_checks import findings
from campaigns.rendering.foreign import found_in
from campaigns.states import ContentKind, Where
from tests.campaigns.rendering.writings import TAGS

FIRST, NAME, LEAVE = "{{ first_name }}", "{{ name }}", "{{ unsubscribe_url }}"


@pytest.mark.parametrize(
    ("tag", "here"),
    [
        ("*|FNAME|*", FIRST), ("*|UNSUB|*", LEAVE), ("*%7CUNSUB%7C*", LEAVE),
        ("*|MC:SUBJECT|*", ""),
        ("*|LIST:COMPANY|*", "{{ workspace.name }}"), ("*|ARCHIVE|*", "{{ view_url }}"),
        ("*|UPDATE_PROFILE|*", "{{ preferences_url }}"), ("*|EMAIL|*", "{{ email }}"),
        ("*|IF:FNAME|*", "{% if … %}…{% endif %}"),
        ("{{ contact.FIRSTNAME }}", FIRST), ("{{ unsubscribe }}", LEAVE),
        ("{{ subscriber.first_name }}", FIRST), ("{{ subscriber.email_address }}", "{{ email }}"),
        ("{$name}", NAME), ("{$unsubscribe}", LEAVE), ("{$email|default('x')}", "{{ email }}"),
        ("%FIRSTNAME%", FIRST), ("%UNSUBSCRIBELINK%", LEAVE),
        ("%SENDER-INFO%", "{{ workspace.postal_address }}"),
        ("{{ .Subscriber.FirstName }}", FIRST), ("{{ UnsubscribeURL }}", LEAVE),
        ('{{ TrackLink "https://a.example" . }}', ""), ("@TrackLink", ""),
        ("{contactfield=firstname}", FIRST), ("{unsubscribe_text}", LEAVE),
        ("{webview_url}", "{{ view_url }}"), ("{unsubscribe_url}", LEAVE),
        ("%recipient.first_name%", FIRST), ("%mailing_list_unsubscribe_url%", LEAVE),
        ("[NAME]", NAME), ("[UNSUBSCRIBEURL]", LEAVE), ("[EMAIL]", "{{ email }}"),
        ("[Name,fallback=]", NAME), ("[webversion]", "{{ view_url }}"), ("<unsubscribe>", LEAVE),
        ("%%first_name%%", FIRST), ("<%asm_group_unsubscribe_raw_url%>", LEAVE),
        ("[[firstname]]", FIRST), ('[[data:firstname:"x"]]', FIRST), ("{{var:name}}", NAME),
        ("{!firstname}", FIRST), ("$[FNAME|x]$", FIRST), ("{{#if name}}", "{% if … %}…{% endif %}"),
        ("[subscriber:firstname | default:reader]", FIRST), ('{first_name, "there"}', FIRST),
        ("{% unsubscribe 'x' %}", LEAVE), ("{{ person.first_name }}", FIRST),
        ("{{{ pm:unsubscribe }}}", LEAVE), ("{{lead.First Name:default=x}}", FIRST),
    ],
)  # fmt: skip
def test_a_tag_is_found_and_translated(tag, here):
    (found,) = found_in(f"Dear\n you: {tag}, yes")
    assert (found.source, found.here, found.line) == (tag, here, 2)


@pytest.mark.parametrize(
    "text",
    [
        "100% COTTON 50% OFF", "https://a.example/%E6%97%A5%E6%9C%AC%E8", "50%OFF%", "%DEADBEEF%",
        "{{ first_name }} {{ unsubscribe_url }} {% if vip %}{{ workspace.name }}{% endif %}",
        "[PDF] [1] [x] [sic] [[1]]", "[Email](mailto:a@b.example) ![Name](https://a.example)",
        "<style>{$x}.a{email}</style>", '<script>var x = "${name}{name}"; a[[name]]</script>',
        "{% raw %}Write *|FNAME|* and {{ contact.X }}{% endraw %}", "*|* x *| y |*",
        "$100 #1 @home",
        '{{ first_name|default("x") }}', "{color:red}", "a < b > c", "%s %d", "{} {0}",
    ],
)  # fmt: skip
def test_ordinary_text_is_none(text):
    assert list(found_in(text)) == []


@pytest.mark.parametrize("kind", ContentKind)
@pytest.mark.parametrize("part", ["subject", "preheader", "text", "source"])
@pytest.mark.parametrize("tag", ["*|FNAME|*", "{{ contact.FIRSTNAME }}", "{{ .Subscriber.Name }}"])
def test_it_keeps_any_part_from_being_sent(kind, part, tag):
    if kind is ContentKind.MJML:
        body = (
            "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
        )
        body += "</mj-body></mjml>"
    else:
        body = "{}"
    given = {"subject": "News", "preheader": "x", "text": "x", "source": body.format("x")}
    given[part] = body.format(tag) if part == "source" else tag
    (found,) = (one for one in findings(Writing(kind=kind, **given), TAGS) if one.blocks)
    assert (found.code, found.tag) == ("foreign_tag", tag)
    assert found.where is {"source": Where.CONTENT}.get(
        part, Where(part) if part != "source" else None
    )
    assert "{{ " in found.note


def test_it_is_found_in_links():
    source = '<a href="*|UNSUB|*">x</a><a href="https://a.example/?e={{ contact.EMAIL }}">y</a>'
    found = findings(Writing(kind=ContentKind.HTML, source=source, subject="x"), TAGS)
    assert {one.tag for one in found if one.code == "foreign_tag"} == {
        "*|UNSUB|*",
        "{{ contact.EMAIL }}",
    }


def test_a_name_of_the_authors_own_is_none():
    source = "{% set user = {'name': 'x'} %}{{ user.name }} https://a.example"
    found = findings(Writing(kind=ContentKind.TEXT, source=source, subject="x"), TAGS)
    assert not [one for one in found if one.blocks]
