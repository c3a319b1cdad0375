"""People who may be one person: shown, told apart, merged."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.background import waking
from accounts.input.numbers import row_number
from accounts.roles import Permission
from subscribers import tasks
from subscribers.fields import definitions
from subscribers.models import (
    CustomField,
    DuplicateGroup,
    DuplicateSearch,
    Subscriber,
    Subscription,
)
from subscribers.people import duplicates, merging
from subscribers.people.merging import MergeError, Pair
from subscribers.states import DuplicateKind


@member(Permission.VIEW)
def duplicate_list(request: MemberRequest) -> HttpResponse:
    """Show the groups that the last search found."""
    kind = request.GET.get("kind", "")
    after = row_number(request.GET.get("after", "")) or 0
    groups, more = duplicates.page(request.workspace, kind=kind, after=after)
    search = DuplicateSearch.objects.filter(workspace=request.workspace).first()
    running = bool(
        search
        and search.started_at
        and (search.finished_at is None or search.finished_at < search.started_at)
    )
    if request.GET.get("part") == "state":  # the page asks while a search runs
        return HttpResponse(status=204, headers={} if running else {"HX-Refresh": "true"})
    context = {
        "groups": groups,
        "total": duplicates.count(request.workspace),
        "more": more,
        "kind": kind,
        "kinds": DuplicateKind.choices,
        "search": search,
        "running": running,
    }
    return render(request, "subscribers/duplicates.html", context)


@require_POST
@member(Permission.EDIT)
def duplicate_search(request: MemberRequest) -> HttpResponse:
    """Begin a search."""
    if duplicates.begin(request.workspace):
        waking.wake(tasks.find_duplicates, request.workspace.pk)
    return redirect("duplicate_list")


@require_POST
@member(Permission.EDIT)
def duplicate_dismiss(request: MemberRequest, group_id: int) -> HttpResponse:
    """Note that these are different people."""
    group = own(request, DuplicateGroup, group_id)
    duplicates.tell_apart(request.workspace, group_id=group.pk)
    messages.success(request, _("They will not be shown together again."))
    return redirect("duplicate_list")


@member(Permission.EDIT)
def subscriber_merge(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Ask what stays of whom, and make one person of two."""
    people = Subscriber.objects.filter(workspace=request.workspace)
    keep = own(request, people, subscriber_id)
    given = request.POST if request.method == "POST" else request.GET
    away = people.filter(pk=row_number(given.get("with", "")) or 0).exclude(pk=keep.pk).first()
    if away is None:
        if request.method == "POST":
            raise Http404
        messages.info(request, _("Choose two people among the possible duplicates."))
        return redirect("duplicate_list")
    if request.method == "POST":
        theirs = merging.decode({name: str(value) for name, value in request.POST.items()})
        try:
            merging.merge(Pair(keep=keep, away=away, theirs=theirs), actor=request.user)
        except MergeError:
            raise Http404 from None
        messages.success(
            request, _("%(email)s became part of this person.") % {"email": away.email}
        )
        return redirect("subscriber_page", keep.pk)
    return render(request, "subscribers/merge.html", _merge_context(request, keep, away))


def _merge_context(request: MemberRequest, keep: Subscriber, away: Subscriber) -> dict[str, Any]:
    shapes = {
        f"field:{field.key}": definitions.shape(field)
        for field in CustomField.objects.filter(workspace=request.workspace)
    }
    names = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "language": _("Language"),
        "time_zone": _("Time zone"),
    }
    rows = []
    for name, mine, theirs in merging.differing(keep, away):
        shape = shapes.get(name)
        label = shape.label if shape else names.get(name, name.removeprefix("field:"))
        said = [
            definitions.display(shape, value) if shape else str(value or "")
            for value in (mine, theirs)
        ]
        rows.append({"name": name, "label": label, "mine": said[0], "theirs": said[1]})
    both = Subscription.objects.filter(subscriber__in=[keep, away]).select_related("list")
    return {
        "keep": keep,
        "away": away,
        "rows": rows,
        "subscriptions": both.order_by("list__name", "subscriber_id"),
        "one_mailbox": duplicates.mailbox(keep.email_key) == duplicates.mailbox(away.email_key),
    }
