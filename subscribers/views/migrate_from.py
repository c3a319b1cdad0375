"""Migrating from another tool: choose it, hand over its export, check, start."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member, takes_files
from accounts.access.rows import own
from accounts.background import waking
from accounts.input.once import once
from accounts.roles import Permission
from subscribers import tasks
from subscribers.consent import ledger
from subscribers.fields.problems import reason, way_out
from subscribers.forms.migrate_from import MigrationForm
from subscribers.imports import files, outcome, steps, undo
from subscribers.imports.files import FileRefused
from subscribers.migrate_from import received_files, what_happens
from subscribers.migrate_from.arrivals import SourceRefused
from subscribers.models import MailingList, ToolMigration
from subscribers.states import ExistingPeople, ImportStatus, MigrationSource, SuppressionReason

SHOWN = 20  # migrations on the page, and problems
BY_PAGE = (
    MigrationSource.MAILCHIMP,
    MigrationSource.LISTMONK,
    MigrationSource.MAUTIC,
    MigrationSource.SUPPRESSIONS,
)
BUSY = (ImportStatus.CHECKING, ImportStatus.RUNNING, ImportStatus.UNDOING)


@member(Permission.EDIT)
def migration_list(request: MemberRequest) -> HttpResponse:
    """Show which tools people can be migrated from, and the migrations so far."""
    migrations = _migrations(request).order_by("-pk")[:SHOWN]
    return render(request, "subscribers/migration_list.html", {"migrations": migrations})


@member(Permission.EDIT)
@takes_files
@once
def migration_new(request: MemberRequest) -> HttpResponse:
    """Take the files of one tool, and check them at once."""
    source = request.GET.get("from", "")
    if source not in BY_PAGE:
        return redirect("migration_list")
    form = MigrationForm(
        request.POST or None, request.FILES or None, workspace=request.workspace, source=source
    )
    if request.method == "POST" and form.is_valid():
        try:
            record = _take(request, MigrationSource(source), form.cleaned_data)
        except (FileRefused, SourceRefused) as refused:
            form.add_error("uploads", str(refused))
        else:
            if steps.start_check(record):
                _enqueue(tasks.check_import, record)
            return redirect("migration_page", record.pk)
    context = {"form": form, "source": source, "label": MigrationSource(source).label}
    status = 422 if form.errors else 200
    return render(request, "subscribers/migration_new.html", context, status=status)


def _take(request: MemberRequest, source: MigrationSource, data: dict[str, Any]) -> ToolMigration:
    stored = received_files.store([(upload.name or "", upload.file) for upload in data["uploads"]])
    words = data.get("statement", "")
    try:
        with transaction.atomic():  # the new list goes with a migration that can't be made
            return received_files.take(
                request.workspace,
                source=source,
                stored=stored,
                mailing_list=_list_of(request, data),
                statement=ledger.statement(request.workspace, text=words) if words else None,
                existing=ExistingPeople(data.get("existing") or ExistingPeople.FILL),
                reason=SuppressionReason(data.get("reason") or SuppressionReason.IMPORTED),
                actor=request.user,
            )
    except Exception:
        files.discard(*(one["path"] for one in stored))
        raise


def _list_of(request: MemberRequest, data: dict[str, Any]) -> MailingList | None:
    """Return the chosen list, made if it is a new one."""
    chosen: MailingList | None = data.get("list")
    if chosen is None and data.get("new_list"):
        return MailingList.objects.create(
            workspace=request.workspace,
            name=data["new_list"],
            visibility=MailingList.Visibility.PRIVATE,
        )
    return chosen


@member(Permission.EDIT)
def migration_page(request: MemberRequest, migration_id: int) -> HttpResponse:
    """Show what a migration would do, how far it is, or what it did."""
    record = _record(request, migration_id)
    findings = record.flagged
    context = {
        "record": record,
        "busy": record.status in BUSY,
        "looked_at": int(cache.get(f"migration:{record.pk}") or 0),
        "names": ", ".join(one["name"] for one in record.files[:4]),
        "counts": {
            "new": record.created,
            "changed": record.updated,
            "unchanged": record.unchanged,
            "suppressed": record.suppressed,
            "skipped": record.kept_out,
            "invalid": record.invalid + record.duplicates,
        },
        "done": record.created + record.updated + record.unchanged + record.suppressed,
        "happens": what_happens.facts(record),
        "lists": what_happens.lists(record),
        "left_out": _by_code(findings.get("left_out", {})),
        "noticed": findings.get("noticed", {}),
        "problems": [
            {
                **problem,
                "reason": reason(problem["code"], problem["params"]),
                "way_out": way_out(problem["code"], problem["params"]),
            }
            for problem in record.problems[:SHOWN]
        ],
        "by_page": record.source != MigrationSource.LISTMONK_DATABASE,
        "undo_until": what_happens.undo_until(record),
        "undone": undo.Undone(**record.undo),
        "stays": outcome.why_they_stay(record.undo.get("kept", {})),
    }
    asked = request.headers.get("HX-Request") == "true"
    partial = asked and record.status in BUSY
    template = (
        "subscribers/_migration_figures.html" if partial else "subscribers/migration_page.html"
    )
    response = render(request, template, context)
    if asked and not partial:
        response["HX-Refresh"] = "true"
    return response


def _by_code(left_out: dict[str, str]) -> dict[str, str]:
    """Return, for each reason why something stays behind, all that does."""
    grouped: dict[str, list[str]] = {}
    for what, code in sorted(left_out.items()):
        grouped.setdefault(code, []).append(what)
    return {code: ", ".join(names) for code, names in grouped.items()}


@require_POST
@member(Permission.EDIT)
def migration_act(request: MemberRequest, migration_id: int) -> HttpResponse:
    """Start, check again, stop, or discard."""
    record = _record(request, migration_id)
    action = request.POST.get("action", "")
    if action == "run" and _may_run(record) and steps.start_run(record):
        _enqueue(tasks.run_import, record)
    elif action == "check" and _may_run(record) and steps.start_check(record):
        _enqueue(tasks.check_import, record)
    elif action == "cancel" and steps.cancel(record):
        messages.info(request, _("Stopped. What had gone in stays in."))
    elif action == "discard" and steps.discard(record):
        messages.success(request, _("Discarded. Nothing was written."))
        return redirect("migration_list")
    return redirect("migration_page", record.pk)


def _enqueue(task: Any, record: ToolMigration) -> None:
    waking.wake(task, record.pk)


def _may_run(record: ToolMigration) -> bool:
    """Only commands read databases."""
    return record.source != MigrationSource.LISTMONK_DATABASE


@member(Permission.EDIT)
def migration_report(request: MemberRequest, migration_id: int) -> HttpResponse | FileResponse:
    """Download the rows left out, with the reason."""
    record = _record(request, migration_id)
    path = Path(record.errors_path) if record.errors_path else None
    if path is None or not path.exists():
        raise Http404
    name = f"{record.source}-{record.pk}-left-out.csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv")


def _record(request: MemberRequest, migration_id: int) -> ToolMigration:
    return own(request, _migrations(request), migration_id)


def _migrations(request: MemberRequest) -> QuerySet[ToolMigration]:
    rows = ToolMigration.objects.filter(workspace=request.workspace)
    return rows.select_related("mailing_list", "statement", "workspace")
