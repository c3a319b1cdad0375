"""The list of people: narrowed, with the columns that a member chose."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.models import Membership
from accounts.roles import Permission
from subscribers.directory import columns, counts, directory
from subscribers.directory.filters import PeopleFilters
from subscribers.forms.people import bulk_choices
from subscribers.models import CustomField, MailingList, Segment, Tag
from subscribers.segments.tree import InvalidRules
from subscribers.states import AddressFlag, SubscriptionStatus
from subscribers.views.people import key


@member(Permission.VIEW)
def subscriber_list(request: MemberRequest) -> HttpResponse:
    """Show people, newest first, by what they are narrowed to."""
    workspace = request.workspace
    filters = PeopleFilters.read(request.GET.dict())
    try:
        page = directory.page(
            workspace, filters, before=key(request, "before"), after=key(request, "after")
        )
    except InvalidRules as wrong:
        text = _("This segment can't be asked as it is: %(why)s")
        messages.error(request, text % {"why": wrong.faults[0].message})
        return redirect("segment_page", filters.segment_id)
    if filters.unread:
        messages.error(request, unread(filters))
    fields = list(CustomField.objects.filter(workspace=workspace))
    shown = columns.chosen(request.membership, fields)
    columns.fill(page.people, shown)
    context = {
        "page": page,
        "filters": filters,
        "count": counts.lately(workspace, filters, page),
        "statuses": SubscriptionStatus.choices,
        "lists": MailingList.objects.filter(workspace=workspace, archived_at=None),
        "tags": Tag.objects.filter(workspace=workspace),
        "segments": Segment.objects.filter(workspace=workspace).only("name", "workspace_id"),
        "fields": fields,
        "flags": flag_names(),
        "columns": shown,
        "all_columns": columns.available(fields),
        "actions": bulk_choices(),
    }
    return render(request, "subscribers/people.html", context)


@require_POST
@member(Permission.VIEW)
def subscriber_columns(request: MemberRequest) -> HttpResponse:
    """Remember which columns a member wants to see, for themselves alone."""
    wanted = request.POST.getlist("columns")
    fields = CustomField.objects.filter(workspace=request.workspace)
    known = [column.key for column in columns.available(fields)]
    chosen = [name for name in known if name in wanted]
    Membership.objects.filter(pk=request.membership.pk).update(people_columns=chosen)
    return back(request)


def back(request: MemberRequest) -> HttpResponse:
    """Lead back to the list of people as it was narrowed; nowhere else."""
    where = request.POST.get("back", "")
    ours = where.startswith(f"{reverse('subscriber_list')}?") and url_has_allowed_host_and_scheme(
        where, None
    )
    return redirect(where if ours else "subscriber_list")


def unread(filters: PeopleFilters) -> str:
    """Say that filters make no sense, so that nobody is meant."""
    text = _("These filters can't be read, so nobody is shown: %(names)s. Choose them again.")
    return text % {"names": filters.unread}


def flag_names() -> Sequence[tuple[int, str]]:
    """Return what may be noticed about an address, in words."""
    return [(int(flag), text) for flag, text in _flag_texts().items()]


def _flag_texts() -> dict[AddressFlag, Any]:
    return {
        AddressFlag.ROLE: _("Shared box"),
        AddressFlag.DISPOSABLE: _("Disposable address"),
        AddressFlag.TYPO: _("Probably mistyped"),
        AddressFlag.NO_MAIL_SERVER: _("Domain does not accept email"),
    }
