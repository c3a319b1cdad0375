"""The team of a workspace, and the page where an invitation is accepted."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import tasks
from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.background import waking
from accounts.forms.settings import AcceptInvitationForm, InviteForm
from accounts.input.once import once
from accounts.models import Invitation, User
from accounts.roles import Permission
from accounts.team import team
from accounts.workspaces.workspace_urls import in_workspace, outside

LOGIN_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def _open_invitations(request: MemberRequest) -> QuerySet[Invitation]:
    return request.workspace.invitations.filter(accepted_at=None, expires_at__gt=timezone.now())


def _team_page(request: MemberRequest, form: InviteForm) -> HttpResponse:
    memberships = request.workspace.memberships.select_related("user").order_by("user__email")
    context = {
        "form": form,
        "memberships": memberships,
        "invitations": _open_invitations(request).order_by("email"),
        "roles": team.assignable_roles(request.membership.role),
    }
    return render(request, "accounts/settings_team.html", context)


@member(Permission.MANAGE)
@once
def settings_team(request: MemberRequest) -> HttpResponse:
    """Show members and open invitations; invite by mail."""
    form = InviteForm(request.POST or None, by=request.membership)
    if request.method != "POST" or not form.is_valid():
        return _team_page(request, form)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        team.invite(request.workspace, email=email, role=role, by=request.membership)
    except team.TeamError as error:
        form.add_error("email", str(error))
        return _team_page(request, form)
    waking.wake(tasks.send_system_mail)
    messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": email})
    return redirect("settings_team")


@require_POST
@member(Permission.MANAGE)
@once
def invitation_resend(request: MemberRequest, invitation_id: int) -> HttpResponse:
    """Send an open invitation once more; the new link replaces the old one."""
    invitation = own(request, _open_invitations(request), invitation_id)
    try:
        team.resend(invitation, by=request.membership)
    except team.TeamError as error:
        messages.error(request, str(error))
        return redirect("settings_team")
    waking.wake(tasks.send_system_mail)
    messages.success(
        request,
        _("A new invitation is on its way to %(email)s. The link in the earlier one has ended.")
        % {"email": invitation.email},
    )
    return redirect("settings_team")


@require_POST
@member(Permission.MANAGE)
def invitation_revoke(request: MemberRequest, invitation_id: int) -> HttpResponse:
    """Cancel an open invitation; its link stops working."""
    invitation = own(request, request.workspace.invitations.filter(accepted_at=None), invitation_id)
    team.revoke(invitation)
    messages.success(request, _("The invitation was cancelled."))
    return redirect("settings_team")


@require_POST
@member(Permission.MANAGE)
def member_role(request: MemberRequest, membership_id: int) -> HttpResponse:
    """Give a member another role."""
    membership = own(request, request.workspace.memberships.all(), membership_id)
    try:
        team.change_role(membership, role=request.POST.get("role", ""), by=request.membership)
    except team.TeamError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))
    return redirect("settings_team")


@require_POST
@member(Permission.VIEW)
def member_remove(request: MemberRequest, membership_id: int) -> HttpResponse:
    """Take a member out of the workspace; everybody may leave."""
    membership = own(request, request.workspace.memberships.all(), membership_id)
    leaving = membership.user_id == request.user.pk
    try:
        team.remove(membership, by=request.membership)
    except team.TeamError as error:
        messages.error(request, str(error))
        return redirect(outside("profile") if leaving else "settings_team")
    if leaving:
        return redirect(outside("home"))  # to another of one's workspaces
    messages.success(request, _("The member was removed."))
    return redirect("settings_team")


def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation and, on POST, accept it: as who one is, or with a new account."""
    invitation = team.find_invitation(token)
    if invitation is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    account = User.objects.filter(email__iexact=invitation.email).first()
    if account is not None and not account.is_active:
        return render(request, "accounts/invitation_gone.html", status=404)
    signed_in = request.user.is_authenticated and request.user == account
    form = (
        AcceptInvitationForm(request.POST or None, email=invitation.email)
        if account is None
        else None
    )
    context: dict[str, Any] = {
        "invitation": invitation,
        "form": form,
        "signed_in": signed_in,
        "account_exists": account is not None,
    }
    if request.method != "POST" or (form is not None and not form.is_valid()):
        return render(request, "accounts/invitation.html", context)
    if account is not None and not signed_in:
        return redirect(f"{outside('account_login')}?next={request.path}")
    try:
        user = _join(invitation, account, form)
    except team.InvitationGone:
        return _gone_meanwhile(request, token)
    if not signed_in:
        login(request, user, backend=LOGIN_BACKEND)
    return redirect(in_workspace(invitation.workspace, "home"))


def _gone_meanwhile(request: HttpRequest, token: str) -> HttpResponse:
    if team.find_invitation(token) is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    # Another invitation to the same address made the account meanwhile; this one still stands.
    messages.info(request, _("You have an account by now. Sign in to accept."))
    return redirect(request.path)


def _join(invitation: Invitation, account: User | None, form: AcceptInvitationForm | None) -> User:
    if account is None:
        assert form is not None  # noqa: S101 - for the type checker: without account there is one
        data = form.cleaned_data
        return team.join(invitation, password=data["password"], name=data["name"])
    if not team.accept(invitation, user=account):
        raise team.InvitationGone
    return account
