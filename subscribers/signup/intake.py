"""A sign-up's way in: written down at once, taken in (or held) a moment later in the background.

The page that somebody typed an address into writes one row and enqueues one task, whoever the
address belongs to: so neither its words nor its time tell who is known. What is held waits here for
a member, and is forgotten after `KEPT`.
"""

from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.background import set_aside
from accounts.models import Workspace
from subscribers.addresses import addresses
from subscribers.consent import ledger
from subscribers.fields.problems import Problem
from subscribers.models import SignupForm, SignupRequest
from subscribers.signup import brake, figures, signup
from subscribers.signup.signup import SignUp, SignupMail
from subscribers.signup.visitors import Origin
from subscribers.states import ConsentSource

KEPT = timedelta(days=14)
OVERDUE = timedelta(minutes=1)  # waiting so long means that the task was lost
HeldFor = SignupRequest.HeldFor


def receive(form: SignupForm, *, sign_up: SignUp, is_proven: bool, origin: Origin) -> SignupRequest:
    """Write a sign-up down, to be taken in by `take`."""
    return SignupRequest.objects.create(
        workspace=form.workspace,
        form=form,
        email=sign_up.address.email,
        details={
            "first_name": sign_up.first_name,
            "last_name": sign_up.last_name,
            "language": sign_up.language,
            "fields": dict(sign_up.fields),
            "lists": list(sign_up.lists),
        },
        statement=form.statement,
        ip=origin["ip"],
        user_agent=ledger.printable(origin["user_agent"])[: ledger.LONGEST_USER_AGENT],
        is_proven=is_proven,
    )


def take(request_id: int) -> SignupMail | None:
    """Take a sign-up in or hold it; returns the mail to send. Twice at once does it once.

    With a mail the row stays until `hand_on` has queued it: whatever ends the process or the broker
    in between, beat finds it again.
    """
    with transaction.atomic():
        waiting = SignupRequest.objects.filter(held_for="", letter__isnull=True)
        row = _locked(waiting.filter(pk=request_id))
        if row is None:
            return None
        figures.count(row.form_id, "submitted")
        reason = _reason_to_hold(row)
        if reason:
            figures.count(row.form_id, "held")
            SignupRequest.objects.filter(pk=row.pk).update(held_for=reason)
            return None
        return _take_in(row)


def hand_on(request_id: int, *, queue: Callable[[SignupMail, datetime], object]) -> bool:
    """Queue the mail of a sign-up that was taken in, and forget the sign-up; False: none waits.

    ``queue`` gets the mail and when it was asked for; whatever it raises is raised, and the mail
    waits on. Twice at once does it once.
    """
    with transaction.atomic():
        row = _locked(SignupRequest.objects.filter(pk=request_id, letter__isnull=False))
        if row is None or row.letter is None:
            return False
        mail = SignupMail(**{**row.letter, "lists": tuple(row.letter["lists"])})
        queue(mail, row.created_at)
        row.delete()
    return True


def hold(request_id: int) -> None:
    """Hold a sign-up that could not be taken in, for a member to look at."""
    SignupRequest.objects.filter(pk=request_id, held_for="").update(
        held_for=HeldFor.FAILED, letter=None
    )


def approve(workspace: Workspace, *, ids: Collection[int]) -> list[int]:
    """Take held sign-ups in after all; returns those with a mail for `hand_on`, by id.

    They still have to be confirmed by mail.
    """
    taken = []

    def approve_one(request_id: int) -> None:
        with transaction.atomic():
            row = _locked(SignupRequest.objects.filter(workspace=workspace, pk=request_id))
            letter = _take_in(row) if row and row.held_for else None
        if letter:
            taken.append(request_id)

    set_aside.each("sign-up", ids, approve_one, name="sign-up {}".format)
    return taken


def reject(workspace: Workspace, *, ids: Collection[int]) -> int:
    """Forget held sign-ups; nobody is told. Returns how many there were."""
    deleted, _ = (
        SignupRequest.objects.filter(workspace=workspace, pk__in=ids).exclude(held_for="").delete()
    )
    return deleted


def forget_old() -> int:
    """Forget what nobody decided on in time; returns how many."""
    deleted, _ = SignupRequest.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return deleted


def overdue() -> list[int]:
    """Return sign-ups whose task was lost, or whose mail could not be queued, by id."""
    waiting = SignupRequest.objects.filter(
        held_for="", created_at__lt=timezone.now() - OVERDUE
    ).order_by("created_at")
    return list(waiting.values_list("pk", flat=True)[:1_000])


def _locked(rows: Any) -> SignupRequest | None:
    found: SignupRequest | None = (
        rows.select_related("form__workspace", "statement")
        .select_for_update(of=("self",), skip_locked=True)
        .first()
    )
    return found


def _reason_to_hold(row: SignupRequest) -> str:
    if row.is_proven:
        return ""
    if row.form.protection == SignupForm.Protection.STRICT:
        return str(HeldFor.STRICT)
    return str(HeldFor.UNANSWERED) if brake.pulled(row.workspace_id) else ""


def _take_in(row: SignupRequest) -> SignupMail | None:
    details = row.details
    row.form.statement = row.statement  # the words that were shown, whatever the form says now
    stored = SignupRequest.objects.filter(pk=row.pk)
    try:
        address = addresses.normalise(row.email)
    except Problem:
        stored.delete()
        return None
    letter = signup.take(
        row.form,
        sign_up=SignUp(
            address=address,
            first_name=details["first_name"],
            last_name=details["last_name"],
            language=details["language"],
            fields=details["fields"],
            lists=tuple(details["lists"]),
        ),
        is_proven=row.is_proven,
        source=ConsentSource.FORM,
        at=row.created_at,
        ip=row.ip,
        user_agent=row.user_agent,
    )
    if letter is None:
        stored.delete()
        return None
    stored.update(letter=asdict(letter), held_for="")
    if letter.token:
        figures.count(row.form_id, "mailed")
    return letter
