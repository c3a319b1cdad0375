"""The cast stands, and tests start on an empty Redis."""

from django.test import Client
from redis import Redis

from accounts.roles import Role
from tests.people import Cast


def test_the_cast_has_its_roles(cast: Cast) -> None:
    roles = {m.user.name: m.role for m in cast.workspace.memberships.select_related("user")}
    assert roles == {
        "Sari": Role.OWNER,
        "Made": Role.ADMIN,
        "Budi": Role.EDITOR,
        "Citra": Role.ANALYST,
    }
    assert list(cast.outsider.workspaces.all()) == [cast.other_workspace]


def test_clients_are_signed_in(owner_client: Client, cast: Cast) -> None:
    assert owner_client.session["_auth_user_id"] == str(cast.owner.pk)


def test_redis_is_empty_one(redis_client: Redis) -> None:
    assert redis_client.set("cup", 1, nx=True)


def test_redis_is_empty_two(redis_client: Redis) -> None:
    assert redis_client.set("cup", 1, nx=True)
