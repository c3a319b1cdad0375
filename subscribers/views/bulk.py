"""Actions on many people: asked about, begun, watched, cancelled, undone."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.background import waking
from accounts.input.numbers import row_number, row_numbers
from accounts.roles import Permission
from subscribers import tasks
from subscribers.bulk import actions, ask_again, runner
from subscribers.directory import counts
from subscribers.directory.filters import PeopleFilters
from subscribers.forms.people import BulkForm
from subscribers.models import BulkAction, MailingList, Subscriber
from subscribers.signup.mails import put_many
from subscribers.states import BulkKind, BulkStatus
from subscribers.views.people import say_who_is_out
from subscribers.views.people_list import back, unread

MOST_AT_ONCE = 500  # ticked people; done at once, without leaving the page
SHOWN = 100
# What is asked about on a page of its own even for one person.
ASKED = (BulkKind.SUBSCRIBE, BulkKind.DELETE, BulkKind.ERASE, BulkKind.ASK_AGAIN)


@require_POST
@member(Permission.EDIT)
def subscriber_bulk(request: MemberRequest) -> HttpResponse:
    """Do one thing with the people ticked on a page, or with everybody who matches."""
    everybody = request.POST.get("whom") == "matching"
    ticked = row_numbers(request.POST.getlist("people"))[:MOST_AT_ONCE]
    mine = Subscriber.objects.filter(workspace=request.workspace, pk__in=ticked)
    people = list(mine.order_by("pk").values_list("pk", flat=True))
    query = request.POST.get("filters", "")
    filters = PeopleFilters.read(dict(parse_qsl(query)))
    if everybody and filters.unread:
        messages.error(request, unread(filters))
        return back(request)
    form = BulkForm(request.POST, workspace=request.workspace)
    if not (everybody or people) or not form.is_valid():
        said = [str(error) for errors in form.errors.values() for error in errors]
        messages.error(
            request,
            " ".join(said) or _("Choose people, an action, and a list where one is needed."),
        )
        return back(request)
    kind = BulkKind(form.cleaned_data["action"])
    confirmed = request.POST.get("confirmed") == "1"
    if (everybody or kind in ASKED) and not (confirmed and form.is_complete()):
        count = counts.count(request.workspace, filters) if everybody else len(people)
        context = {
            "form": form,
            "kind": kind,
            "people": [] if everybody else people,
            "everybody": everybody,
            "query": query,
            "count": count,
            "back": request.POST.get("back", ""),
            "asked_before": confirmed,
            "every": ask_again.EVERY.days,
        }
        return render(request, "subscribers/bulk_confirm.html", context)
    action = actions.start(
        request.workspace,
        kind=kind,
        actor=request.user,
        settings=form.settings(),
        whom=filters if everybody else people,
    )
    return _begin(request, action, people if not everybody else None)


def _begin(
    request: MemberRequest, action: BulkAction, people: Sequence[int] | None
) -> HttpResponse:
    if people is None:
        waking.wake(tasks.run_bulk_action, action.pk)
        return redirect("bulk_page", action.pk)
    if runner.run(action.pk, send=put_many, seconds=5) is not None:
        waking.wake(tasks.run_bulk_action, action.pk)
        return redirect("bulk_page", action.pk)
    action.refresh_from_db()
    if action.status in actions.OPEN:  # the rest waits for its minute
        return redirect("bulk_page", action.pk)
    text = ngettext("%(n)s person changed.", "%(n)s people changed.", action.changed)
    if action.kind == BulkKind.ASK_AGAIN:
        text = ngettext("%(n)s person is asked.", "%(n)s people are asked.", action.changed)
    said = text % {"n": action.changed}
    if actions.may_undo(action):
        way_back = reverse("bulk_page", args=[action.pk])
        said = format_html('{} <a href="{}">{}</a>', said, way_back, _("Undo…"))
    messages.success(request, said)
    if action.kind == BulkKind.SUBSCRIBE and action.changed < len(people):
        say_who_is_out(request, list(Subscriber.objects.filter(pk__in=people)))
    return back(request)


def _find(request: MemberRequest, action_id: int) -> BulkAction:
    return own(request, BulkAction.objects.select_related("created_by"), action_id)


@member(Permission.VIEW)
def bulk_list(request: MemberRequest) -> HttpResponse:
    """Show what was done with many people, newest first."""
    rows = BulkAction.objects.filter(workspace=request.workspace).select_related("created_by")
    before = row_number(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    shown = list(rows.order_by("-pk")[: SHOWN + 1])
    context = {"actions": shown[:SHOWN], "older": shown[SHOWN - 1].pk if shown[SHOWN:] else None}
    return render(request, "subscribers/bulk_list.html", context)


@member(Permission.VIEW)
def bulk_page(request: MemberRequest, action_id: int) -> HttpResponse:
    """Show one action: how far it came, what it changed, and the way back."""
    action = _find(request, action_id)
    lists = MailingList.objects.filter(workspace=request.workspace)
    partial = request.headers.get("HX-Request") == "true"
    context = {
        "action": action,
        "partial": partial,
        "running": action.status in actions.OPEN,
        "may_cancel": action.status in (BulkStatus.WAITING, BulkStatus.RUNNING),
        "may_undo": actions.may_undo(action),
        "list": lists.filter(pk=action.settings.get("list")).first(),
        "query": PeopleFilters.read(action.filters).query(),
    }
    name = "subscribers/_bulk.html" if partial else "subscribers/bulk_page.html"
    return render(request, name, context)


@require_POST
@member(Permission.EDIT)
def bulk_act(request: MemberRequest, action_id: int) -> HttpResponse:
    """Cancel an action, or take it back."""
    action = _find(request, action_id)
    if request.POST.get("action") == "cancel":
        if not actions.cancel(action):
            messages.info(request, _("It has ended already."))
    elif actions.undo(action):
        waking.wake(tasks.run_bulk_action, action.pk)
    else:
        messages.error(request, _("This can't be undone."))
    return redirect("bulk_page", action.pk)
