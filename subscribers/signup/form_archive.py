"""Sign-up forms that are no longer wanted: put away, or deleted while nobody has used them."""

from django.db import transaction
from django.utils import timezone

from subscribers.models import ConsentEvent, SignupForm, SignupRequest


def archive(form: SignupForm) -> None:
    """Close a form and put it away; what people agreed to through it stays."""
    SignupForm.objects.filter(pk=form.pk, archived_at=None).update(
        archived_at=timezone.now(), is_active=False
    )


def restore(form: SignupForm) -> None:
    """Take a form out of the archive, still closed."""
    SignupForm.objects.filter(pk=form.pk).update(archived_at=None)


def is_used(form: SignupForm) -> bool:
    """Say whether somebody signed up through a form or agreed to one of its wordings."""
    wordings = form.statements.values("statement")
    return (
        SignupRequest.objects.filter(form=form).exists()
        or form.tallies.filter(submitted__gt=0).exists()
        or ConsentEvent.objects.filter(
            workspace_id=form.workspace_id, statement__in=wordings
        ).exists()
    )


@transaction.atomic
def delete(form: SignupForm) -> bool:
    """Delete a form that nobody has used; False: somebody has, so it stays."""
    SignupForm.objects.select_for_update().filter(pk=form.pk).first()
    if is_used(form):
        return False
    form.delete()
    return True
