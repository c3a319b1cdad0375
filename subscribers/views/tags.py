"""Tags: made, renamed, merged, deleted."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.background import waking
from accounts.input.numbers import row_number
from accounts.roles import Permission
from subscribers import tasks
from subscribers.bulk import actions
from subscribers.directory.filters import PeopleFilters
from subscribers.fields import usage
from subscribers.models import Tag
from subscribers.people import tags
from subscribers.states import BulkKind


@member(Permission.VIEW)
def tag_list(request: MemberRequest) -> HttpResponse:
    """Show the tags with how many people have each."""
    return render(request, "subscribers/tags.html", {"rows": tags.counted(request.workspace)})


@require_POST
@member(Permission.EDIT)
def tag_new(request: MemberRequest) -> HttpResponse:
    """Make a tag."""
    name = request.POST.get("name", "")
    try:
        if tags.find(request.workspace, tags.clean(name)):
            messages.info(request, _("This tag is there already."))
        else:
            tags.find_or_create(request.workspace, [name])
            messages.success(request, _("The tag is there."))
    except tags.TagError as error:
        messages.error(request, str(error))
    return redirect("tag_list")


def _find(request: MemberRequest, tag_id: int | None) -> Tag:
    return own(request, Tag.objects.select_related("workspace", "tally"), tag_id)


@member(Permission.EDIT)
def tag_edit(request: MemberRequest, tag_id: int) -> HttpResponse:
    """Give a tag another name, or make it part of another one."""
    tag = _find(request, tag_id)
    if request.method == "POST":
        try:
            tags.rename(tag, name=request.POST.get("name", ""))
        except tags.TagError as error:
            messages.error(request, str(error))
            return redirect("tag_edit", tag.pk)
        messages.success(request, _("Saved."))
        return redirect("tag_list")
    others = Tag.objects.filter(workspace=request.workspace).exclude(pk=tag.pk)
    context = {
        "tag": tag,
        "others": others,
        "people": tags.count_of(tag),
        "uses": usage.of_tag(tag),
    }
    return render(request, "subscribers/tag_edit.html", context)


@require_POST
@member(Permission.EDIT)
def tag_merge(request: MemberRequest, tag_id: int) -> HttpResponse:
    """Give everybody who has one tag another one instead, in the background."""
    tag = _find(request, tag_id)
    into = _find(request, row_number(request.POST.get("into", "")))
    if into.pk == tag.pk:
        messages.error(request, _("Choose another tag."))
        return redirect("tag_edit", tag.pk)
    action = actions.start(
        request.workspace,
        kind=BulkKind.MERGE_TAG,
        actor=request.user,
        settings={"tag": tag.pk, "name": tag.name, "into": into.pk, "into_name": into.name},
        whom=PeopleFilters(tag_id=tag.pk),
    )
    waking.wake(tasks.run_bulk_action, action.pk)
    return redirect("bulk_page", action.pk)


@member(Permission.EDIT)
def tag_delete(request: MemberRequest, tag_id: int) -> HttpResponse:
    """Take a tag away from everybody, after saying where it is used."""
    tag = _find(request, tag_id)
    if request.method == "POST":
        try:
            tags.delete(tag)
        except usage.InUse:
            return redirect("tag_delete", tag.pk)  # says where it is used
        messages.success(request, _("The tag is gone. Its people stay."))
        return redirect("tag_list")
    context = {"tag": tag, "people": tags.count_of(tag), "uses": usage.of_tag(tag)}
    return render(request, "subscribers/tag_delete.html", context)
