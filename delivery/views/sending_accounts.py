"""Sending accounts: list, make, change, test, order, take away."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.accounts import account_status, breaker, setup
from delivery.forms.providers import ProviderForm
from delivery.forms.smtp import SmtpForm
from delivery.models import FROM_SETTINGS, SendingAccount, WebhookAddress
from delivery.states import Provider, TransportKind
from delivery.system_mail import account_trial


def find(request: MemberRequest, account_id: int) -> SendingAccount:
    """Return an account of the workspace, or answer 404."""
    return own(request, SendingAccount.objects.select_related("workspace", "warm_up"), account_id)


@member(Permission.MANAGE)
def account_list(request: MemberRequest) -> HttpResponse:
    """Show the accounts, how each one fares and what it is limited to."""
    context = {"standings": account_status.of_workspace(request.workspace)}
    return render(request, "delivery/accounts.html", context)


def _edit(request: MemberRequest, account: SendingAccount, title: str) -> HttpResponse:
    kind = ProviderForm if account.kind == TransportKind.ANYMAIL else SmtpForm
    revised = Editing(request, account)
    form = revised.attach(kind(request.POST or None, instance=account))

    def stored() -> SmtpForm | ProviderForm:
        return kind(instance=find(request, account.pk))

    if request.method == "POST" and form.is_valid() and revised.save(form, form.save, stored):
        messages.success(request, _("Saved. Send a test email to see whether it works."))
        return redirect("account_edit", form.instance.pk)
    context = {
        "form": form,
        "account": account,
        "title": title,
        "standing": account_status.of_account(account) if account.pk else None,
        "feedback_address": WebhookAddress.objects.filter(account=account.pk).first(),
    }
    status = 409 if revised.conflict else 200
    return render(request, "delivery/account.html", context, status=status)


def _new(request: MemberRequest, kind: TransportKind, provider: str = "") -> SendingAccount:
    account = SendingAccount(workspace=request.workspace, kind=kind, provider=provider)
    others = SendingAccount.objects.filter(workspace=request.workspace)
    account.position = others.exclude(kind=TransportKind.SANDBOX).count()
    return account


@member(Permission.MANAGE)
def account_choose(request: MemberRequest) -> HttpResponse:
    """Ask what is to carry the mail."""
    return render(request, "delivery/account_choose.html", {"providers": Provider.choices})


@member(Permission.MANAGE)
@once
def account_new(request: MemberRequest) -> HttpResponse:
    """Connect an SMTP server, or the API of ``?provider=…``."""
    provider = request.GET.get("provider", "")
    if not provider:
        return _edit(request, _new(request, TransportKind.SMTP), _("Connect an SMTP server"))
    if provider not in Provider:
        raise Http404
    name = Provider(provider).label
    account = _new(request, TransportKind.ANYMAIL, provider)
    return _edit(request, account, _("Connect %(provider)s") % {"provider": name})


@member(Permission.MANAGE)
def account_edit(request: MemberRequest, account_id: int) -> HttpResponse:
    """Change an account."""
    account = find(request, account_id)
    return _edit(request, account, account.name)


@require_POST
@member(Permission.MANAGE)
def account_move(request: MemberRequest, account_id: int) -> HttpResponse:
    """Change the order in which accounts stand in for each other."""
    account = find(request, account_id)
    account_status.move(account, up=request.POST.get("direction") == "up")
    return redirect("account_list")


@member(Permission.MANAGE)
def account_delete(request: MemberRequest, account_id: int) -> HttpResponse:
    """Take an account away, unless campaigns are on their way over it."""
    account = find(request, account_id)
    if account.kind == TransportKind.SANDBOX:
        messages.error(request, _("The sandbox stays: it costs nothing and catches tests."))
        return redirect("account_list")
    if account.name == FROM_SETTINGS:
        messages.error(request, _("SMTP_URL makes this account. Take it out of the settings."))
        return redirect("account_edit", account.pk)
    if request.method == "POST":
        running = setup.delete(account)
        if not running:
            messages.success(request, _("The account is gone."))
            return redirect("account_list")
    else:
        running = setup.running_over(account)
    if running:
        messages.error(
            request,
            _("Campaigns use this account: %(names)s. Cancel them or choose another account first.")
            % {"names": ", ".join(running[:3])},
        )
        return redirect("account_edit", account.pk)
    drafts = Campaign.objects.filter(sending_account=account, status=CampaignStatus.DRAFT)
    context = {"account": account, "drafts": list(drafts[:20])}
    return render(request, "delivery/account_delete.html", context)


@require_POST
@member(Permission.MANAGE)
def account_test(request: MemberRequest, account_id: int) -> HttpResponse:
    """Send a test mail to oneself and show every stage of it."""
    account = find(request, account_id)
    address = request.POST.get("address", "").strip() or request.user.email
    result = account_trial.send(account, address=address, by=request.user)
    if result.arrived:
        SendingAccount.objects.filter(pk=account.pk).update(
            tested_at=timezone.now(), broken_since=None, broken_reason="", retry_at=None
        )
    elif result.is_trouble:
        breaker.suspect(account, result.sentence)
    context = {"account": account, "result": result, "address": address}
    return render(request, "delivery/account_test.html", context)
