"""Mails that came back: searched, looked at as text, explained, read again, deleted."""

from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.background.waking import wake
from accounts.input.numbers import row_number
from accounts.roles import Permission
from delivery import tasks
from delivery.bounces import intake, proof, replaying, showing, words
from delivery.bounces.reading import MailKind, read
from delivery.events.feedback import Fate, Taken
from delivery.forms.bounces import TeachForm
from delivery.models import BounceReplay, Message, ReturnedMail, WordRule
from delivery.states import Effect, ReturnedState, Verdict
from subscribers.models import Subscriber

PAGE = 50
CERTAIN = 95  # of a match: a token of ours came back
TONES = {
    ReturnedState.KEPT: "ring",
    ReturnedState.APPLIED: "sent",
    ReturnedState.UNMATCHED: "skipped",
    ReturnedState.UNRECOGNISED: "waiting",
    ReturnedState.IGNORED: "skipped",
    ReturnedState.FAILED: "failed",
}


def _mails(request: MemberRequest) -> QuerySet[ReturnedMail]:
    return ReturnedMail.objects.filter(workspace=request.workspace)


def _find(request: MemberRequest, returned_id: int) -> ReturnedMail:
    return get_object_or_404(_mails(request).select_related("mailbox"), pk=returned_id)


@member(Permission.EDIT)
def returned_list(request: MemberRequest) -> HttpResponse:
    """Show returned mails, newest first, by state and by words."""
    chosen = _state(request.GET.get("state", ""))
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found = _mails(request).defer("raw").select_related("mailbox")
    counted = _mails(request).values_list("state").annotate(n=Count("pk"))
    counts = dict(counted.order_by())
    if chosen is not None:
        found = found.filter(state=chosen)
    if search:
        found = found.filter(
            Q(subject__icontains=search)
            | Q(sender__icontains=search)
            | Q(envelope_to__icontains=search)
            | Q(recipients__icontains=search)
        )
    before = row_number(request.GET.get("before", ""))
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    kept = {"state": str(chosen.value) if chosen else "", "q": search}
    context = {
        "rows": [_row(row) for row in rows[:PAGE]],
        "next": "?" + urlencode({**kept, "before": rows[PAGE - 1].pk}) if len(rows) > PAGE else "",
        "search": search,
        "state": chosen,
        "filters": _filters(counts, chosen, search),
        "whole": sum(counts.values()),
        "replay": BounceReplay.objects.filter(workspace=request.workspace).first(),
        "replay_states": _replay_states(request),
        "rules": WordRule.objects.filter(workspace=request.workspace).count(),
    }
    return render(request, "delivery/returned.html", context)


def _state(text: str) -> ReturnedState | None:
    number = row_number(text)
    return ReturnedState(number) if number in ReturnedState.values else None


def _row(row: ReturnedMail) -> dict[str, object]:
    effect = Effect(row.effect).label if row.effect in Effect.values else ""
    return {
        "mail": row,
        "kind": _kind(row.kind),
        "effect": effect,
        "tone": TONES[ReturnedState(row.state)],
    }


def _kind(name: str) -> str:
    known = MailKind.__members__.get(name.upper())
    return str(known.label) if known is not None else ""


def _filters(
    counts: dict[int, int], chosen: ReturnedState | None, search: str
) -> list[dict[str, object]]:
    words_of_search = {"q": search} if search else {}
    everything = {
        "label": _("All"),
        "href": "?" + urlencode(words_of_search),
        "active": chosen is None,
        "count": sum(counts.values()),
    }
    return [everything] + [
        {
            "label": state.label,
            "href": "?" + urlencode({"state": state.value, **words_of_search}),
            "active": chosen == state,
            "count": counts.get(state.value, 0),
        }
        for state in ReturnedState
        if counts.get(state.value) or chosen == state
    ]


def _replay_states(request: MemberRequest) -> list[tuple[str, int, int]]:
    """Return each state's number of mails before and after the last replay."""
    replay = BounceReplay.objects.filter(workspace=request.workspace).first()
    if replay is None:
        return []
    return [
        (
            str(state.label),
            replay.before.get(str(state.value), 0),
            replay.after.get(str(state.value), 0),
        )
        for state in ReturnedState
        if str(state.value) in replay.before or str(state.value) in replay.after
    ]


@member(Permission.EDIT)
def returned_mail(request: MemberRequest, returned_id: int) -> HttpResponse:
    """Show one mail as words or headers, what came of it, and ask what it is if nobody knows."""
    row = _find(request, returned_id)
    proven = _proven(row)
    form = TeachForm(
        request.POST or None, mail=row, is_proven=proven is not None, initial=_guess(row)
    )
    if request.method == "POST" and form.is_valid():
        return _teach(request, row, form)
    raw = bytes(row.raw)
    view = "headers" if request.GET.get("view") == "headers" else "text"
    message = _message(request, row)
    context = {
        **_row(row),
        "form": form,
        "is_proven": proven is not None,
        "certain": row.confidence >= CERTAIN,
        "asks": bool(raw) and row.state != ReturnedState.APPLIED,
        "view": view,
        "text": showing.text_of(raw) if view == "text" else "",
        "headers": [(name, showing.decoded(value)) for name, value in showing.headers_of(raw)]
        if view == "headers"
        else [],
        "message": message,
        "people": _people(row),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "delivery/returned_mail.html", context, status=status)


def _proven(row: ReturnedMail) -> int | None:
    token = proof.token_of_address(row.envelope_to)
    candidates = [token, *read(bytes(row.raw)).tokens] if row.raw else [token]
    sure = row.message_id if row.confidence >= intake.SURE else None
    return proof.of_workspace(candidates, row.workspace_id) or sure


def _guess(row: ReturnedMail) -> dict[str, str]:
    recipient = next(iter(row.recipients), "") or (words.only_person(row) if row.raw else "")
    return {"recipient": recipient}


def _message(request: MemberRequest, row: ReturnedMail) -> Message | None:
    if row.message_id is None:
        return None
    ours = Message.objects.filter(campaign__workspace=request.workspace, pk=row.message_id)
    return ours.select_related("campaign").first()


def _people(row: ReturnedMail) -> list[tuple[str, int | None]]:
    """Return the recipients, each with the subscriber's number if there is one."""
    keys = [one.lower() for one in row.recipients]
    known = Subscriber.objects.filter(workspace=row.workspace_id, email_key__in=keys)
    numbers = dict(known.values_list("email_key", "pk"))
    return [(one, numbers.get(one.lower())) for one in row.recipients]


def _teach(request: MemberRequest, row: ReturnedMail, form: TeachForm) -> HttpResponse:
    verdict = Verdict(form.cleaned_data["verdict"])
    taken = intake.teach(row, verdict, recipient=form.cleaned_data["recipient"])
    if form.cleaned_data["words"]:
        with transaction.atomic():
            WordRule.objects.update_or_create(
                workspace=request.workspace,
                words=form.cleaned_data["words"],
                defaults={"verdict": verdict, "created_by": request.user},
            )
    messages.add_message(request, *_answer(verdict, taken))
    return redirect("returned_mail", row.pk)


def _answer(verdict: Verdict, taken: Taken | None) -> tuple[int, str]:
    if verdict == Verdict.NO_BOUNCE:
        return messages.SUCCESS, _("Saved. This email changes nothing.")
    if taken is not None and taken.fate in {Fate.APPLIED, Fate.KNOWN}:
        return messages.SUCCESS, _("Counted. The person's page shows it.")
    if taken is not None and taken.fate == Fate.FAILED:
        return messages.ERROR, _("It could not be counted. Try again later.")
    return messages.WARNING, _("Saved, but no email of yours to this person was found.")


@require_POST
@member(Permission.EDIT)
def returned_delete(request: MemberRequest, returned_id: int) -> HttpResponse:
    """Delete a returned mail; what came of it stays."""
    _find(request, returned_id).delete()
    messages.success(request, _("The email is deleted."))
    return redirect("returned_list")


@require_POST
@member(Permission.EDIT)
def returned_replay(request: MemberRequest) -> HttpResponse:
    """Have all kept mails read once more."""
    replay = replaying.begin(request.workspace, by=request.user)
    wake(tasks.replay_returned, replay.pk)
    messages.success(request, _("All kept emails are being read again."))
    return redirect("returned_list")


@member(Permission.EDIT)
def word_rules(request: MemberRequest) -> HttpResponse:
    """Show the workspace's own rules of words; take one away."""
    rules = WordRule.objects.filter(workspace=request.workspace)
    if request.method == "POST":
        number = row_number(request.POST.get("rule", ""))
        rules.filter(pk=number or 0).delete()
        messages.success(
            request, _("The rule is deleted. Read kept emails again to see the effect.")
        )
        return redirect(reverse("word_rules"))
    context = {"rules": rules.select_related("created_by").order_by("pk")}
    return render(request, "delivery/word_rules.html", context)
