"""The settings of bounces: when an address is written to no more, and who decides."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.input.numbers import row_number
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from delivery.bounce_policy import effects, following, guard, lifting, rules, trying
from delivery.forms.bounce_policy import BouncePolicyForm, ExceptionForm
from delivery.models import BounceException, BouncePolicy, HeldBack, ProviderAlarm

SHOWN = 20  # of a trial's people
HELD_A_PAGE = 50


@member(Permission.MANAGE)
def bounces(request: MemberRequest) -> HttpResponse:
    """Show the policy with its exceptions and alarms; try other numbers, or keep them."""
    workspace = request.workspace
    policy = rules.of(workspace.pk)
    editing = Editing(request, workspace, part="bounces")
    form = editing.attach(BouncePolicyForm(request.POST or None, instance=policy))
    trial = None
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            trial = trying.of(workspace, form.save(commit=False))
        elif editing.save(form, lambda: _save(request, form), lambda: _stored(request)):
            messages.success(request, _("Saved. The numbers hold from the next bounce on."))
            return redirect("bounces")
    context = {
        "form": form,
        "trial": trial,
        "trial_suppressed": list(trial.suppressed.items())[:SHOWN] if trial else [],
        "trial_released": trial.released[:SHOWN] if trial else [],
        "alarms": _alarms(guard.alarms(workspace.pk)),
        "exceptions": BounceException.objects.filter(workspace=workspace).select_related(
            "created_by"
        ),
        "exception_form": ExceptionForm(workspace=workspace),
    }
    status = 409 if editing.conflict else 200
    return render(request, "delivery/bounces.html", context, status=status)


def _stored(request: MemberRequest) -> BouncePolicyForm:
    return BouncePolicyForm(instance=rules.of(request.workspace.pk))


def _save(request: MemberRequest, form: BouncePolicyForm) -> BouncePolicy:
    policy = form.save(commit=False)
    policy.changed_at = timezone.now()
    policy.save()
    wanted = form.cleaned_data["suppress_now"], form.cleaned_data["release_now"]
    if any(wanted):
        trial = trying.of(request.workspace, policy)
        if wanted[0]:
            count = trying.suppress(request.workspace, trial)
            text = ngettext(
                "%(n)s address is suppressed.", "%(n)s addresses are suppressed.", count
            )
            messages.success(request, text % {"n": count})
        if wanted[1]:
            count = lifting.release(request.workspace, trial.released)
            text = ngettext(
                "%(n)s address may be written to again.",
                "%(n)s addresses may be written to again.",
                count,
            )
            messages.success(request, text % {"n": count})
    return policy


def _alarms(alarms: list[ProviderAlarm]) -> list[dict[str, object]]:
    rows = HeldBack.objects.filter(alarm__in=alarms).values_list("alarm_id").annotate(n=Count("pk"))
    held = dict(rows)
    now = timezone.now()
    return [
        {
            "row": alarm,
            "name": following.provider_name(alarm),
            "held": held.get(alarm.pk, 0),
            "is_paused": alarm.paused_until is not None and alarm.paused_until > now,
        }
        for alarm in alarms
    ]


@require_POST
@member(Permission.MANAGE)
@once
def bounce_exception_add(request: MemberRequest) -> HttpResponse:
    """Add an address or a domain that bounces never suppress."""
    form = ExceptionForm(request.POST, workspace=request.workspace)
    if form.is_valid():
        form.save(request.user)
        messages.success(request, _("Added. Bounces never suppress it."))
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return redirect("bounces")


@require_POST
@member(Permission.MANAGE)
def bounce_exception_delete(request: MemberRequest, exception_id: int) -> HttpResponse:
    """Take an exception away."""
    get_object_or_404(
        BounceException.objects.filter(workspace=request.workspace), pk=exception_id
    ).delete()
    messages.success(request, _("Removed."))
    return redirect("bounces")


@member(Permission.MANAGE)
def alarm_page(request: MemberRequest, alarm_id: int) -> HttpResponse:
    """Show who is held back by an alarm, and take the decision."""
    alarm = get_object_or_404(
        ProviderAlarm.objects.filter(workspace=request.workspace).select_related("workspace"),
        pk=alarm_id,
    )
    if request.method == "POST":
        return _decide(request, alarm)
    held = HeldBack.objects.filter(alarm=alarm, subscriber__workspace=request.workspace)
    pages = Paginator(held.select_related("subscriber").order_by("pk"), HELD_A_PAGE)
    page = pages.get_page(row_number(request.GET.get("page", "")) or 1)
    context = {
        **_alarms([alarm])[0],
        "alarm": alarm,
        "page": page,
        "rows": [(one.subscriber, effects.words(None, one.effect), one.at) for one in page],
    }
    return render(request, "delivery/alarm.html", context)


def _decide(request: MemberRequest, alarm: ProviderAlarm) -> HttpResponse:
    decision = request.POST.get("decision", "")
    if decision == "go-on":
        if lifting.go_on(alarm):
            messages.success(request, _("Emails go there again within a minute."))
        return redirect("alarm_page", alarm.pk)
    if decision not in {"suppress", "drop"}:
        return redirect("alarm_page", alarm.pk)
    count = lifting.close(alarm, suppress=decision == "suppress", actor=request.user)
    if decision == "suppress":
        text = ngettext("%(n)s address is suppressed.", "%(n)s addresses are suppressed.", count)
    else:
        text = ngettext("%(n)s address stays as it is.", "%(n)s addresses stay as they are.", count)
    messages.success(request, text % {"n": count})
    return redirect("bounces")
