"""Invitations, roles and leaving: who may do what to whom."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Invitation, Membership, User
from accounts.roles import Permission, Role, may
from accounts.team import api_keys, team


def membership(user, workspace):
    return Membership.objects.get(user=user, workspace=workspace)


def invited(workspace, **fields) -> str:
    return team.token_of(team.invite(workspace, **fields))


@pytest.mark.parametrize(
    ("role", "permission", "allowed"),
    [
        (Role.ANALYST, Permission.VIEW, True),
        (Role.ANALYST, Permission.EDIT, False),
        (Role.EDITOR, Permission.SEND, True),
        (Role.EDITOR, Permission.MANAGE, False),
        (Role.ADMIN, Permission.MANAGE, True),
        (Role.ADMIN, Permission.OWN, False),
        (Role.OWNER, Permission.OWN, True),
    ],
)
def test_roles_allow_exactly_what_they_say(role, permission, allowed):
    assert may(role, permission) is allowed


def test_an_invitation_makes_a_member_once(cast):
    inviter = membership(cast.owner, cast.workspace)
    token = invited(cast.workspace, email="New@Example.org", role=Role.EDITOR, by=inviter)
    invitation = team.find_invitation(token)
    user = User.objects.create_user("new@example.org", "a good password")

    assert team.accept(invitation, user=user) is True
    assert membership(user, cast.workspace).role == Role.EDITOR
    assert team.accept(invitation, user=user) is False
    assert team.find_invitation(token) is None


def test_the_secret_of_an_invitation_is_not_stored(cast):
    inviter = membership(cast.owner, cast.workspace)
    token = invited(cast.workspace, email="new@example.org", role=Role.EDITOR, by=inviter)
    assert token not in str(Invitation.objects.values().get())


def test_only_the_newest_invitation_to_an_address_works(cast):
    inviter = membership(cast.owner, cast.workspace)
    old = invited(cast.workspace, email="new@example.org", role=Role.EDITOR, by=inviter)
    new = invited(cast.workspace, email="new@example.org", role=Role.ANALYST, by=inviter)
    assert team.find_invitation(old) is None
    assert team.find_invitation(new).role == Role.ANALYST


def test_sending_an_invitation_again_replaces_it_with_its_role_and_within_the_limits(cast):
    owner = membership(cast.owner, cast.workspace)
    first = team.invite(cast.workspace, email="new@example.org", role=Role.OWNER, by=owner)
    second = team.resend(first, by=owner)
    assert (second.email, second.role) == (first.email, first.role)
    assert second.expires_at > first.expires_at
    assert team.find_invitation(team.token_of(first)) is None
    assert team.find_invitation(team.token_of(second)) == second

    admin = Membership.objects.create(
        user=User.objects.create_user("admin@example.org", "a good password"),
        workspace=cast.workspace,
        role=Role.ADMIN,
    )
    with pytest.raises(team.TeamError, match="above your own"):
        team.resend(second, by=admin)
    for _again in range(team.MOST_INVITATIONS - 2):
        second = team.resend(second, by=owner)
    with pytest.raises(team.TeamError, match="Try again later"):
        team.resend(second, by=owner)
    assert team.find_invitation(team.token_of(second)) == second


def test_an_invitation_ends(cast):
    inviter = membership(cast.owner, cast.workspace)
    token = invited(cast.workspace, email="new@example.org", role=Role.EDITOR, by=inviter)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert team.find_invitation(token) is None


def test_nobody_gives_a_role_above_their_own(cast):
    editor = membership(cast.editor, cast.workspace)
    with pytest.raises(team.TeamError, match="above your own"):
        team.invite(cast.workspace, email="new@example.org", role=Role.ANALYST, by=editor)
    admin = Membership(workspace=cast.workspace, user=cast.owner, role=Role.ADMIN)
    with pytest.raises(team.TeamError, match="above your own"):
        team.invite(cast.workspace, email="new@example.org", role=Role.OWNER, by=admin)


def test_a_member_is_not_invited_again(cast):
    inviter = membership(cast.owner, cast.workspace)
    with pytest.raises(team.TeamError, match="already a member"):
        team.invite(cast.workspace, email=cast.editor.email.upper(), role=Role.EDITOR, by=inviter)


def test_the_last_owner_stays(cast):
    owner = membership(cast.owner, cast.workspace)
    with pytest.raises(team.TeamError, match="needs an owner"):
        team.remove(owner, by=owner)
    with pytest.raises(team.TeamError, match="needs an owner"):
        team.change_role(owner, role=Role.EDITOR, by=owner)
    assert membership(cast.owner, cast.workspace).role == Role.OWNER


def test_an_owner_may_leave_when_another_stays(cast):
    owner = membership(cast.owner, cast.workspace)
    team.change_role(membership(cast.editor, cast.workspace), role=Role.OWNER, by=owner)
    team.remove(owner, by=owner)
    assert not Membership.objects.filter(user=cast.owner, workspace=cast.workspace).exists()


def test_an_analyst_removes_nobody_but_themselves(cast):
    analyst = membership(cast.analyst, cast.workspace)
    with pytest.raises(team.TeamError, match="above your own"):
        team.remove(membership(cast.editor, cast.workspace), by=analyst)
    team.remove(analyst, by=analyst)
    assert not Membership.objects.filter(user=cast.analyst).exists()


def test_a_link_needs_the_secret_key_and_its_own_row(cast, settings):
    inviter = membership(cast.owner, cast.workspace)
    offers = [
        team.invite(cast.workspace, email=f"{name}@example.org", role=Role.EDITOR, by=inviter)
        for name in ("a", "b")
    ]
    tokens = {team.token_of(Invitation.objects.get(pk=offer.pk)) for offer in offers}
    assert {team.find_invitation(token) for token in tokens} == set(offers)
    settings.SECRET_KEY = "another"
    assert team.find_invitation(team.token_of(offers[0])) is None


def keys_of(cast, maker):
    make = api_keys.create
    return {role: make(cast.workspace, name=role, role=role, by=maker) for role in Role}


def test_the_api_keys_of_a_removed_member_end_and_others_keep_theirs(cast):
    by = membership(cast.owner, cast.workspace)
    theirs, others = keys_of(cast, cast.editor), keys_of(cast, cast.owner)
    team.remove(membership(cast.editor, cast.workspace), by=by)
    assert not any(map(api_keys.find, theirs.values()))
    assert all(map(api_keys.find, others.values()))


def test_with_a_lower_role_the_keys_that_may_do_more_end(cast):
    by = membership(cast.owner, cast.workspace)
    theirs = keys_of(cast, cast.editor)
    team.change_role(membership(cast.editor, cast.workspace), role=Role.ANALYST, by=by)
    assert [role for role, key in theirs.items() if api_keys.find(key)] == [Role.ANALYST]
