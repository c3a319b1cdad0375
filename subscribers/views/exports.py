"""Exports: choose what, then download. Analysts see figures; they take nobody's data along."""

import structlog
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.roles import Permission
from subscribers.directory import counts, directory, export
from subscribers.directory.filters import PeopleFilters
from subscribers.models import MailingList, Segment, Subscriber
from subscribers.states import SuppressionReason
from subscribers.views.people_list import unread

log = structlog.get_logger()


@member(Permission.EXPORT)
def subscriber_export_all(request: MemberRequest) -> HttpResponse:
    """Ask which columns and which form; the selection comes from the page before."""
    _people, title = _selection(request)
    chosen = {"first_name", "last_name", "lists", "tags"}
    columns = export.columns(request.workspace)
    context = {
        "columns": columns,
        "chosen": chosen | {one.key for one in columns if one.key.startswith(export.FIELD)},
        "title": title,
        "count": counts.lately(request.workspace, PeopleFilters.read(request.GET.dict())),
        "narrowed": PeopleFilters.read(request.GET.dict()).pairs(),
    }
    return render(request, "subscribers/export.html", context)


@member(Permission.EXPORT)
def subscriber_download(request: MemberRequest) -> StreamingHttpResponse:
    """Stream the chosen people."""
    people, title = _selection(request)
    wanted = set(request.GET.getlist("column"))
    chosen = [one for one in export.columns(request.workspace) if one.key in wanted]
    form = request.GET.get("format", export.CSV)
    form = form if form in export.FORMATS else export.CSV
    ids = export.choose(people)
    log.info(
        "subscribers.exported",
        workspace_id=request.workspace.pk,
        user_id=request.user.pk,
        people=len(ids),
        format=form,
        narrowed_by=[name for name, _value in PeopleFilters.read(request.GET.dict()).pairs()],
    )
    response = StreamingHttpResponse(
        export.write(request.workspace, ids, chosen=chosen, form=form),
        content_type=export.FORMATS[form],
    )
    ending = "csv" if form == export.CSV else "ndjson"
    response["Content-Disposition"] = f'attachment; filename="{_filename(title)}.{ending}"'
    return response


@member(Permission.EXPORT)
def suppression_export(request: MemberRequest) -> StreamingHttpResponse:
    """Stream the suppression list, all of it or the addresses of one reason."""
    reason = request.GET.get("reason", "")
    reason = reason if reason in SuppressionReason.values else ""
    log.info(
        "suppressions.exported",
        workspace_id=request.workspace.pk,
        user_id=request.user.pk,
        reason=reason,
    )
    response = StreamingHttpResponse(
        export.suppressions(request.workspace, reason=reason),
        content_type=export.FORMATS[export.CSV],
    )
    response["Content-Disposition"] = f'attachment; filename="{_filename("suppressed")}.csv"'
    return response


def _selection(request: MemberRequest) -> tuple[QuerySet[Subscriber], str]:
    """Return the people that the address names, and what to call them."""
    filters = PeopleFilters.read(request.GET.dict())
    if filters.unread:
        raise BadRequest(unread(filters))
    title = _("Subscribers")
    if filters.list_id:
        title = own(request, MailingList, filters.list_id).name
    elif filters.segment_id:
        title = own(request, Segment, filters.segment_id).name
    return directory.matching(request.workspace, filters), title


def _filename(title: str) -> str:
    return f"{slugify(title)[:60] or 'subscribers'}-{timezone.localdate():%Y-%m-%d}"
