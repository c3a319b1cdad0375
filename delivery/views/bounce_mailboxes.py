"""Bounce mailboxes: list, connect, change, test, pause, take away."""

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.background.waking import wake
from accounts.input.limits import Limit, within
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from accounts.workspaces.workspace_urls import outside
from delivery import tasks
from delivery.bounces import pipes
from delivery.bounces.mailboxes import holding, trial
from delivery.forms.bounces import PORTS, MailboxForm, PipeForm
from delivery.models import BounceMailbox, ReturnedMail, SendingAccount
from delivery.states import MailboxProtocol, TlsMode

TESTS = Limit(most=20, seconds=600)  # of a workspace: each is a sign-in at somebody's server


def _find(request: MemberRequest, mailbox_id: int) -> BounceMailbox:
    found = BounceMailbox.objects.filter(workspace=request.workspace).select_related("account")
    return get_object_or_404(found, pk=mailbox_id)


@member(Permission.MANAGE)
def mailbox_list(request: MemberRequest) -> HttpResponse:
    """Show where returned mails are fetched, and how each mailbox fares."""
    mailboxes = list(BounceMailbox.objects.filter(workspace=request.workspace))
    mails = ReturnedMail.objects.filter(workspace=request.workspace).exclude(mailbox=None)
    counted = mails.values("mailbox").annotate(mails=Count("pk"))
    counts = {row["mailbox"]: row for row in counted.order_by()}
    accounts = SendingAccount.objects.filter(workspace=request.workspace)
    context = {
        "rows": [(one, counts.get(one.pk, {"mails": 0})) for one in mailboxes],
        "domains": sorted(
            set(
                accounts.exclude(return_path_domain="").values_list("return_path_domain", flat=True)
            )
        )
        if settings.BOUNCE_PORT
        else [],
        "port": settings.BOUNCE_PORT,
    }
    return render(request, "delivery/mailboxes.html", context)


def _edit(request: MemberRequest, mailbox: BounceMailbox, title: str) -> HttpResponse:
    kind = MailboxForm if mailbox.is_fetched else PipeForm
    revised = Editing(request, mailbox)
    form = revised.attach(kind(request.POST or None, instance=mailbox))

    def stored() -> PipeForm:
        return kind(instance=_find(request, mailbox.pk))

    if request.method == "POST" and form.is_valid() and revised.save(form, form.save, stored):
        if mailbox.is_fetched:
            wake(tasks.fetch_mailbox, form.instance.pk)
            messages.success(request, _("Saved. Test the connection to see what is found."))
        else:
            messages.success(request, _("Saved."))
        return redirect("mailbox_edit", form.instance.pk)
    context = {
        "form": form,
        "mailbox": mailbox,
        "title": title,
        "address": _address(mailbox) if mailbox.pk and not mailbox.is_fetched else "",
    }
    return render(
        request, "delivery/mailbox.html", context, status=409 if revised.conflict else 200
    )


def _address(mailbox: BounceMailbox) -> str:
    word = pipes.word_of(mailbox)
    return settings.SITE_URL + outside("bounce_pipe", word) if word else ""


@member(Permission.MANAGE)
@once
def mailbox_new(request: MemberRequest) -> HttpResponse:
    """Connect an IMAP or POP3 mailbox, or make an address for HTTP (``?protocol=…``)."""
    protocol = request.GET.get("protocol", MailboxProtocol.IMAP)
    if protocol not in MailboxProtocol:
        raise Http404
    kind = MailboxProtocol(protocol)
    port = PORTS.get((kind, TlsMode.IMPLICIT), 0)
    mailbox = BounceMailbox(workspace=request.workspace, protocol=kind, port=port)
    titles = {
        MailboxProtocol.IMAP: _("Connect an IMAP mailbox"),
        MailboxProtocol.POP3: _("Connect a POP3 mailbox"),
        MailboxProtocol.PIPE: _("Take bounces from your mail server"),
    }
    return _edit(request, mailbox, titles[kind])


@member(Permission.MANAGE)
def mailbox_edit(request: MemberRequest, mailbox_id: int) -> HttpResponse:
    """Change a mailbox."""
    mailbox = _find(request, mailbox_id)
    return _edit(request, mailbox, mailbox.name)


@require_POST
@member(Permission.MANAGE)
def mailbox_test(request: MemberRequest, mailbox_id: int) -> HttpResponse:
    """Sign in, look around, and show what was found."""
    mailbox = _find(request, mailbox_id)
    if not mailbox.is_fetched:
        raise Http404
    if not within(TESTS, f"mailbox-tests:{request.workspace.pk}"):
        messages.error(request, _("Too many tests within ten minutes. Try again later."))
        return redirect("mailbox_edit", mailbox.pk)
    found = trial.look(mailbox)
    if found.works:
        # What was wrong is over: it is looked into at once.
        BounceMailbox.objects.filter(pk=mailbox.pk).update(
            trouble="",
            trouble_since=None,
            failures=0,
            stuck_at=0,
            stuck_count=0,
            is_refused=False,
            next_check_at=timezone.now(),
            has_idle=found.has_idle,
        )
        wake(tasks.fetch_mailbox, mailbox.pk)
    context = {"mailbox": mailbox, "found": found}
    return render(request, "delivery/mailbox_test.html", context)


@require_POST
@member(Permission.MANAGE)
def mailbox_check(request: MemberRequest, mailbox_id: int) -> HttpResponse:
    """Look into a mailbox now."""
    mailbox = _find(request, mailbox_id)
    holding.wake(mailbox.pk)
    wake(tasks.fetch_mailbox, mailbox.pk)
    messages.success(request, _("The mailbox is being checked."))
    return redirect("mailbox_edit", mailbox.pk)


@require_POST
@member(Permission.MANAGE)
def mailbox_pause(request: MemberRequest, mailbox_id: int) -> HttpResponse:
    """Pause a mailbox, or go on with it."""
    mailbox = _find(request, mailbox_id)
    is_paused = request.POST.get("paused") == "1"
    BounceMailbox.objects.filter(pk=mailbox.pk).update(
        is_paused=is_paused, next_check_at=timezone.now()
    )
    said = _("The mailbox is paused.") if is_paused else _("The mailbox is checked again.")
    messages.success(request, said)
    return redirect("mailbox_edit", mailbox.pk)


@require_POST
@member(Permission.MANAGE)
def mailbox_address(request: MemberRequest, mailbox_id: int) -> HttpResponse:
    """Give an address for HTTP a new word; the one before ends."""
    mailbox = _find(request, mailbox_id)
    if mailbox.is_fetched:
        raise Http404
    pipes.renew(mailbox)
    mailbox.save(update_fields=["encrypted_secret", "address_hash"])
    messages.success(request, _("The address is new. Enter it in your mail server."))
    return redirect("mailbox_edit", mailbox.pk)


@member(Permission.MANAGE)
def mailbox_delete(request: MemberRequest, mailbox_id: int) -> HttpResponse:
    """Take a mailbox away; what it brought stays."""
    mailbox = _find(request, mailbox_id)
    if request.method == "POST":
        mailbox.delete()
        messages.success(request, _("The mailbox is removed."))
        return redirect("mailbox_list")
    return render(request, "delivery/mailbox_delete.html", {"mailbox": mailbox})
