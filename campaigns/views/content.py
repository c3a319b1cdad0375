"""Step 2: the writing, saved by itself while one types, beside what a person will see."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.roles import Permission
from campaigns.audience.chosen import Audience
from campaigns.drafts import content, converting, merge_tags, subjects
from campaigns.forms.editor import ContentForm
from campaigns.models import Campaign, Content
from campaigns.rendering.isolation import BusyError
from campaigns.states import ContentKind
from campaigns.views import editor, preview


@member()
def write(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Write the mail; POST saves it and goes on, or shows the preview again."""
    campaign = editor.find(request, campaign_id)
    if away := editor.elsewhere(campaign, "content"):
        return away
    current = editor.content_of(campaign)
    if request.method != "POST":
        form = ContentForm.stored(campaign, current, revision=content.revision(current))
        return _page(request, campaign, form)
    editor.ensure(request, Permission.EDIT)
    form = ContentForm(request.POST, campaign=campaign, content=current)
    if not form.is_valid():
        return _page(request, campaign, form, status=422)
    try:
        _save(request, campaign, form)
    except content.ChangedMeanwhileError as conflict:
        return _page(request, campaign, form, status=409, conflict=conflict.content)
    except content.NotEditableError:
        return _page(request, campaign, form, status=409, closed=True)
    return _onwards(request, campaign)


@member(Permission.EDIT)
@require_POST
def autosave(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Save what is typed so far.

    204 with the new revision in ``X-Revision``; 409 or 422 with a partial that says why it was not
    saved. What was typed stays in the page.
    """
    campaign = editor.find(request, campaign_id)
    form = ContentForm(request.POST, campaign=campaign, content=editor.content_of(campaign))
    problem: dict[str, Any]
    if not form.is_valid():
        status, problem = 422, {}
    else:
        try:
            saved = _save(request, campaign, form)
        except content.ChangedMeanwhileError as conflict:
            status, problem = 409, {"conflict": conflict.content}
        except content.NotEditableError:
            status, problem = 409, {"closed": True}
        else:
            return editor.saved(content.revision(saved))
    context = {"campaign": campaign, "form": form, "conflict": None, "closed": False, **problem}
    return render(request, "campaigns/_problem.html", context, status=status)


@member(Permission.EDIT)
@require_POST
def switch(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Save, then go on writing in another kind; going back brings back what was there."""
    campaign = editor.find(request, campaign_id)
    if away := editor.elsewhere(campaign, "content"):
        return away
    wanted = request.POST.get("kind", "")
    if wanted not in ContentKind.values:
        return redirect("campaign_content", campaign.pk)
    kind = ContentKind(wanted)
    current = editor.content_of(campaign)
    form = ContentForm(request.POST, campaign=campaign, content=current)
    if not form.is_valid():
        return _page(request, campaign, form, status=422)
    try:
        current = _save(request, campaign, form)
        before = content.last_written(campaign, kind)
        if before and converting.is_untouched(before):
            before = None  # nobody wrote it: better carried over anew
        source = before.source if before else converting.convert(current, kind)
        content.switch(campaign, kind, source=source, by=request.user)
    except content.ChangedMeanwhileError as conflict:
        return _page(request, campaign, form, status=409, conflict=conflict.content)
    except content.NotEditableError:
        return _page(request, campaign, form, status=409, closed=True)
    except BusyError as busy:  # saved, but not carried over
        messages.error(request, busy.sentence)
    else:
        kept = _("What you wrote there is kept: switch back to bring it back.")
        here = _("This is what you last wrote here.") if before else _("Carried over.")
        messages.info(request, f"{here} {kept}")
    return redirect("campaign_content", campaign.pk)


def _save(request: MemberRequest, campaign: Campaign, form: ContentForm) -> Content:
    based_on = form.cleaned_data["revision"] or None
    if "overwrite" in request.POST:
        based_on = None
    return content.save(
        campaign, form.writing(), sender=form.sender(), based_on=based_on, by=request.user
    )


def _onwards(request: MemberRequest, campaign: Campaign) -> HttpResponse:
    if request.POST.get("action") == "continue":
        step = "campaign_tracking" if campaign.status == "draft" else "campaign_live"
        return redirect(step, campaign.pk)
    if request.POST.get("action") == "test":
        return redirect("campaign_review", campaign.pk)
    return redirect("campaign_content", campaign.pk)


def _page(  # noqa: PLR0913 - each an optional part of the page
    request: MemberRequest,
    campaign: Campaign,
    form: ContentForm,
    *,
    status: int = 200,
    conflict: Content | None = None,
    closed: bool = False,
) -> HttpResponse:
    current = editor.content_of(campaign)
    audience = Audience.of(campaign)
    context = editor.page(
        request,
        campaign,
        "content",
        audience=audience,
        form=form,
        content=current,
        kind=ContentKind(current.kind),
        kinds=ContentKind,
        conflict=conflict,
        closed=closed,
        fields=merge_tags.to_insert(campaign.workspace),
        subject_length=subjects.length(str(form["subject"].value() or "")),
        **preview.pane_context(request, campaign, audience=audience),
    )
    return render(request, "campaigns/content.html", context, status=status)
