"""The first page of a campaign's life, and the way to wherever one is now."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.input.once import once
from accounts.roles import Permission
from campaigns import lifecycle, queries
from campaigns.drafts import editing
from campaigns.forms.editor import NewCampaignForm
from campaigns.states import ContentKind
from campaigns.views import editor


@member(Permission.EDIT)
@once
def new(request: MemberRequest) -> HttpResponse:
    """Name a campaign and choose how it is written."""
    usual = queries.templates(request.workspace).first()
    form = NewCampaignForm(
        request.POST or None,
        workspace=request.workspace,
        initial={"kind": ContentKind.MARKDOWN, "template": usual.pk if usual else None},
    )
    if request.method == "POST" and form.is_valid():
        campaign = lifecycle.create(
            request.workspace,
            name=form.cleaned_data["name"],
            kind=ContentKind(form.cleaned_data["kind"] or ContentKind.MARKDOWN),
            template=form.cleaned_data["template"],
            by=request.user,
        )
        return redirect("campaign_audience", campaign.pk)
    return render(request, "campaigns/new.html", {"form": form, "kinds": ContentKind})


@member()
def open_campaign(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Go to the page where this campaign is looked after now."""
    campaign = editor.find(request, campaign_id)
    return redirect(editor.place(campaign), campaign.pk)


@member(Permission.EDIT)
@require_POST
def rename(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Give a campaign another name."""
    campaign = editor.find(request, campaign_id)
    name = " ".join(request.POST.get("name", "").split())[:200]
    if name:
        editing.rename(campaign, name=name)
    else:
        messages.error(request, _("A campaign needs a name. It keeps the old one."))
    return redirect(editor.place(campaign), campaign.pk)


@member(Permission.EDIT)
@require_POST
@once
def duplicate(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Make a draft like this one, and open it."""
    copy = lifecycle.duplicate(editor.find(request, campaign_id), by=request.user)
    messages.success(request, _("This is a copy. The other campaign stays as it is."))
    return redirect("campaign_content", copy.pk)


@member(Permission.EDIT)
@require_POST
def archive(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Put a campaign that is over away, or take it out again."""
    campaign = editor.find(request, campaign_id)
    archived = campaign.archived_at is None
    if not lifecycle.archive(campaign, archived=archived):
        messages.error(request, _("Only campaigns that were sent or cancelled can be archived."))
    elif archived:
        messages.success(request, _("“%(name)s” is archived.") % {"name": campaign.name})
    else:
        messages.success(request, _("“%(name)s” is back in the list.") % {"name": campaign.name})
    return redirect(editor.place(campaign), campaign.pk)


@member(Permission.EDIT)
def delete(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Ask, then delete a campaign that nobody has mail from."""
    campaign = editor.find(request, campaign_id)
    if request.method == "POST":
        if lifecycle.delete(campaign):
            messages.success(request, _("“%(name)s” was deleted.") % {"name": campaign.name})
            return redirect("campaign_list")
        campaign.refresh_from_db()
    if not lifecycle.is_deletable(campaign):
        messages.error(
            request,
            _("People have mail from this campaign, or are about to, so its ledger is kept."),
        )
        return redirect(editor.place(campaign), campaign.pk)
    return render(request, "campaigns/delete.html", {"campaign": campaign})
