"""The brake of a workspace whose confirmation mails go unanswered.

List bombing signs strangers' addresses up by the hundred; its mark is that hardly anybody
confirms. Then sign-ups without proof of work are held for a member to look at, and the proof
becomes harder. Everything else goes on, and the brake releases itself.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from subscribers.models import SignupBrake, SignupTally

WINDOW = timedelta(hours=6)
ENOUGH = 50  # mails within the window before anything is concluded
FEWEST_ANSWERS = 0.15  # of them confirmed; usual are 40 % and more
HOLDS_FOR = timedelta(hours=1)  # after the last suspicious moment


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Confirmation mails within the window, and how many were answered."""

    mailed: int
    confirmed: int

    @property
    def is_suspicious(self) -> bool:
        """Say whether so few answered that strangers' addresses must have been typed."""
        return self.mailed >= ENOUGH and self.confirmed < self.mailed * FEWEST_ANSWERS


def answers(workspace_id: int) -> Answers:
    """Count the window's mails and confirmations over all forms of a workspace."""
    sums = SignupTally.objects.filter(
        form__workspace_id=workspace_id, hour__gt=timezone.now() - WINDOW
    ).aggregate(mailed=Sum("mailed"), confirmed=Sum("confirmed"))
    return Answers(mailed=sums["mailed"] or 0, confirmed=sums["confirmed"] or 0)


def pull(workspace_id: int) -> bool:
    """Pull the brake or hold it longer if need be; True: it was not pulled before."""
    found = answers(workspace_id)
    if not found.is_suspicious:
        return False
    now = timezone.now()
    brake, is_new = SignupBrake.objects.get_or_create(
        workspace_id=workspace_id,
        defaults={
            "until": now + HOLDS_FOR,
            "mailed": found.mailed,
            "confirmed": found.confirmed,
        },
    )
    if is_new:
        return True
    figures = {"mailed": found.mailed, "confirmed": found.confirmed, "until": now + HOLDS_FOR}
    again = SignupBrake.objects.filter(pk=brake.pk, until__lte=now).update(since=now, **figures)
    if not again:
        SignupBrake.objects.filter(pk=brake.pk).update(**figures)
    return bool(again)


def pulled(workspace_id: int) -> SignupBrake | None:
    """Return the brake while it holds, else None."""
    return SignupBrake.objects.filter(workspace_id=workspace_id, until__gt=timezone.now()).first()
