"""What a provider reports to a sending account: set up, looked at, told again."""

import json

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access.permissions import MemberRequest, member
from accounts.background.waking import wake
from accounts.input.numbers import row_number
from accounts.installation import secrets
from accounts.roles import Permission
from delivery.events.webhooks import checking, credentials, log, splitting
from delivery.events.webhooks.steps import GUIDES
from delivery.forms.webhooks import SigningKeyForm
from delivery.models import ProviderEvent, SendingAccount, WebhookAddress
from delivery.states import EventKind, ProviderEventState, TransportKind
from delivery.tasks import take_provider_events

LONGEST_SEARCH = 320
MOST_SHOWN = 60_000  # characters of one event
TONES = {
    ProviderEventState.WAITING: "waiting",
    ProviderEventState.APPLIED: "sent",
    ProviderEventState.KNOWN: "skipped",
    ProviderEventState.UNMATCHED: "unknown",
    ProviderEventState.IGNORED: "skipped",
    ProviderEventState.FAILED: "failed",
}


def _find(request: MemberRequest, account_id: int) -> SendingAccount:
    """Return an account of the workspace whose provider reports by HTTP, or answer 404."""
    found = SendingAccount.objects.filter(
        workspace=request.workspace, kind=TransportKind.ANYMAIL, provider__in=list(GUIDES)
    )
    return get_object_or_404(found, pk=account_id)


def _address(account: SendingAccount) -> WebhookAddress | None:
    return WebhookAddress.objects.select_related("account").filter(account=account).first()


@member(Permission.MANAGE)
def account_feedback(request: MemberRequest, account_id: int) -> HttpResponse:
    """Show how to have events sent here, and take the provider's signing key."""
    account = _find(request, account_id)
    address = _address(account)
    guide = GUIDES[account.provider]
    form = None
    if address is not None and guide.key:
        data = request.POST if request.method == "POST" else None
        form = SigningKeyForm(data, provider=account.provider, guide=guide)
        if data is not None and form.is_valid():
            url = str(form.cleaned_data.get("url") or "")
            credentials.set_key(address, form.cleaned_data["signing_key"], url=url)
            messages.success(request, _("The key is stored. Only events signed with it are taken."))
            return redirect("account_feedback", account.pk)
    context = {"account": account, "address": address, "guide": guide, "form": form}
    return render(request, "delivery/feedback.html", context | _proof(account, address))


def _proof(account: SendingAccount, address: WebhookAddress | None) -> dict[str, object]:
    if address is None:
        return {}
    try:
        wanted = credentials.read(address)
    except secrets.UnreadableSecretError:
        return {"is_unreadable": True}
    user, _colon, password = (wanted.passwords[0] if wanted.passwords else "").partition(":")
    url = credentials.url_of(address, wanted)
    return {
        "webhook_url": url,
        "webhook_user": user,
        "webhook_password": password,
        "has_key": bool(wanted.signing_key),
        "needs_key": credentials.wants_key(account.provider)
        and not checking.key_of(account, wanted),
        "is_local": not url.startswith("https://"),
    }


@require_POST
@member(Permission.MANAGE)
def account_feedback_start(request: MemberRequest, account_id: int) -> HttpResponse:
    """Make the address. Once more is the same one."""
    account = _find(request, account_id)
    credentials.address_of(account)
    return redirect("account_feedback", account.pk)


@require_POST
@member(Permission.MANAGE)
def account_feedback_password(request: MemberRequest, account_id: int) -> HttpResponse:
    """Make a new password, or take the signing key away."""
    account = _find(request, account_id)
    address = get_object_or_404(WebhookAddress.objects.select_related("account"), account=account)
    if request.POST.get("remove") == "key":
        credentials.set_key(address, "")
        messages.success(request, _("The key is removed."))
    elif credentials.read(address).passwords:
        credentials.renew_password(address)
        messages.success(
            request,
            _("The address has a new password. The one before works until you make the next."),
        )
    return redirect("account_feedback", account.pk)


@require_safe
@member(Permission.MANAGE)
def account_feedback_light(request: MemberRequest, account_id: int) -> HttpResponse:
    """Show whether events come (a partial that polls)."""
    account = _find(request, account_id)
    context = {"account": account, "address": _address(account)}
    return render(request, "delivery/_feedback_light.html", context)


@require_safe
@member(Permission.MANAGE)
def provider_events(request: MemberRequest, account_id: int) -> HttpResponse:
    """Show an account's events, newest first, found by address or by the provider's id."""
    account = _find(request, account_id)
    chosen = log.Filter(
        search=request.GET.get("q", "").strip()[:LONGEST_SEARCH],
        state=request.GET.get("state", ""),
        kind=request.GET.get("kind", ""),
        before=row_number(request.GET.get("before", "")),
    )
    rows, following = log.page(account, chosen)
    counts = log.open_counts(account)
    query = request.GET.copy()
    query["before"] = str(following or "")
    context = {
        "account": account,
        "events": [(event, TONES[ProviderEventState(event.state)]) for event in rows],
        "chosen": chosen,
        "next": f"?{query.urlencode()}" if following else "",
        "unmatched": counts.get(ProviderEventState.UNMATCHED, 0),
        "failed": counts.get(ProviderEventState.FAILED, 0),
        "states": [(str(value), label) for value, label in ProviderEventState.choices],
        "kinds": [(str(value), label) for value, label in EventKind.choices],
    }
    return render(request, "delivery/provider_events.html", context)


def _event(request: MemberRequest, event_id: int) -> ProviderEvent:
    events = ProviderEvent.objects.filter(workspace=request.workspace)
    return get_object_or_404(events.select_related("account"), pk=event_id)


@require_safe
@member(Permission.MANAGE)
def provider_event(request: MemberRequest, provider_event_id: int) -> HttpResponse:
    """Show one event as it was reported, and what became of it."""
    event = _event(request, provider_event_id)
    context = {
        "event": event,
        "account": event.account,
        "tone": TONES[ProviderEventState(event.state)],
        "may_be_told_again": event.state in log.MAY_BE_TOLD_AGAIN,
        "payload": _shown(event.payload),
        "trouble": _(event.trouble) if event.trouble else "",
    }
    return render(request, "delivery/provider_event.html", context)


def _shown(payload: str) -> str:
    """Return an event's text for people: indented, every character one that can be shown."""
    try:
        text = json.dumps(splitting.load(payload), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        text = payload
    shown = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return shown.encode("utf-8", "replace").decode()[:MOST_SHOWN]


@require_POST
@member(Permission.MANAGE)
def provider_event_replay(request: MemberRequest, provider_event_id: int) -> HttpResponse:
    """Look once more for the email of one event."""
    event = _event(request, provider_event_id)
    if log.tell_again(ProviderEvent.objects.filter(pk=event.pk)):
        wake(take_provider_events)
        messages.success(request, _("The event is being processed again."))
    return redirect("provider_event", event.pk)


@require_POST
@member(Permission.MANAGE)
def provider_events_replay(request: MemberRequest, account_id: int) -> HttpResponse:
    """Look once more for the emails of all events that found none, or failed."""
    account = _find(request, account_id)
    count = log.tell_again(ProviderEvent.objects.filter(account=account))
    if count:
        wake(take_provider_events)
    text = ngettext(
        "%(n)s event is being processed again.", "%(n)s events are being processed again.", count
    )
    messages.success(request, text % {"n": count})
    return redirect(reverse("provider_events", args=[account.pk]))
