"""Who belongs to a workspace: invitations, roles, leaving."""

import hashlib
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.mails import system_mail
from accounts.models import Invitation, Membership, SystemMail, User, Workspace
from accounts.roles import Role
from accounts.team import api_keys

INVITATION_LIFETIME = timedelta(days=7)
# Each invitation is a mail to a stranger in our name.
MOST_INVITATIONS = 20
PER = timedelta(hours=1)


class TeamError(Exception):
    """A change to the team that can't be made; the message says why, for people."""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def assignable_roles(role: str) -> list[Role]:
    """Return the roles that a member with this role may give to others: never above their own."""
    if role == Role.OWNER:
        return list(Role)
    if role == Role.ADMIN:
        return [Role.ADMIN, Role.EDITOR, Role.ANALYST]
    return []


@transaction.atomic
def invite(workspace: Workspace, *, email: str, role: str, by: Membership) -> Invitation:
    """Offer membership to an address and write down the mail that says so; see `system_mail`.

    An earlier offer to the same address is replaced, so only the newest link works.

    Raises:
        TeamError: the address belongs to a member, the role is above the inviter's, or the
            inviter, or their workspace, has sent `MOST_INVITATIONS` within the last hour.
    """
    email = email.strip().lower()
    if role not in assignable_roles(by.role):
        raise TeamError(_("You can't give a role above your own."))
    if workspace.memberships.filter(user__email__iexact=email).exists():
        raise TeamError(_("%(email)s is already a member.") % {"email": email})
    now = timezone.now()
    _refuse_too_many(workspace, by=by.user, now=now)
    # It expires instead of being deleted, because it counts among those that were sent.
    workspace.invitations.filter(email=email, accepted_at=None, expires_at__gt=now).update(
        expires_at=now
    )
    invitation = Invitation(
        workspace=workspace,
        email=email,
        role=role,
        invited_by=by.user,
        created_at=now,
        expires_at=now + INVITATION_LIFETIME,
    )
    invitation.token_hash = _hash(token_of(invitation))
    invitation.save()
    system_mail.put(SystemMail.Kind.INVITATION, workspace=workspace.pk, invitation_id=invitation.pk)
    return invitation


def resend(invitation: Invitation, *, by: Membership) -> Invitation:
    """Replace an open offer by a new one, with a new link and the whole time to accept it.

    Raises:
        TeamError: see `invite`.
    """
    return invite(invitation.workspace, email=invitation.email, role=invitation.role, by=by)


def revoke(invitation: Invitation) -> None:
    """Cancel an open offer; its link stops working."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(expires_at=timezone.now())


def _refuse_too_many(workspace: Workspace, *, by: User, now: datetime) -> None:
    # Whoever invites at the same moment waits for the one before, so that none is missed.
    User.objects.select_for_update().only("id").get(pk=by.pk)
    Workspace.objects.select_for_update().only("id").get(pk=workspace.pk)
    lately = Invitation.objects.filter(created_at__gt=now - PER)
    most = max(lately.filter(workspace=workspace).count(), lately.filter(invited_by=by).count())
    if most >= MOST_INVITATIONS:
        text = _("%(n)s invitations went out within an hour. Try again later.")
        raise TeamError(text % {"n": most})


def token_of(invitation: Invitation) -> str:
    """Return the secret of the mailed link.

    It follows from SECRET_KEY and the row, so that it need not be kept or carried anywhere.
    """
    parts = (invitation.workspace_id, invitation.email, invitation.created_at.isoformat())
    made = salted_hmac("accounts.invitation", "\n".join(map(str, parts)), algorithm="sha256")
    return urlsafe_b64encode(made.digest()[:24]).decode()


def find_invitation(token: str) -> Invitation | None:
    """Return the open invitation that this secret belongs to, or None."""
    return open_invitation(token_hash=_hash(token))


def open_invitation(**which: object) -> Invitation | None:
    """Return an invitation that can be accepted now, or None.

    It offers no more than its inviter may still give: it ends with their rights.
    """
    found = (
        Invitation.objects.select_related("workspace", "invited_by")
        .filter(**which, accepted_at=None, expires_at__gt=timezone.now())
        .first()
    )
    return found if found and _still_offered(found) else None


def _still_offered(invitation: Invitation) -> bool:
    # Locked within a transaction, so that nobody is demoted between the look and the joining.
    inviters = Membership.objects.filter(
        workspace=invitation.workspace, user=invitation.invited_by_id, user__is_active=True
    )
    if connection.in_atomic_block:
        inviters = inviters.select_for_update(of=("self",))
    role = inviters.values_list("role", flat=True).first()
    return role is not None and invitation.role in assignable_roles(role)


@transaction.atomic
def accept(invitation: Invitation, *, user: User) -> bool:
    """Make the user a member; False when the invitation ended or was used meanwhile."""
    if not _still_offered(invitation):
        return False
    now = timezone.now()
    won = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=now).update(
        accepted_at=now
    )
    if not won:
        return False
    Membership.objects.get_or_create(
        workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
    )
    return True


class InvitationGone(Exception):  # noqa: N818 - what people read is that it is gone
    """The invitation ended or was used meanwhile; nothing was made."""


@transaction.atomic
def join(invitation: Invitation, *, password: str, name: str) -> User:
    """Make an account and a member of it, or neither.

    Raises:
        InvitationGone: the invitation ended, or was used by another request.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name)
    except IntegrityError as error:  # the same form, sent twice
        raise InvitationGone from error
    if not accept(invitation, user=user):
        raise InvitationGone
    return user


def end_beyond(workspace: Workspace, user: User, *, role: str) -> None:
    """End what a member made when they had more rights: keys and offers that go beyond ``role``."""
    api_keys.revoke_made_by(workspace, user, beyond=role)
    now = timezone.now()
    offers = Invitation.objects.filter(workspace=workspace, invited_by=user, accepted_at=None)
    offers.filter(expires_at__gt=now).exclude(role__in=assignable_roles(role)).update(
        expires_at=now
    )


def _other_owner_exists(membership: Membership) -> bool:
    # Locked, so that two owners who leave at once can't both be "not the last".
    owners = (
        Membership.objects.select_for_update(of=("self",))
        .filter(workspace=membership.workspace, role=Role.OWNER, user__is_active=True)
        .values_list("pk", flat=True)
    )
    return any(pk != membership.pk for pk in owners)


def owned_alone_by(user: User) -> list[Workspace]:
    """Return the workspaces that would be without an owner who can sign in if this user were."""
    others = Membership.objects.filter(
        workspace=OuterRef("pk"), role=Role.OWNER, user__is_active=True
    ).exclude(user=user)
    owned = Workspace.objects.filter(memberships__user=user, memberships__role=Role.OWNER)
    return list(owned.filter(~Exists(others)))


@transaction.atomic
def change_role(membership: Membership, *, role: str, by: Membership) -> None:
    """Give a member another role. Their API keys and invitations that go beyond it end.

    Raises:
        TeamError: the role is above the giver's, or the workspace would lose its last owner.
    """
    allowed = assignable_roles(by.role)
    if role not in allowed or membership.role not in allowed:
        raise TeamError(_("You can't change a role above your own."))
    if membership.role == Role.OWNER and role != Role.OWNER and not _other_owner_exists(membership):
        raise TeamError(_("A workspace needs an owner. Appoint another one first."))
    Membership.objects.filter(pk=membership.pk).update(role=role)
    end_beyond(membership.workspace, membership.user, role=role)


@transaction.atomic
def remove(membership: Membership, *, by: Membership) -> None:
    """Take a member out of the workspace (oneself too). Their API keys end.

    Raises:
        TeamError: the member's role is above the remover's, or the last owner would leave.
    """
    if membership.pk != by.pk and membership.role not in assignable_roles(by.role):
        raise TeamError(_("You can't remove a member whose role is above your own."))
    if membership.role == Role.OWNER and not _other_owner_exists(membership):
        raise TeamError(_("A workspace needs an owner. Appoint another one first."))
    api_keys.revoke_made_by(membership.workspace, membership.user)
    membership.delete()
