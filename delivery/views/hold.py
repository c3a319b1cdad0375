"""Sending is held: what would be sent, and the words that let it go."""

from celery import current_app
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member, takes_files
from accounts.access.rows import own
from accounts.installation import hold, watch
from accounts.models import Membership, Workspace
from accounts.roles import Permission, Role
from campaigns import lifecycle
from campaigns.checks import confirmation
from campaigns.models import Campaign
from delivery.restoring import answers, pending, proofs


@member(Permission.MANAGE)
def sending_held(request: MemberRequest) -> HttpResponse:
    """Show what waits in this workspace; administrators of the installation see all of it."""
    return _page(request)


@require_POST
@member(Permission.MANAGE)
def hold_go(request: MemberRequest) -> HttpResponse:
    """Let the whole installation send again; what asks by itself goes on asking."""
    if not may_let_go(request):
        raise PermissionDenied
    if watch.let_go(request.user):
        messages.success(request, _("Sending goes on. What is not answered yet still waits."))
        _wake()
    return redirect("sending_held")


@require_POST
@member(Permission.MANAGE)
def hold_mails(request: MemberRequest) -> HttpResponse:
    """Send or drop the confirmations, resets and invitations that were kept."""
    workspace: int | None = request.workspace.pk
    if request.POST.get("of") == "installation":
        if not request.user.is_staff:
            raise PermissionDenied
        workspace = None
    send = request.POST.get("answer") == "send"
    count = hold.settle_mails(workspace, send=send)
    text = (
        ngettext("%(n)s mail goes out.", "%(n)s emails go out.", count)
        if send
        else ngettext("%(n)s mail was dropped.", "%(n)s emails were dropped.", count)
    )
    messages.success(request, text % {"n": count})
    return redirect("sending_held")


@require_POST
@member(Permission.SEND)
def campaign_answer(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Answer for a campaign that asks: send to who is left, leave them, or back to a draft."""
    campaign = _find(request, campaign_id)
    answer = request.POST.get("answer")
    if answer == "send":
        try:
            won = answers.send(campaign, confirmed=request.POST.get("confirmed", ""))
        except confirmation.ChangedError as error:
            context = {"campaign": campaign, "changes": error.changes}
            context["confirmed"] = confirmation.shown(campaign)
            return render(request, "delivery/answer.html", context, status=409)
        _wake()
    elif answer == "leave":
        won = answers.leave(campaign)
    elif answer == "draft":
        won = lifecycle.unschedule(campaign)
    else:
        won = False
    if not won:
        messages.error(request, _("This campaign does not ask any more, so nothing changed."))
    return redirect("campaign_open", campaign.pk)


@takes_files
@require_POST
@member(Permission.SEND)
def campaign_proof(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Take a mail server's log or a provider's events: who has this campaign already."""
    campaign = _find(request, campaign_id)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        messages.error(request, _("Choose the file that says who got it."))
        return redirect("campaign_open", campaign.pk)
    try:
        taken = proofs.take(campaign, file, name=str(file.name))
    except proofs.ProofError as error:
        messages.error(request, str(error))
        return redirect("campaign_open", campaign.pk)
    text = ngettext(
        "%(n)s person has it already and gets nothing more.",
        "%(n)s people have it already and get nothing more.",
        taken.marked,
    ) % {"n": taken.marked}
    messages.success(request, text)
    if taken.others or taken.unread:
        rest = _(
            "Of the rest of the file, %(others)s are not in this campaign, and %(unread)s lines are"
            " of other mail."
        )
        messages.info(request, rest % {"others": taken.others, "unread": taken.unread})
    return redirect("campaign_open", campaign.pk)


def may_let_go(request: MemberRequest) -> bool:
    """Say whether this person answers for the whole installation.

    An administrator does, and the owner of every workspace there is.
    """
    if request.user.is_staff:
        return True
    owned = Membership.objects.filter(user=request.user, role=Role.OWNER).values("workspace")
    return not Workspace.objects.exclude(pk__in=owned).exists()


def _page(request: MemberRequest) -> HttpResponse:
    own = pending.of_workspace(request.workspace)
    others = pending.of_everybody() if request.user.is_staff else []
    context = {
        "held": hold.state(),
        "place": own,
        "others": [one for one in others if one.workspace != request.workspace],
        "may_let_go": may_let_go(request),
        "confirmed": {
            row.campaign.pk: confirmation.shown(row.campaign) for row in own.campaigns if row.asks
        },
    }
    return render(request, "delivery/held.html", context)


def _find(request: MemberRequest, campaign_id: int) -> Campaign:
    return own(request, Campaign.objects.select_related("content"), campaign_id)


def _wake() -> None:
    def send() -> None:
        current_app.send_task("delivery.tasks.start_due_campaigns")
        current_app.send_task("delivery.tasks.keep_sending")

    transaction.on_commit(send)
