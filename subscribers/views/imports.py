"""Imports: the list of them, a new one, and what may be done to one."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member, takes_files
from accounts.access.rows import own
from accounts.background import waking
from accounts.input.numbers import row_number
from accounts.input.once import once
from accounts.roles import Permission
from subscribers import tasks
from subscribers.addresses import domains
from subscribers.forms.imports import ReadForm, UploadForm
from subscribers.imports import files, leftovers, outcome, sources, steps, undo
from subscribers.models import Import, MailingList, ToolMigration
from subscribers.views.import_steps import counts, find, stepper

PAGE = 50
MIGRATIONS = 10


@member()
def import_list(request: MemberRequest) -> HttpResponse:
    """Show all imports, newest first."""
    text = request.GET.get("before", "")
    imports = request.workspace.imports.of_files().select_related("mailing_list").order_by("-pk")
    if before := row_number(text):
        imports = imports.filter(pk__lt=before)
    found = list(imports[: PAGE + 1])
    older = found[PAGE - 1].pk if len(found) > PAGE else None
    rows = [{"record": record, "counts": counts(record)} for record in found[:PAGE]]
    migrations = ToolMigration.objects.filter(workspace=request.workspace).select_related(
        "mailing_list"
    )
    migrations = migrations.order_by("-pk")[:MIGRATIONS]
    context = {"imports": rows, "older": older, "migrations": [] if before else list(migrations)}
    return render(request, "subscribers/import_list.html", context)


@member(Permission.EDIT)
@takes_files
@once
def import_new(request: MemberRequest) -> HttpResponse:
    """Take a file or pasted rows."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            if upload:
                path, size = files.store(upload.chunks())
                name = upload.name or "file.csv"
            else:
                path, size = files.store([form.cleaned_data["text"].encode()])
                name = _("Pasted rows")
            record = steps.take_file(
                request.workspace,
                path=path,
                size=size,
                filename=name,
                actor=request.user,
                mailing_list=_asked_list(request),
                source=form.cleaned_data["source"],
            )
        except files.BelongsElsewhere as refused:
            form.add_error(None, _leading_on(refused))
        except files.FileRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("import_page", record.pk)
    return render(
        request,
        "subscribers/import_new.html",
        {"form": form, "steps": stepper("file", None), "sources": sources.SOURCES},
        status=422 if form.errors else 200,
    )


def _leading_on(refused: files.BelongsElsewhere) -> SafeString:
    address = f"{reverse('migration_new')}?from={refused.source}"
    return format_html('{} <a href="{}">{}</a>', str(refused), address, _("Migrate it instead"))


def _asked_list(request: MemberRequest) -> MailingList | None:
    """Return the list that somebody came from (``?list=``)."""
    key = row_number(request.GET.get("list", "")) or 0
    return request.workspace.lists.filter(pk=key, archived_at=None).first()


@require_POST
@member(Permission.EDIT)
def import_act(request: MemberRequest, import_id: int) -> HttpResponse:
    """Start, cancel, check again, correct a domain, or discard."""
    record = find(request, import_id)
    action = request.POST.get("action", "")
    if action == "run" and steps.is_ready(record) and steps.start_run(record):
        _enqueue(tasks.run_import, record)
    elif action == "check" and steps.is_ready(record) and steps.start_check(record):
        _enqueue(tasks.check_import, record)
    elif action == "cancel" and steps.cancel(record):
        messages.info(request, _("Stopped. What had gone in stays in."))
    elif action == "correct":
        _correct(request, record)
    elif action == "reread":
        _reread(request, record)
    elif action == "discard" and steps.discard(record):
        messages.success(request, _("Discarded. Nothing was written."))
        return redirect("import_list")
    return redirect("import_page", record.pk)


def _correct(request: MemberRequest, record: Import) -> None:
    mistyped = request.POST.get("domain", "")
    right = domains.suggestion(mistyped)
    if right and steps.correct_domain(record, mistyped=mistyped, right=right):
        steps.start_check(record)
        _enqueue(tasks.check_import, record)


def _reread(request: MemberRequest, record: Import) -> None:
    form = ReadForm(request.POST, record=record)
    if not form.is_valid():
        messages.error(request, _("Choose how the file is written."))
        return
    try:
        steps.reread(record, **form.cleaned_data)
    except files.FileRefused as refused:
        messages.error(request, str(refused))


@member(Permission.EDIT)
def import_undo(request: MemberRequest, import_id: int) -> HttpResponse:
    """Say what an undo of an import, or of a migration, would do, and begin it."""
    record = own(request, request.workspace.imports.all(), import_id)
    page = reverse("migration_page" if record.is_migration else "import_page", args=[record.pk])
    if not undo.can_be_undone(record):
        return redirect(page)
    if request.method == "POST":
        if undo.start(record, tidies=request.POST.get("tidies") == "1"):
            _enqueue(tasks.undo_import, record)
        return redirect(page)
    outlook = undo.outlook(record)
    return render(
        request,
        "subscribers/import_undo.html",
        {
            "record": record,
            "page": page,
            "suppressed": undo.brought(record).count(),
            "outlook": outlook,
            "stays": outcome.why_they_stay(outlook.kept),
            "made": leftovers.names(record),
        },
    )


@member(Permission.EDIT)
def import_errors(request: MemberRequest, import_id: int) -> HttpResponse | FileResponse:
    """Download the rows that could not go in."""
    record = find(request, import_id)
    path = Path(record.errors_path) if record.errors_path else None
    if path is None or not path.exists():
        raise Http404
    name = f"{Path(record.filename).stem} - to correct.csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv")


def _enqueue(task: Any, record: Import) -> None:
    waking.wake(task, record.pk)
