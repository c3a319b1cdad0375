"""Who may open which address: visitors only what is public, outsiders nothing of ours."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.architecture.addresses import ROWS, Address, every_address
from tests.architecture.files import ROOT, python_files

if TYPE_CHECKING:
    from tests.people import Cast

# Open to everybody. Each is here for a reason; a new address is closed unless it is added.
PUBLIC = {
    "favicon",
    "health_live",
    "health_ready",
    # Signing in, and getting in again.
    "account_login",
    "account_logout",
    "account_signup",
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "set_language",
    "invitation_accept",
    # Subscribers have no account; their links carry signed tokens.
    "public_signup",
    "public_signup_done",
    "public_signup_frame",
    "public_signup_challenge",
    # The script that other sites load; the same for everybody.
    "public_embed_script",
    "public_confirm",
    "track_open",
    "track_click",
    "unsubscribe",
    "preferences",
    "know",
    "know_json",
    "web_version",
    # Providers have no account; what they send is signed, or carries a password.
    "provider_webhook",
    # A mail server hands bounces in; the address holds an unguessable word.
    "bounce_pipe",
    # What emails show: under unguessable names.
    "media_file",
}
# Guarded by an API key instead of a session (tests/api).
BY_KEY = "api/v1/"
# For everybody who is signed in, whatever their role or workspace.
SIGNED_IN = {
    "account_change_password",
    "profile",
    "set_theme",
    "workspace_none",
    "workspace_new",
}
CLOSED = {403, 404, 405}
# A download that a bare row has not got: not found by its owner either.
EMPTY = {"import_errors", "migration_report"}

EVERY = every_address()
ADDRESSES = [
    address
    for address in EVERY
    if address.name not in PUBLIC and not address.route.startswith(BY_KEY)
]
CONSOLE = [address for address in ADDRESSES if address.name not in SIGNED_IN]
WITH_ROWS = [address for address in ADDRESSES if address.parameters]


def fill(address: Address, values: dict[str, int]) -> str:
    path = f"/{address.route}"
    for name in address.parameters:
        path = path.replace(f"<int:{name}>", str(values[name]))
    assert "<" not in path, f"{address.route}: only numbers name rows of a workspace"
    return path


def by_name(address: Address) -> str:
    return address.name or address.route


@pytest.mark.parametrize("address", ADDRESSES, ids=by_name)
def test_a_visitor_is_sent_to_sign_in(address: Address, client: Client, db: None) -> None:
    path = fill(address, dict.fromkeys(address.parameters, 1))
    inside = f"/kopi-senja{path}" if address.name not in SIGNED_IN else path
    for response in (client.get(path), client.post(path), client.get(inside), client.post(inside)):
        if response.status_code != 405:
            assert response.status_code == 302, f"{path}: {response.status_code}"
            assert response.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("address", ADDRESSES, ids=by_name)
def test_every_page_says_which_permission_it_needs(address: Address) -> None:
    if address.name not in SIGNED_IN:
        assert hasattr(address.view, "permission"), f"{address.route} lacks @member(…)"


@pytest.mark.parametrize("address", CONSOLE, ids=by_name)
def test_nobody_else_finds_a_workspace_by_its_address(
    address: Address,
    cast: "Cast",
    signed_in: Callable[..., Client],
    redis_client: object,
) -> None:
    values = {name: ROWS[name](cast.workspace) for name in address.parameters}
    path = f"/{cast.workspace.slug}{fill(address, values)}"
    client = signed_in(cast.outsider)
    for response in (client.get(path), client.post(path), client.post(path, {"name": "Mine now"})):
        assert response.status_code in {404, 405}, f"{path}: {response.status_code}"


@pytest.mark.parametrize("address", CONSOLE, ids=by_name)
def test_no_workspace_is_guessed_for_what_is_saved(address: Address, cast: "Cast") -> None:
    path = fill(address, dict.fromkeys(address.parameters, 1))
    client = Client()
    client.force_login(cast.owner)
    assert client.post(path, {"name": "Whose?"}).status_code in {405, 409}
    led = client.get(f"{path}?q=a%2Fb")
    if led.status_code != 405:
        assert (led.status_code, led["Location"]) == (302, f"/kopi-senja{path}?q=a%2Fb")


@pytest.mark.parametrize("address", EVERY, ids=by_name)
def test_only_pages_of_a_workspace_stand_under_its_name(address: Address, cast: "Cast") -> None:
    if hasattr(address.view, "permission"):
        return
    path = re.sub(r"<[^>]*>|[?^$(){}|\\]|\[.*?\]|P<\w+>", "x", f"/kopi-senja/{address.route}")
    client = Client()
    client.force_login(cast.owner)
    assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("address", WITH_ROWS, ids=by_name)
def test_an_outsider_finds_nothing_of_another_workspace(
    address: Address,
    cast: "Cast",
    signed_in: Callable[..., Client],
    redis_client: object,
) -> None:
    values = {name: ROWS[name](cast.workspace) for name in address.parameters}
    path = f"/{cast.other_workspace.slug}{fill(address, values)}"
    client = signed_in(cast.outsider)
    for response in (client.get(path), client.post(path), client.post(path, {"name": "Mine now"})):
        assert response.status_code in CLOSED, f"{path}: {response.status_code}"


@pytest.mark.parametrize(
    "address", [address for address in WITH_ROWS if address.name not in EMPTY], ids=by_name
)
def test_the_rows_of_the_walk_are_rows_that_the_owner_can_open(
    address: Address,
    cast: "Cast",
    signed_in: Callable[..., Client],
    redis_client: object,
) -> None:
    """The walk would be worth nothing if its rows were found by nobody."""
    path = fill(address, {name: ROWS[name](cast.workspace) for name in address.parameters})
    assert signed_in(cast.owner).get(path).status_code != 404, path


def test_views_look_a_row_up_in_one_way() -> None:
    """`own` asks for the workspace. Delivery has rows of the whole installation, too."""
    found = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if "views" in path.parts and "get_object_or_404(" in path.read_text(encoding="utf-8")
    }
    assert {path for path in found if not path.startswith("delivery/")} == set()
