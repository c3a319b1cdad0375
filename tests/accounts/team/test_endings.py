"""Keys, invitations and sessions end with the rights of whoever made them, however these end."""

import re
import threading
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Membership, User, Workspace
from accounts.roles import Role
from accounts.team import account_mails, api_keys, team
from subscribers.models import SignupBrake
from subscribers.signup import mails
from tests.people import PASSWORD


@pytest.fixture
def root(client, db):
    """Sign an administrator of the installation in."""
    user = User.objects.create_superuser("root@kopisenja.example", PASSWORD)
    client.force_login(user)
    return client


def membership(user, workspace):
    return Membership.objects.get(user=user, workspace=workspace)


def key_of(cast, user, role=Role.EDITOR):
    return api_keys.create(cast.workspace, name="Toko", role=role, by=user)


def invitation_of(cast, user, role=Role.EDITOR):
    by = membership(user, cast.workspace)
    return team.invite(cast.workspace, email="baru@kopisenja.example", role=role, by=by)


def set_inactive(cast):
    User.objects.filter(pk=cast.admin.pk).update(is_active=False)


def save_inactive(cast):
    cast.admin.is_active = False
    cast.admin.save()


def demote_by_query(cast):
    Membership.objects.filter(user=cast.admin).update(role=Role.ANALYST)


def demote(cast):
    changed = membership(cast.admin, cast.workspace)
    team.change_role(changed, role=Role.ANALYST, by=membership(cast.owner, cast.workspace))


def remove(cast):
    team.remove(membership(cast.admin, cast.workspace), by=membership(cast.owner, cast.workspace))


def remove_by_query(cast):
    Membership.objects.filter(user=cast.admin).delete()


def delete_account(cast):
    cast.admin.delete()


WAYS = [
    set_inactive,
    save_inactive,
    demote_by_query,
    demote,
    remove,
    remove_by_query,
    delete_account,
]


@pytest.mark.parametrize("way", WAYS)
def test_keys_end_with_their_makers_rights(cast, client, way):
    key = key_of(cast, cast.admin)
    ask = {"path": "/api/v1/campaigns", "headers": {"Authorization": f"Bearer {key}"}}
    assert client.get(**ask).status_code == 200
    way(cast)
    assert client.get(**ask).status_code == 401


@pytest.mark.parametrize("way", WAYS)
def test_invitations_end_with_their_inviters_rights(cast, client, way):
    invitation = invitation_of(cast, cast.admin)
    token = team.token_of(invitation)
    page = reverse("invitation_accept", args=[token])
    assert client.get(page).status_code == 200
    way(cast)
    assert client.get(page).status_code == 404
    fields = {"name": "Baru", "password": "kopi-pagi-di-teras-9"}
    assert client.post(page, fields).status_code == 404
    assert not User.objects.filter(email=invitation.email).exists()
    assert team.open_invitation(pk=invitation.pk) is None


def test_who_comes_back_does_not_bring_the_old_keys_back(cast):
    key = key_of(cast, cast.admin)
    membership(cast.admin, cast.workspace).delete()
    Membership.objects.create(user=cast.admin, workspace=cast.workspace, role=Role.ADMIN)
    assert api_keys.find(key) is None
    other = key_of(cast, cast.editor)
    for is_active in (False, True):
        cast.editor.is_active = is_active
        cast.editor.save()
    assert api_keys.find(other) is None


def test_a_lower_role_leaves_the_invitations_that_it_may_still_give(cast):
    invitation = invitation_of(cast, cast.owner, role=Role.ANALYST)
    Membership.objects.filter(user=cast.editor).update(role=Role.OWNER)
    Membership.objects.filter(user=cast.owner).update(role=Role.ADMIN)
    assert team.open_invitation(pk=invitation.pk) is not None


def test_a_revoked_invitation_is_not_accepted_by_a_page_that_was_open(cast):
    invitation = invitation_of(cast, cast.owner)
    team.revoke(invitation)
    user = User.objects.create_user("baru@kopisenja.example", PASSWORD)
    assert team.accept(invitation, user=user) is False
    with pytest.raises(team.InvitationGone):
        team.join(invitation, password=PASSWORD, name="Baru")
    assert not Membership.objects.filter(user=user).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_joins_and_no_account_is_left(cast):
    invitation = invitation_of(cast, cast.owner)
    start, found = threading.Barrier(2), []

    def accept(name):
        start.wait()
        try:
            found.append(team.join(invitation, password=PASSWORD, name=name))
        except team.InvitationGone:
            found.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=[name]) for name in ("Satu", "Dua")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len([one for one in found if one]) == 1
    assert User.objects.filter(email=invitation.email).count() == 1
    assert Membership.objects.filter(user__email=invitation.email).count() == 1


def test_a_session_of_a_removed_or_inactive_member_opens_nothing(cast, editor_client, admin_client):
    membership(cast.editor, cast.workspace).delete()
    User.objects.filter(pk=cast.admin.pk).update(is_active=False)
    assert editor_client.get("/campaigns/").status_code == 404
    assert admin_client.get("/campaigns/").url.startswith(reverse("account_login"))


def demote_and_promote_by_the_page(cast):
    changed, by = membership(cast.admin, cast.workspace), membership(cast.owner, cast.workspace)
    for role in (Role.EDITOR, Role.ADMIN):
        team.change_role(changed, role=role, by=by)
        changed.refresh_from_db()


def demote_and_promote_by_the_model(cast):
    changed = membership(cast.admin, cast.workspace)
    for role in (Role.EDITOR, Role.ADMIN):
        changed.role = role
        changed.save()


@pytest.mark.parametrize("way", [demote_and_promote_by_the_page, demote_and_promote_by_the_model])
def test_who_gets_a_role_back_does_not_bring_old_invitations_back(cast, way):
    invitation = invitation_of(cast, cast.admin, role=Role.ADMIN)
    way(cast)
    assert team.open_invitation(pk=invitation.pk) is None


def link_in(mail):
    return urlsplit(re.search(r"https?://\S+", mail.body)[0]).path


def test_a_link_for_a_new_password_ends_with_the_account(cast, client):
    link = link_in(account_mails.password_reset(cast.admin.pk))
    opened = client.get(link, follow=True)
    form = opened.redirect_chain[-1][0]  # a session that got through the link holds it, too
    set_inactive(cast)
    new = {"password1": "kopi-pagi-di-teras-9", "password2": "kopi-pagi-di-teras-9"}
    client.post(form, new)
    client.get(link, follow=True)
    client.post(form, new)
    cast.admin.refresh_from_db()
    assert cast.admin.check_password(PASSWORD)
    User.objects.filter(pk=cast.admin.pk).update(is_active=True)
    client.post(form, new)
    cast.admin.refresh_from_db()
    assert cast.admin.check_password(new["password1"])  # it was the account that held it up


def test_a_password_that_the_admin_sets_ends_the_sessions_of_before(cast, root, admin_client):
    assert admin_client.get(reverse("campaign_list")).status_code == 200
    page = reverse("admin:auth_user_password_change", args=[cast.admin.pk])
    new = {"password1": "kopi-pagi-di-teras-9", "password2": "kopi-pagi-di-teras-9"}
    assert root.post(page, {**new, "usable_password": "true"}).status_code == 302
    cast.admin.refresh_from_db()
    assert cast.admin.check_password(new["password1"])
    assert admin_client.get(reverse("campaign_list")).url.startswith(reverse("account_login"))


def test_of_two_invitations_to_one_address_the_second_asks_to_sign_in(cast, client, monkeypatch):
    first = invitation_of(cast, cast.owner)
    second = team.invite(
        cast.other_workspace,
        email=first.email,
        role=Role.EDITOR,
        by=membership(cast.outsider, cast.other_workspace),
    )
    page = reverse("invitation_accept", args=[team.token_of(second)])
    real = team.join

    def join_late(invitation, **values):
        real(first, **values)  # the other page is sent while this one is on its way
        return real(invitation, **values)

    monkeypatch.setattr(team, "join", join_late)
    answer = client.post(page, {"name": "Baru", "password": "kopi-pagi-di-teras-9"}, follow=True)
    assert answer.status_code == 200
    assert "Sign in to accept" in answer.content.decode()
    user = User.objects.get(email=first.email)
    assert [one.workspace for one in user.memberships.all()] == [cast.workspace]
    client.force_login(user)
    assert client.post(page).status_code == 302
    assert user.memberships.filter(workspace=cast.other_workspace).exists()


@pytest.mark.parametrize("way", WAYS)
def test_mail_for_admins_that_waits_is_not_written_to_who_is_none_any_more(cast, way):
    until = timezone.now() + timedelta(hours=1)
    SignupBrake.objects.create(workspace=cast.workspace, until=until, mailed=60)
    admin = membership(cast.admin, cast.workspace)
    assert mails.brake_news(admin.pk) is not None
    way(cast)
    assert mails.brake_news(admin.pk) is None


@transaction.atomic
def change_and_check(change):
    change()
    connection.check_constraints()


def test_the_database_keeps_an_owner_in_each_workspace(cast):
    alone = Membership.objects.filter(user=cast.owner)

    def refuses(change):
        with pytest.raises(IntegrityError):
            change_and_check(change)

    refuses(alone.delete)
    refuses(lambda: alone.update(role=Role.ADMIN))
    refuses(User.objects.filter(pk=cast.owner.pk).delete)
    with transaction.atomic():  # in two statements, and with the whole workspace, it may go
        Membership.objects.filter(user=cast.owner).delete()
        Membership.objects.filter(user=cast.admin).update(role=Role.OWNER)
        connection.check_constraints()
    cast.other_workspace.delete()
    connection.check_constraints()


def test_the_database_keeps_an_owner_who_can_sign_in(cast):
    owners = [cast.owner, cast.admin]
    Membership.objects.filter(user=cast.admin).update(role=Role.OWNER)
    with transaction.atomic():
        set_inactive(cast)
        connection.check_constraints()
    for change in (
        User.objects.filter(pk=cast.owner.pk).update,
        User.objects.filter(pk__in=[one.pk for one in owners]).update,
    ):
        with pytest.raises(IntegrityError, match="who can sign in"):
            change_and_check(lambda change=change: change(is_active=False))
    with pytest.raises(IntegrityError, match="who can sign in"):
        change_and_check(Membership.objects.filter(user=cast.owner).delete)
    with transaction.atomic():  # an owner who can't sign in is no loss
        Membership.objects.filter(user=cast.admin).delete()
        connection.check_constraints()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "go",
    [
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: Membership.objects.filter(user=user).delete(),
    ],
)
def test_of_two_owners_who_go_at_once_one_stays(cast, go):
    Membership.objects.filter(user=cast.admin).update(role=Role.OWNER)
    both_have_gone, refused = threading.Barrier(2), []

    def leave(user):
        try:
            with transaction.atomic():
                go(user)
                both_have_gone.wait()
        except IntegrityError:
            refused.append(user)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=[one]) for one in (cast.owner, cast.admin)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(refused) == 1
    left = Membership.objects.filter(workspace=cast.workspace, role=Role.OWNER)
    assert [one.user for one in left.filter(user__is_active=True)] == refused


def test_the_admin_keeps_the_rules_of_the_team(cast, root):
    page = reverse("admin:accounts_user_change", args=[cast.owner.pk])
    fields = {"email": cast.owner.email, "name": "Sari", "language": "", "time_zone": ""}
    refused = root.post(page, fields)  # without is_active
    assert b"needs an owner" in refused.content
    cast.owner.refresh_from_db()
    assert cast.owner.is_active
    delete = reverse("admin:accounts_user_delete", args=[cast.owner.pk])
    assert root.post(delete, {"post": "yes"}).status_code == 403
    assert root.get(reverse("admin:accounts_membership_add")).status_code == 403


def test_the_admin_does_not_take_the_last_owner_out_of_a_team(cast, root):
    page = reverse("admin:accounts_workspace_change", args=[cast.workspace.pk])
    rows = list(Membership.objects.filter(workspace=cast.workspace).order_by("pk"))
    workspace = Workspace.objects.get(pk=cast.workspace.pk)
    fields = {
        name: getattr(workspace, name) or ""
        for name in ("name", "slug", "postal_address", "website", "brand_colour")
    } | {"default_language": "en", "time_zone": "UTC"}
    fields |= {
        "memberships-TOTAL_FORMS": len(rows),
        "memberships-INITIAL_FORMS": len(rows),
    }
    for number, row in enumerate(rows):
        prefix = f"memberships-{number}-"
        fields |= {
            f"{prefix}id": row.pk,
            f"{prefix}workspace": workspace.pk,
            f"{prefix}user": row.user_id,
            f"{prefix}role": row.role if row.role != Role.OWNER else Role.EDITOR,
        }
    refused = root.post(page, fields)
    assert b"A workspace needs an owner" in refused.content
    assert Membership.objects.filter(workspace=workspace, role=Role.OWNER).exists()
    assert Invitation.objects.count() == 0
