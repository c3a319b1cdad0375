"""What ends with somebody's rights, however they lost them: here, in the admin, in a shell.

`api_keys.find` and `team.open_invitation` ask for the rights of today anyway. This ends keys and
invitations for good, so that none of them comes back with a person who comes back.
"""

from typing import Any

from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from accounts.models import ApiKey, Invitation, Membership, User
from accounts.team import team


@receiver(post_delete, sender=Membership)
def end_with_membership(instance: Membership, **_: Any) -> None:
    """End the keys and open invitations that somebody made in a workspace they have left."""
    ApiKey.objects.filter(
        workspace_id=instance.workspace_id, created_by=instance.user_id, revoked_at=None
    ).update(revoked_at=timezone.now())
    _end_invitations(workspace=instance.workspace_id, invited_by=instance.user_id)


@receiver(post_save, sender=Membership)
def end_with_role(instance: Membership, *, created: bool, **_: Any) -> None:
    """End the keys and invitations that go beyond what their maker may do now."""
    if not created:
        team.end_beyond(instance.workspace, instance.user, role=instance.role)


@receiver(post_save, sender=User)
def end_with_account(instance: User, **_: Any) -> None:
    """End what an account made that was set inactive."""
    if not instance.is_active:
        _end_all_of(instance)


@receiver(pre_delete, sender=User)
def end_with_deletion(instance: User, **_: Any) -> None:
    """End what an account made before nothing tells any more that it did."""
    _end_all_of(instance)


def _end_all_of(user: User) -> None:
    ApiKey.objects.filter(created_by=user, revoked_at=None).update(revoked_at=timezone.now())
    _end_invitations(invited_by=user)


def _end_invitations(**which: Any) -> None:
    now = timezone.now()
    Invitation.objects.filter(**which, accepted_at=None, expires_at__gt=now).update(expires_at=now)
