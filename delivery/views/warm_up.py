"""A sending account's warm-up plan: see it, edit it, end it."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.roles import Permission
from delivery.forms.warm_up import UsualPlanForm, WarmUpForm
from delivery.limits import daily_usage, warm_up
from delivery.models import SendingAccount, WarmUp
from delivery.states import TransportKind
from delivery.views.sending_accounts import find


def _find(request: MemberRequest, account_id: int) -> SendingAccount:
    account = find(request, account_id)
    if account.kind == TransportKind.SANDBOX:
        raise Http404  # it has no limits
    return account


@member(Permission.MANAGE)
def account_warm_up(request: MemberRequest, account_id: int) -> HttpResponse:
    """Show the plan and what was sent, and keep changes. ``?first=…`` works out other numbers."""
    account = _find(request, account_id)
    usual = UsualPlanForm(request.GET if "first" in request.GET else None)
    initial = {}
    if usual.is_bound and usual.is_valid():
        initial["ceilings"] = "  ".join(map(str, warm_up.usual_plan(**usual.cleaned_data)))
    form = WarmUpForm(request.POST or None, account=account, initial=initial)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved. The plan holds from now on."))
        return redirect("account_warm_up", account.pk)
    plan: WarmUp | None = getattr(account, "warm_up", None)
    context = {
        "account": account,
        "form": form,
        "usual": usual,
        "plan": plan,
        "today": warm_up.today(account),
        "chart_spec": _chart(account, plan) if plan else None,
    }
    return render(request, "delivery/warm_up.html", context)


def _chart(account: SendingAccount, plan: WarmUp) -> dict[str, Any]:
    """Return the plan's days with what was sent on each, as `_components/chart.html` draws them."""
    sent = daily_usage.lately(account, days=warm_up.MOST_DAYS * 2)
    today = daily_usage.today(account)
    days = [plan.starts_on + timedelta(days=number) for number in range(len(plan.ceilings))]
    return {
        "kind": "line",
        "categories": [
            date_format(day, "j M" if day.year == today.year else "j M Y") for day in days
        ],
        "series": [
            {"name": _("Ceiling"), "values": plan.ceilings, "tone": "sent-soft", "dashed": True},
            {
                "name": _("Sent"),
                "values": [sent.get(day, 0) if day <= today else None for day in days],
                "tone": "sent",
                "type": "bar",
            },
        ],
    }


@require_POST
@member(Permission.MANAGE)
def account_warm_up_end(request: MemberRequest, account_id: int) -> HttpResponse:
    """End the plan: no ceiling from now on."""
    account = _find(request, account_id)
    WarmUp.objects.filter(account=account).delete()
    messages.success(request, _("The warm-up plan has ended."))
    return redirect("account_edit", account.pk)
