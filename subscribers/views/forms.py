"""Sign-up forms, as marketers see them."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Permission, may
from subscribers import signup_guard
from subscribers.form_settings import SignupFormSettings
from subscribers.models import MailingList, SignupForm
from subscribers.views.signup import HONEYPOT


@member()
@require_safe
def form_list(request: MemberRequest) -> HttpResponse:
    """List the workspace's forms."""
    forms = SignupForm.objects.filter(workspace=request.workspace).prefetch_related("lists")
    context = {
        "rows": [(form, _hosted(form)) for form in forms],
        "may_edit": may(request.membership.role, Permission.EDIT),
        "has_lists": MailingList.objects.filter(
            workspace=request.workspace, archived_at=None
        ).exists(),
    }
    return render(request, "subscribers/form_list.html", context)


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def form_new(request: MemberRequest) -> HttpResponse:
    """Make a form."""
    workspace = request.workspace
    form = SignupFormSettings(
        request.POST or None,
        workspace=workspace,
        initial={
            "title": _("Letters from %(workspace)s") % {"workspace": workspace.name},
            "statement_text": _(
                "I want to get letters from %(workspace)s by mail. I can leave at any time by the "
                "link in each letter."
            )
            % {"workspace": workspace.name},
        },
    )
    return _save_or_show(request, form, None)


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def form_edit(request: MemberRequest, form_id: int) -> HttpResponse:
    """Change a form; show its address and its HTML."""
    row = get_object_or_404(
        SignupForm.objects.select_related("statement"), workspace=request.workspace, pk=form_id
    )
    form = SignupFormSettings(request.POST or None, instance=row, workspace=request.workspace)
    return _save_or_show(request, form, row)


def _save_or_show(
    request: HttpRequest, form: SignupFormSettings, row: SignupForm | None
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("The form is saved."))
        return redirect("form_edit", saved.pk)
    context = {
        "form": form,
        "row": row,
        "hosted": _hosted(row) if row else "",
        "embed": _embed(row) if row else "",
    }
    status = 422 if form.errors else 200
    return render(request, "subscribers/form_edit.html", context, status=status)


def _hosted(form: SignupForm) -> str:
    return f"{settings.SITE_URL}{reverse('public_signup', args=[form.public_id])}"


def _embed(form: SignupForm) -> str:
    """Return plain HTML that works in any site: it posts to the hosted page."""
    context = {
        "form": form,
        "action": _hosted(form),
        "token": signup_guard.embed_token(form),
        "honeypot": HONEYPOT,
    }
    return render_to_string("subscribers/_embed.html", context).strip()
