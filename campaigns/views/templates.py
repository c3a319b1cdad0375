"""Templates: the frames that campaigns stand in."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from campaigns import mail_templates, queries, starters
from campaigns.drafts import merge_tags, previewing
from campaigns.forms.templates import TemplateForm
from campaigns.models import Template
from campaigns.states import CONFIRMED, CampaignStatus
from campaigns.views.editor import allows, not_saved, saved
from campaigns.views.preview import VIEWS, framed


@member()
def list_templates(request: MemberRequest) -> HttpResponse:
    """Show every template as it looks."""
    context = {
        "templates": queries.templates(request.workspace),
        "may_edit": allows(request, Permission.EDIT),
    }
    return render(request, "campaigns/templates.html", context)


@member(Permission.EDIT)
@once
def new(request: MemberRequest) -> HttpResponse:
    """Choose a starter (GET shows them, POST makes a template of one and opens it)."""
    if request.method == "POST":
        starter = starters.find(request.POST.get("starter", ""))
        if starter is None:
            raise Http404
        template = mail_templates.create(
            request.workspace.pk,
            name=str(starter.name),
            description=str(starter.description),
            source=starters.source_of(starter),
            is_default=not request.workspace.templates.exists(),
        )
        return redirect("template_edit", template.pk)
    return render(request, "campaigns/template_new.html", {"starters": starters.STARTERS})


@member()
def edit(request: MemberRequest, template_id: int) -> HttpResponse:
    """Edit a template's MJML beside what it looks like."""
    template = own(request, Template, template_id)
    may_edit = allows(request, Permission.EDIT)
    data = request.POST if request.method == "POST" and may_edit else None
    revised = Editing(request, template)
    form = revised.attach(TemplateForm(data, instance=template, workspace=request.workspace))

    def stored_form() -> TemplateForm:
        return TemplateForm(
            instance=own(request, Template, template_id), workspace=request.workspace
        )

    by_itself = bool(request.headers.get("X-Autosave"))
    if data is not None and form.is_valid() and revised.save(form, form.save, stored_form):
        if by_itself:
            return saved(revised.number)
        messages.success(request, _("Saved. Drafts in this template look like this now."))
        return redirect("template_edit", template.pk)
    if data is not None and by_itself:
        return not_saved(request, form)
    view = request.GET.get("view", "")
    status = 422 if form.errors else 409 if revised.conflict else 200
    stored = Template.objects.get(pk=template.pk)  # a refused form has changed the object
    context: dict[str, Any] = {
        "form": form,
        "template": stored,
        "may_edit": may_edit,
        "problem": previewing.template_problem(stored),
        "view": view if view in VIEWS else "desktop",
        "views": {"desktop": _("Desktop"), "phone": _("Phone"), "dark": _("Dark")},
        "fields": [merge_tags.writing(), *merge_tags.to_insert(request.workspace)],
        "using": list(queries.campaigns_using(template)[:6]),
    }
    return render(request, "campaigns/template_edit.html", context, status=status)


@member()
def checked(request: MemberRequest, template_id: int) -> HttpResponse:
    """Say what is wrong with the saved source (a partial)."""
    template = own(request, Template, template_id)
    return render(
        request,
        "campaigns/_template_problem.html",
        {"template": template, "problem": previewing.template_problem(template)},
    )


@member()
@xframe_options_sameorigin
def preview(request: MemberRequest, template_id: int) -> HttpResponse:
    """Serve a template with a sample text in it, for a sandboxed frame."""
    template = own(request, Template, template_id)
    return _framed(request, template.source)


@member()
@xframe_options_sameorigin
def starter_preview(request: MemberRequest) -> HttpResponse:
    """Serve a starter with a sample text in it, for a sandboxed frame."""
    starter = starters.find(request.GET.get("starter", ""))
    if starter is None:
        raise Http404
    return _framed(request, starters.source_of(starter))


@member(Permission.EDIT)
@require_POST
@once
def duplicate(request: MemberRequest, template_id: int) -> HttpResponse:
    """Copy a template and open the copy."""
    return redirect(
        "template_edit", mail_templates.duplicate(own(request, Template, template_id)).pk
    )


@member(Permission.EDIT)
@require_POST
def make_default(request: MemberRequest, template_id: int) -> HttpResponse:
    """Let new campaigns start with this template."""
    template = own(request, Template, template_id)
    mail_templates.make_default(template)
    messages.success(
        request, _("New campaigns start with “%(name)s” now.") % {"name": template.name}
    )
    return redirect("template_list")


@member(Permission.EDIT)
def delete(request: MemberRequest, template_id: int) -> HttpResponse:
    """Ask, saying where it is used, then delete a template."""
    template = own(request, Template, template_id)
    if request.method == "POST":
        try:
            mail_templates.delete(template)
        except mail_templates.InUseError:
            return redirect("template_delete", template.pk)  # says where it is used
        messages.success(request, _("“%(name)s” was deleted.") % {"name": template.name})
        return redirect("template_list")
    using = queries.campaigns_using(template)
    confirmed = list(using.filter(status__in=CONFIRMED))
    drafts = using.filter(status=CampaignStatus.DRAFT)
    context = {
        "template": template,
        "confirmed": confirmed,
        "using": list(drafts[:6]),
        "used": drafts.count(),
    }
    return render(request, "campaigns/template_delete.html", context)


def _framed(request: MemberRequest, source: str) -> HttpResponse:
    shown = previewing.template_preview(source, request.workspace)
    return framed(previewing.document(shown, view=request.GET.get("view", "")))
