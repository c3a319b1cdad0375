"""An attack list, tried against the pages themselves."""

import re
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import reverse

import config.celery  # noqa: F401 - its tasks know of commits
from accounts.models import Membership, User
from tests.people import PASSWORD, Cast

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "https:///evil.example",
    "/%09/evil.example",
    " https://evil.example",
    "data:text/html,x",
]


@pytest.mark.parametrize("where", ELSEWHERE)
def test_nobody_is_led_elsewhere(client: Client, cast: Cast, where: str) -> None:
    answer: Any = client.post(
        reverse("account_login"),
        {"login": cast.owner.email, "password": PASSWORD, "next": where},
    )
    assert answer.status_code == 302
    assert "evil" not in answer.url or answer.url.startswith("/%09")
    assert not answer.url.startswith(("//", "javascript", "data", "http"))
    language: Any = client.post(reverse("set_language"), {"language": "id", "next": where})
    assert language.status_code == 302
    assert not language.url.startswith(("//", "javascript", "data", "http", "\\", "/\\"))


def test_the_host_header_is_checked(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["news.example.com"]
    assert client.get("/sign-in/", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/sign-in/", headers={"host": "news.example.com"}).status_code == 200


def test_signing_in_makes_a_new_session(client: Client, cast: Cast) -> None:
    client.get("/sign-in/")
    session = client.session
    session["x"] = "1"
    session.save()
    name = configured.SESSION_COOKIE_NAME
    client.cookies[name] = str(session.session_key)
    client.post(reverse("account_login"), {"login": cast.owner.email, "password": PASSWORD})
    assert client.cookies[name].value != session.session_key
    assert client.cookies[name]["httponly"]
    assert client.cookies[name]["samesite"] == "Lax"


def test_every_form_of_members_asks_for_its_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.owner)
    for path in ("/profile/", "/settings/", "/settings/team/", "/settings/api-keys/", "/sign-out/"):
        assert client.post(path, {"name": "x"}).status_code == 403


def test_pages_are_framed_by_none_but_ourselves(owner_client: Client) -> None:
    for path in ("/sign-in/", "/settings/team/", "/nowhere/"):
        answer = owner_client.get(path)
        assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "query",
    [
        "search=" + "a" * 20_000,
        "search=" + "(" * 3000,
        "search=%25%25%25%5C%5C",
        "before=" + "9" * 500,
        "page=-1",
        "page=99999999999999999999",
        "list=%00",
        "tag=%F0%9F%92%A9",
        "order=;DROP",
        "&".join(f"a{number}=1" for number in range(5000)),
        "from=..%2f..%2fetc%2fpasswd",
        "segment=-0",
    ],
)
@pytest.mark.parametrize(
    "path",
    ["/subscribers/", "/campaigns/", "/suppressions/", "/search/", "/subscribers/migrate/new/"],
)
def test_no_query_makes_an_error_of_ours(owner_client: Client, path: str, query: str) -> None:
    owner_client.raise_request_exception = False
    assert owner_client.get(f"{path}?{query}").status_code < 500


def test_a_profile_takes_only_its_own_fields(editor_client: Client, editor: User) -> None:
    editor_client.post(
        "/profile/",
        {
            "name": "Budi",
            "is_staff": "on",
            "is_superuser": "on",
            "is_active": "",
            "email": "evil@example.org",
            "role": "owner",
        },
    )
    editor.refresh_from_db()
    assert (editor.is_staff, editor.is_superuser, editor.is_active) == (False, False, True)
    assert editor.email == "budi@kopisenja.example"
    assert Membership.objects.get(user=editor).role == "editor"


def test_an_admin_makes_nobody_an_owner(admin_client: Client, cast: Cast) -> None:
    mine = Membership.objects.get(user=cast.admin)
    admin_client.post(reverse("member_role", args=[mine.pk]), {"role": "owner"})
    mine.refresh_from_db()
    assert mine.role == "admin"
    admin_client.post("/settings/team/", {"email": "baru@example.org", "role": "owner"})
    assert not cast.workspace.invitations.exists()


@pytest.mark.parametrize("value", ["x\r\nSet-Cookie: a=b", "x\nBcc: evil@example.org", "x\0y"])
def test_line_ends_reach_no_header(owner_client: Client, value: str) -> None:
    owner_client.raise_request_exception = False
    for path, fields in (
        ("/settings/team/", {"email": f"a@example.org{value}", "role": "editor"}),
        ("/language/", {"language": "id", "next": f"/{value}"}),
    ):
        answer = owner_client.post(path, fields)
        assert answer.status_code < 500
        assert "a=b" not in str(answer.cookies)
        assert not any("\n" in said for said in answer.headers.values())


def test_names_that_look_alike_sign_nobody_in(client: Client, cast: Cast) -> None:
    for name in ("sarı@kopisenja.example", "SARI@KOPİSENJA.example", "ѕari@kopisenja.example"):
        answer = client.post(reverse("account_login"), {"login": name, "password": PASSWORD})
        assert answer.status_code == 200


def test_invitations_and_resets_tell_nobody_who_is_known(client: Client, cast: Cast) -> None:
    def told(email: str) -> str:
        answer = client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        return re.sub(r'(?:nonce|value|content)="[^"]*"', "", answer.content.decode())

    assert told(cast.owner.email) == told("nobody@example.org")
    for token in ("x", "A" * 32, "..", "%00"):
        assert client.get(f"/invitation/{token}/").status_code in (400, 404)
