"""Lists: what people join."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from subscribers.directory import directory, hygiene
from subscribers.fields import usage
from subscribers.forms.people import ListForm
from subscribers.models import MailingList, SignupForm
from subscribers.privacy import erasure
from subscribers.views.people import key


@member(Permission.VIEW)
def list_list(request: MemberRequest) -> HttpResponse:
    """Show the lists with how many people are on each."""
    lists = MailingList.objects.filter(workspace=request.workspace)
    archived = request.GET.get("archived") == "1"
    rows = directory.count_lists(lists.filter(archived_at__isnull=not archived))
    context = {
        "rows": rows,
        "archived": archived,
        "growth": hygiene.growth([row.list for row in rows]),
    }
    return render(request, "subscribers/lists.html", context)


@member(Permission.VIEW)
def list_page(request: MemberRequest, list_id: int) -> HttpResponse:
    """Show one list: its figures, its forms, its newest people."""
    mailing_list = own(request, MailingList, list_id)
    filters = directory.Filters(list_id=mailing_list.pk)
    context = {
        "list": mailing_list,
        "counts": directory.count_lists([mailing_list])[0],
        "growth": _growth_chart(hygiene.growth([mailing_list])[mailing_list.pk]),
        "page": directory.page(
            request.workspace, filters, before=key(request, "before"), after=key(request, "after")
        ),
        "forms": SignupForm.objects.filter(lists=mailing_list),
    }
    return render(request, "subscribers/list.html", context)


def _growth_chart(months: list[hygiene.Month]) -> dict[str, Any] | None:
    """Return the drawing of who joined and left, month by month; None where nobody did."""
    joined = [month.joined for month in months]
    left = [month.left for month in months]
    if not any(joined + left):
        return None
    return {
        "kind": "bars",
        "categories": [month.first.strftime("%Y-%m") for month in months],
        "series": [
            {"name": _("Joined"), "values": joined, "tone": "sent"},
            {"name": _("Left"), "values": left, "tone": "waiting"},
        ],
    }


def _edit(request: MemberRequest, mailing_list: MailingList, title: str) -> HttpResponse:
    editing = Editing(request, mailing_list)
    form = editing.attach(ListForm(request.POST or None, instance=mailing_list))

    def stored() -> ListForm:
        return ListForm(instance=own(request, MailingList, mailing_list.pk))

    if request.method == "POST" and form.is_valid() and editing.save(form, form.save, stored):
        messages.success(request, _("Saved."))
        return redirect("list_page", mailing_list.pk)
    context = {"form": form, "list": mailing_list, "title": title}
    status = 409 if editing.conflict else 200
    return render(request, "subscribers/list_edit.html", context, status=status)


@member(Permission.EDIT)
@once
def list_new(request: MemberRequest) -> HttpResponse:
    """Make a list."""
    return _edit(request, MailingList(workspace=request.workspace), _("New list"))


@member(Permission.EDIT)
def list_edit(request: MemberRequest, list_id: int) -> HttpResponse:
    """Change a list."""
    mailing_list = own(request, MailingList, list_id)
    return _edit(request, mailing_list, mailing_list.name)


@member(Permission.EDIT)
def list_archive(request: MemberRequest, list_id: int) -> HttpResponse:
    """Ask, saying where it is used, then archive a list; its people and its history stay."""
    mailing_list = own(request, MailingList, list_id)
    uses = [use for use in usage.of_list(mailing_list) if use.holds]
    if request.method != "POST":
        return render(
            request, "subscribers/list_archive.html", {"list": mailing_list, "uses": uses}
        )
    mine = MailingList.objects.filter(pk=mailing_list.pk)
    if mine.filter(archived_at=None).update(archived_at=timezone.now()):
        messages.success(request, _("The list is archived. Nobody on it was changed."))
    return redirect("list_page", mailing_list.pk)


@require_POST
@member(Permission.EDIT)
def list_restore(request: MemberRequest, list_id: int) -> HttpResponse:
    """Take an archived list into use again."""
    mailing_list = own(request, MailingList, list_id)
    MailingList.objects.filter(pk=mailing_list.pk).update(archived_at=None)
    return redirect("list_page", mailing_list.pk)


@member(Permission.EDIT)
def list_delete(request: MemberRequest, list_id: int) -> HttpResponse:
    """Delete a list, after saying what goes with it; one that campaigns went to stays."""
    mailing_list = own(request, MailingList, list_id)
    counts = directory.count_lists([mailing_list])[0]
    people = counts.subscribed + counts.unconfirmed + counts.unsubscribed
    uses = usage.of_list(mailing_list)
    if request.method == "POST":
        given = request.POST.get("name", "").strip()
        if people and given != mailing_list.name:
            messages.error(request, _("Type the list's name exactly, to be sure."))
            return redirect("list_delete", mailing_list.pk)
        try:
            erasure.delete_list(mailing_list)
        except usage.InUse:
            return redirect("list_delete", mailing_list.pk)  # says where it is used
        messages.success(request, _("The list is gone. Its people stay."))
        return redirect("list_list")
    context = {"list": mailing_list, "counts": counts, "people": people, "uses": uses}
    return render(request, "subscribers/list_delete.html", context)
