"""The team of a workspace, and the page where an invitation is accepted."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import tasks, team, workspaces
from accounts.access import MemberRequest, member
from accounts.forms import InviteForm, JoinForm
from accounts.models import Invitation, User
from accounts.roles import Permission

LOGIN_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def _team_page(request: MemberRequest, form: InviteForm) -> HttpResponse:
    memberships = request.workspace.memberships.select_related("user").order_by("user__email")
    waiting = request.workspace.invitations.filter(
        accepted_at=None, expires_at__gt=timezone.now()
    ).order_by("email")
    context = {
        "form": form,
        "memberships": memberships,
        "invitations": waiting,
        "roles": team.assignable_roles(request.membership.role),
    }
    return render(request, "accounts/settings_team.html", context)


@member(Permission.MANAGE)
def settings_team(request: MemberRequest) -> HttpResponse:
    """Show members and open invitations; invite by mail."""
    form = InviteForm(request.POST or None, by=request.membership)
    if request.method != "POST" or not form.is_valid():
        return _team_page(request, form)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        invitation = team.invite(request.workspace, email=email, role=role, by=request.membership)
    except team.TeamError as error:
        form.add_error("email", str(error))
        return _team_page(request, form)
    tasks.send_invitation.delay_on_commit(  # type: ignore[attr-defined]  # celery-types leaves it out
        invitation.pk
    )
    messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": email})
    return redirect("settings_team")


@require_POST
@member(Permission.MANAGE)
def invitation_revoke(request: MemberRequest, invitation_id: int) -> HttpResponse:
    """Take an open invitation back; its link stops working."""
    invitation = get_object_or_404(
        request.workspace.invitations.filter(accepted_at=None), pk=invitation_id
    )
    team.revoke(invitation)
    messages.success(request, _("The invitation was taken back."))
    return redirect("settings_team")


@require_POST
@member(Permission.MANAGE)
def member_role(request: MemberRequest, membership_id: int) -> HttpResponse:
    """Give a member another role."""
    membership = get_object_or_404(request.workspace.memberships, pk=membership_id)
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
    membership = get_object_or_404(request.workspace.memberships, pk=membership_id)
    leaving = membership.user_id == request.user.pk
    try:
        team.remove(membership, by=request.membership)
    except team.TeamError as error:
        messages.error(request, str(error))
        return redirect("settings_team" if not leaving else "profile")
    if leaving:
        return redirect("home")
    messages.success(request, _("The member was removed."))
    return redirect("settings_team")


def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation and, on POST, accept it: as who one is, or with a new account."""
    invitation = team.find_invitation(token)
    address = invitation.email if invitation else ""
    account = User.objects.filter(email__iexact=address).first()
    if invitation is None or (account is not None and not account.is_active):
        return render(request, "accounts/invitation_gone.html", status=404)
    signed_in = request.user.is_authenticated and request.user == account
    form = JoinForm(request.POST or None, email=invitation.email) if account is None else None
    context: dict[str, Any] = {
        "invitation": invitation,
        "form": form,
        "signed_in": signed_in,
        "account_exists": account is not None,
    }
    if request.method != "POST" or (form is not None and not form.is_valid()):
        return render(request, "accounts/invitation.html", context)
    if account is not None and not signed_in:
        return redirect(f"{reverse('account_login')}?next={request.path}")
    try:
        user = _join(invitation, account, form)
    except team.InvitationGone:
        return render(request, "accounts/invitation_gone.html", status=404)
    if not signed_in:
        login(request, user, backend=LOGIN_BACKEND)
    workspaces.use(request, invitation.workspace)
    return redirect("home")


def _join(invitation: Invitation, account: User | None, form: JoinForm | None) -> User:
    if account is None:
        assert form is not None  # noqa: S101 - for the type checker: without account there is one
        data = form.cleaned_data
        return team.join(invitation, password=data["password"], name=data["name"])
    if not team.accept(invitation, user=account):
        raise team.InvitationGone
    return account
