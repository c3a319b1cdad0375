"""Whatever a program sends, the answer says what is wrong with it and never "500"."""

import json

import pytest
from django.test import Client

from accounts.roles import Role
from accounts.team import api_keys
from api.urls import api
from campaigns.models import Campaign, Picture
from subscribers.models import CustomField, MailingList, Segment
from tests.delivery import makers

HUGE = "9" * 400
TEXTS = [
    "\\ud800",
    "a\\u0000",
    "\\udfff\\ud83d",
    "x" * 100_000,
    "%00",
    "'; DROP TABLE",
    "\\u202e",
    "",
]
VALUES = [
    *(f'"{text}"' for text in TEXTS),
    HUGE,
    f"-{HUGE}",
    "9223372036854775808",
    "1e400",
    "NaN",
    "-Infinity",
    "null",
    "true",
    "[]",
    "{}",
    '["\\u0000"]',
    '{"\\ud800": 1}',
    "[" * 100 + "]" * 100,
    "[" * 100_000,
]
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b'"x"',
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b'{"email": "a@example.org", "email": "b@example.org"}',
    b'{"a": ' * 5000,
]


@pytest.fixture
def program(cast):
    key = api_keys.create(cast.workspace, name="Toko", role=Role.OWNER, by=cast.owner)
    return Client(headers={"authorization": f"Bearer {key}"}, raise_request_exception=False)


@pytest.fixture
def places(cast):
    """Fill the parameters of addresses."""
    news = MailingList.objects.create(workspace=cast.workspace, name="Weekly")
    person = makers.make_subscriber(cast.workspace, "dewi@example.org", news)
    campaign = Campaign.objects.create(workspace=cast.workspace, name="News")
    segment = Segment.objects.create(workspace=cast.workspace, name="S", rules={"match": "all"})
    for kind in ("text", "number", "boolean", "date", "choice"):
        CustomField.objects.create(
            workspace=cast.workspace, key=kind, label=kind, type=kind, choices=["a"]
        )
    return {
        "campaign_id": campaign.pk,
        "list_id": news.pk,
        "segment_id": segment.pk,
        "email": person.email,
        "picture_id": Picture.objects.create(
            workspace=cast.workspace,
            name="Coffee",
            file="coffee.png",
            thumbnail="coffee-t.png",
            came_as="PNG",
            **dict.fromkeys(
                ("width", "height", "size", "came_width", "came_height", "came_size"), 1
            ),
        ).pk,
        "action": "pause",
        "decision": "leave",
    }


def routes():
    """Return (method, path, names of its body's fields) of every operation."""
    schema = api.get_openapi_schema()
    parts = schema["components"]["schemas"]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            fields = parts[reference.rpartition("/")[2]]["properties"] if reference else {}
            query = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
            yield pytest.param((method, path, list(fields), query), id=f"{method} {path}")


ROUTES = list(routes())


def check(answer):
    assert answer.status_code < 500, answer.content[:300]
    if answer.status_code >= 400:
        assert answer.json()["detail"]


@pytest.mark.parametrize("route", ROUTES)
def test_no_body_makes_an_error_of_ours(program, places, route):
    method, path, fields, _query = route
    where = path.format(**places)
    bodies = list(BODIES)
    for name in fields:
        rest = {"email": "baru@example.org", "name": "N", "rules": {"match": "all"}}
        rest.pop(name, None)
        head = "".join(f"{json.dumps(key)}: {json.dumps(value)}, " for key, value in rest.items())
        bodies += [f'{{{head}"{name}": {value}}}'.encode() for value in VALUES]
        if name == "fields":
            for key in ("text", "number", "boolean", "date", "choice", "\\ud800"):
                bodies += [f'{{{head}"fields": {{"{key}": {one}}}}}'.encode() for one in VALUES]
    for body in bodies:
        check(program.generic(method.upper(), where, body, content_type="application/json"))


@pytest.mark.parametrize("route", ROUTES)
def test_no_address_makes_an_error_of_ours(program, places, route):
    method, path, _fields, query = route
    odd = ["0", "-1", HUGE, "9223372036854775808", "%00", "%ff", "%ed%a0%80", "x" * 5000, "..%2f"]
    for value in odd:
        for name in [key for key in places if f"{{{key}}}" in path]:
            where = path.format(**{**places, name: value})
            answer = program.generic(method.upper(), where, b"{}", content_type="application/json")
            assert answer.status_code < 500, (where[:80], answer.content[:300])
        for name in query:
            where = f"{path.format(**places)}?{name}={value}"
            answer = program.generic(method.upper(), where, b"{}", content_type="application/json")
            assert answer.status_code < 500, (where[:80], answer.content[:300])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"remove_tags": ["a\\u0000"]}', "remove_tags[0]: holds a character that can't be"),
        ('{"first_name": "\\ud800"}', "first_name: holds a character that can't be stored"),
        ('{"fields": {"text": "a\\udc00"}}', "fields.text: holds a character"),
        ('{"fields": {"number": NaN}}', "NaN is no number of JSON"),
        ('{"fields": {"number": 9223372036854775808}}', "fields.number: is too large a number"),
        ('{"first_name": "A", "first_name": "B"}', "'first_name' stands in the body twice"),
        ("[]", "must be a JSON object"),
        ("{", "is not JSON"),
        ('{"fields": {"text": ' + "[" * 50 + "]" * 50 + "}}", "nests too deep"),
    ],
)
def test_each_fault_is_named(program, places, body, said):
    where = f"/api/v1/subscribers/{places['email']}"
    answer = program.patch(where, body, content_type="application/json")
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("key", ["\ud800".encode("utf-8", "surrogatepass"), b"\xff", b"x" * 9000])
def test_no_key_makes_an_error_of_ours(db, key):
    client = Client(raise_request_exception=False)
    header = f"Bearer {key.decode('latin-1')}"
    assert client.get("/api/v1/campaigns", headers={"authorization": header}).status_code == 401


BAD_TEXTS = ["a\0", "\0", "\ud800", "a\udfffb", "\udfff\ud83d"]


def places_of_text(schema, parts, where=()):
    """Yield (the way to it, a value around it) for every text that a schema can hold.

    The value is made by calling what is yielded with the text.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if where.count(name) < 2:  # groups hold groups
            yield from places_of_text(parts[name], parts, (*where, name))
        return
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from places_of_text(option, parts, where)
    if schema.get("type") == "string":
        yield "", lambda text: text
    if "items" in schema:
        for way, make in places_of_text(schema["items"], parts, where):
            yield f"[0]{way}", lambda text, make=make: [make(text)]
    for name, inner in schema.get("properties", {}).items():
        for way, make in places_of_text(inner, parts, where):
            yield f".{name}{way}", lambda text, name=name, make=make: {name: make(text)}
    if schema.get("type") == "object" and schema.get("additionalProperties", True) is not False:
        yield ".any", lambda text: {"any": text}
        yield ".list[1]", lambda text: {"list": ["a", text]}
        yield ".deep.er", lambda text: {"deep": {"er": text}}


def bodies_of_text():
    schema = api.get_openapi_schema()
    parts = schema["components"]["schemas"]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema")
            for way, make in places_of_text(body, parts) if body else ():
                yield pytest.param((method, path, way, make), id=f"{method} {path}{way}")


WALK = list(bodies_of_text())


def test_the_walk_reaches_texts_at_every_depth():
    ways = {param.values[0][2] for param in WALK}
    assert {".email", ".tags[0]", ".remove_tags[0]", ".fields.any", ".force[0]", ".name"} <= ways


@pytest.mark.parametrize("place", WALK)
def test_no_text_that_can_not_be_stored_is_taken_anywhere(program, places, place):
    method, path, way, make = place
    where = path.format(**places)
    for text in BAD_TEXTS:
        body = json.dumps(make(text)).encode()
        answer = program.generic(method.upper(), where, body, content_type="application/json")
        assert answer.status_code == 400, answer.content[:300]
        said = f"{way.removeprefix('.')}: holds a character that can't be stored."
        assert answer.json()["detail"] == said
