"""Sign-up forms, as marketers see them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission, may
from accounts.workspaces.workspace_urls import outside
from subscribers.models import FormStatement, MailingList, SignupForm, SignupRequest
from subscribers.signup import brake, guard, visitors
from subscribers.signup import figures as signup_figures
from subscribers.signup import form_archive as putting_away
from subscribers.signup.figures import Figures
from subscribers.signup.form import SignupFormSettings
from subscribers.views import signup
from subscribers.views.signup_answers import FormVisit


@member()
@require_safe
def form_list(request: MemberRequest) -> HttpResponse:
    """List the workspace's forms with what came of them in the last 30 days."""
    everything = SignupForm.objects.filter(workspace=request.workspace)
    archived = request.GET.get("archived") == "1"
    forms = everything.filter(archived_at__isnull=not archived).prefetch_related("lists")
    figures = signup_figures.of_forms(request.workspace)
    held = SignupRequest.objects.filter(workspace=request.workspace).exclude(held_for="")
    context = {
        "archived": archived,
        "has_archived": archived or everything.exclude(archived_at=None).exists(),
        "rows": [(form, _hosted(form), figures.get(form.pk, Figures())) for form in forms],
        "may_edit": may(request.membership.role, Permission.EDIT),
        "has_lists": MailingList.objects.filter(
            workspace=request.workspace, archived_at=None
        ).exists(),
        "held": held.count(),
        "brake": brake.pulled(request.workspace.pk),
    }
    return render(request, "subscribers/form_list.html", context)


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def form_new(request: MemberRequest) -> HttpResponse:
    """Make a form."""
    workspace = request.workspace
    form = SignupFormSettings(
        request.POST or None,
        workspace=workspace,
        initial={
            "title": _("Emails from %(workspace)s") % {"workspace": workspace.name},
            "statement_text": _(
                "I want to receive emails from %(workspace)s. I can unsubscribe at any time."
            )
            % {"workspace": workspace.name},
            "sends_welcome": True,
        },
    )
    return _save_or_show(request, form, None)


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def form_edit(request: MemberRequest, form_id: int) -> HttpResponse:
    """Change a form; show how it looks."""
    row = _find(request, form_id)
    form = SignupFormSettings(request.POST or None, instance=row, workspace=request.workspace)
    return _save_or_show(request, form, row)


@require_POST
@member(Permission.EDIT)
def form_archive(request: MemberRequest, form_id: int) -> HttpResponse:
    """Put a form away, or take it out again."""
    row = _find(request, form_id)
    if row.archived_at:
        putting_away.restore(row)
        messages.success(request, _("“%(name)s” is back, and closed.") % {"name": row.name})
        return redirect("form_edit", row.pk)
    putting_away.archive(row)
    messages.success(
        request, _("“%(name)s” is archived. It accepts no sign-ups.") % {"name": row.name}
    )
    return redirect("form_list")


@require_POST
@member(Permission.EDIT)
def form_delete(request: MemberRequest, form_id: int) -> HttpResponse:
    """Delete a form that nobody has used."""
    row = _find(request, form_id)
    if putting_away.delete(row):
        messages.success(request, _("“%(name)s” was deleted.") % {"name": row.name})
        return redirect("form_list")
    messages.error(
        request,
        _("People signed up through this form, so it is kept as proof. Archive it instead."),
    )
    return redirect("form_edit", row.pk)


def _find(request: MemberRequest, form_id: int) -> SignupForm:
    return own(request, SignupForm.objects.select_related("statement", "workspace"), form_id)


def _save_or_show(
    request: MemberRequest, form: SignupFormSettings, row: SignupForm | None
) -> HttpResponse:
    editing = Editing(request, form.instance)
    editing.attach(form)

    def stored() -> SignupFormSettings:
        found = _find(request, form.instance.pk)
        return SignupFormSettings(instance=found, workspace=request.workspace)

    if request.method == "POST" and form.is_valid() and editing.save(form, form.save, stored):
        messages.success(request, _("The form is saved."))
        return redirect("form_edit", form.instance.pk)
    context: dict[str, Any] = {"form": form, "row": row, "hosted": "", "wordings": []}
    if row:
        context["hosted"] = _hosted(row)
        context["is_used"] = putting_away.is_used(row)
        context["wordings"] = FormStatement.objects.filter(form=row).select_related("statement")
        context["figures"] = signup_figures.of_forms(request.workspace).get(row.pk, Figures())
    status = 422 if form.errors else 409 if editing.conflict else 200
    return render(request, "subscribers/form_edit.html", context, status=status)


@member(Permission.EDIT)
@require_safe
def form_embed(request: MemberRequest, form_id: int) -> HttpResponse:
    """Give what puts a form into another site."""
    rows = SignupForm.objects.select_related("statement", "workspace")
    row = own(request, rows.prefetch_related("lists", "asked__field"), form_id)
    frame = f"{settings.SITE_URL}{outside('public_signup_frame', row.public_id)}"
    script = f"{settings.SITE_URL}{outside('public_embed_script')}"
    with translation.override(_language(row)):  # of the site that it is put into
        title = escape(_("Sign up"))
    context = {
        "row": row,
        "hosted": _hosted(row),
        "frame": f'<iframe src="{frame}" title="{title}" width="100%" height="520" '
        'frameborder="0"></iframe>',
        "script": f'<script async src="{script}" data-form="{row.public_id}" '
        f'data-title="{title}"></script>',
        "html": _html(row, script),
        "policy": _policy(),
    }
    return render(request, "subscribers/form_embed.html", context)


@member(Permission.EDIT)
@require_safe
def form_preview(request: MemberRequest, form_id: int) -> HttpResponse:
    """Show the public page as it is now, also of a closed form."""
    row = signup.find(_find(request, form_id).public_id)
    assert row is not None  # noqa: S101 - it was found a line above
    own = translation.get_language()
    signup.speak(request, row)
    visit = FormVisit(form=row, is_framed=False, wants_json=False)
    response = signup.show(request, visit, signup.blank(row))
    translation.activate(own)
    return response


def _hosted(form: SignupForm) -> str:
    return f"{settings.SITE_URL}{outside('public_signup', form.public_id)}"


def _policy() -> str:
    site = settings.SITE_URL
    return f"script-src {site}; frame-src {site}; connect-src {site}; form-action {site}"


def _language(form: SignupForm) -> str:
    return visitors.language_of(person=None, lists=signup.open_lists(form), form=form)


def _html(form: SignupForm, script: str) -> str:
    """Return plain HTML that works in any site, in the form's language."""
    with translation.override(_language(form)):
        context = {
            "form": form,
            "filled": signup.blank(form),
            "action": _hosted(form),
            "script": script,
            "token": guard.embed_token(form),
            "honeypot": signup.HONEYPOT,
        }
        return render_to_string("subscribers/_embed.html", context).strip()
