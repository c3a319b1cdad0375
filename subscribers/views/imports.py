"""The import wizard: file, columns, consent, check, import. It can be left and come back to."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member
from accounts.numbers import row_number
from accounts.roles import Permission
from subscribers import address_domains, consent, tasks
from subscribers.import_forms import ConsentForm, UploadForm
from subscribers.imports import files, mapping, steps
from subscribers.imports.mapping import Target
from subscribers.models import CustomField, Import, MailingList
from subscribers.problems import reason, way_out
from subscribers.states import FieldType, ImportStatus

SHOWN = 8  # problems on the page
PAGE = 50
BUSY = (ImportStatus.CHECKING, ImportStatus.RUNNING)


@member()
def import_list(request: MemberRequest) -> HttpResponse:
    """Show all imports, newest first."""
    text = request.GET.get("before", "")
    rows = request.workspace.imports.select_related("mailing_list").order_by("-pk")
    if before := row_number(text):
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    older = found[PAGE - 1].pk if len(found) > PAGE else None
    return render(
        request, "subscribers/import_list.html", {"imports": found[:PAGE], "older": older}
    )


@member(Permission.EDIT)
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
            )
        except files.FileRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("import_page", record.pk)
    return render(
        request,
        "subscribers/import_new.html",
        {"form": form, "steps": _steps("file", None)},
        status=422 if form.errors else 200,
    )


def _asked_list(request: MemberRequest) -> MailingList | None:
    """Return the list that somebody came from (``?list=``)."""
    key = row_number(request.GET.get("list", "")) or 0
    return request.workspace.lists.filter(pk=key, archived_at=None).first()


@member(Permission.EDIT)
def import_page(request: MemberRequest, import_id: int) -> HttpResponse:
    """Show the step that an import is in, or an earlier one by ``?step=``."""
    record = _record(request, import_id)
    step = _step(record, request.GET.get("step", ""))
    if step == "columns":
        return _columns(request, record)
    if step == "consent":
        return _consent(request, record)
    return _figures(request, record, step)


def _columns(request: MemberRequest, record: Import) -> HttpResponse:
    error = ""
    targets = mapping.load(record.mapping)
    if request.method == "POST":
        targets = [_target(request, index) for index in range(len(record.columns))]
        try:
            if steps.set_mapping(record, targets=targets):
                return redirect(f"{request.path}?step=consent")
        except mapping.MappingRefused as refused:
            error = str(refused)
    own = CustomField.objects.filter(workspace=request.workspace)
    options = [
        *mapping.standard_targets(),
        *((f"{mapping.FIELD}{field.key}", field.label) for field in own),
        (mapping.NEW, _("New field")),
    ]
    columns = [
        {
            "index": index,
            "name": name,
            "samples": [row[index] for row in record.samples if index < len(row) and row[index]][
                :3
            ],
            "target": target,
        }
        for index, (name, target) in enumerate(zip(record.columns, targets, strict=True))
    ]
    types = [(kind.value, kind.label) for kind in mapping.NEW_TYPES]
    context = {
        "record": record,
        "columns": columns,
        "options": options,
        "types": types,
        "error": error,
        "steps": _steps("columns", record),
    }
    template = "subscribers/import_columns.html"
    return render(request, template, context, status=422 if error else 200)


def _target(request: MemberRequest, index: int) -> Target:
    to = request.POST.get(f"to_{index}", "")
    kind = request.POST.get(f"type_{index}", FieldType.TEXT)
    order = request.POST.get(f"order_{index}", "dmy")
    return Target(
        to=to,
        label=" ".join(request.POST.get(f"label_{index}", "").split())[:80] if to == "new" else "",
        type=kind if kind in FieldType.values else FieldType.TEXT,
        date_order=order if order in {"dmy", "mdy"} else "dmy",
    )


def _consent(request: MemberRequest, record: Import) -> HttpResponse:
    initial = {
        "list": record.mailing_list_id,
        "status": record.subscription_status,
        "statement": record.statement.text if record.statement else "",
        "existing": "fill" if record.fill_empty_only else "overwrite",
    }
    form = ConsentForm(request.POST or None, workspace=request.workspace, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        steps.set_consent(
            record,
            mailing_list=data["list"],
            status=data["status"],
            statement=consent.statement(request.workspace, text=data["statement"]),
            fill_empty_only=data["existing"] == "fill",
        )
        if steps.start_check(record):
            _enqueue(tasks.check_import, record)
        return redirect("import_page", record.pk)
    return render(
        request,
        "subscribers/import_consent.html",
        {"form": form, "record": record, "steps": _steps("consent", record)},
    )


def _figures(request: MemberRequest, record: Import, step: str) -> HttpResponse:
    labels = dict(
        CustomField.objects.filter(workspace=request.workspace).values_list("key", "label")
    )
    checked = int(cache.get(f"import-check:{record.pk}") or 0)
    context: dict[str, Any] = {
        "record": record,
        "steps": _steps(step, record),
        "busy": record.status in BUSY,
        "counts": {
            "new": record.created,
            "changed": record.updated,
            "unchanged": record.unchanged,
            "suppressed": record.suppressed,
            "invalid": record.invalid,
        },
        "done": record.created + record.updated + record.unchanged + record.suppressed,
        "checked_rows": checked,
        "people": record.created + record.updated + record.unchanged,
        "problems": [
            {
                **problem,
                "field": mapping.label(Target(to=problem["field"]), own=labels),
                "reason": reason(problem["code"], problem["params"]),
                "way_out": way_out(problem["code"], problem["params"]),
            }
            for problem in record.problems[:SHOWN]
        ],
        "typos": [
            {"domain": domain, "right": address_domains.suggestion(domain), "rows": rows}
            for domain, rows in record.flagged.get("typos", {}).items()
        ],
        "new_fields": [
            target for target in mapping.load(record.mapping) if target.to == mapping.NEW
        ],
        "type_names": dict(FieldType.choices),
    }
    partial = request.headers.get("HX-Request") == "true" and record.status in BUSY
    template = "subscribers/_import_figures.html" if partial else "subscribers/import_page.html"
    response = render(request, template, context)
    if request.headers.get("HX-Request") == "true" and not partial:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@member(Permission.EDIT)
def import_act(request: MemberRequest, import_id: int) -> HttpResponse:
    """Start, cancel, check again, correct a domain, or discard."""
    record = _record(request, import_id)
    action = request.POST.get("action", "")
    if action == "run" and record.statement_id and steps.start_run(record):
        _enqueue(tasks.run_import, record)
    elif action == "check" and record.statement_id and steps.start_check(record):
        _enqueue(tasks.check_import, record)
    elif action == "cancel" and steps.cancel(record):
        messages.info(request, _("Stopped. What had gone in stays in."))
    elif action == "correct":
        mistyped = request.POST.get("domain", "")
        right = address_domains.suggestion(mistyped)
        if right and steps.correct_domain(record, mistyped=mistyped, right=right):
            steps.start_check(record)
            _enqueue(tasks.check_import, record)
    elif action == "discard" and steps.discard(record):
        messages.success(request, _("Discarded. Nothing was written."))
        return redirect("import_list")
    return redirect("import_page", record.pk)


@member(Permission.EDIT)
def import_errors(request: MemberRequest, import_id: int) -> HttpResponse | FileResponse:
    """Download the rows that could not go in."""
    record = _record(request, import_id)
    path = Path(record.errors_path) if record.errors_path else None
    if path is None or not path.exists():
        raise Http404
    name = f"{Path(record.filename).stem} - to correct.csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv")


def _enqueue(task: Any, record: Import) -> None:
    task.delay_on_commit(record.pk)


def _record(request: MemberRequest, import_id: int) -> Import:
    rows = request.workspace.imports.select_related("mailing_list", "statement", "workspace")
    return get_object_or_404(rows, pk=import_id)


def _step(record: Import, wanted: str) -> str:
    if record.status in {*BUSY, ImportStatus.DONE, ImportStatus.CANCELLED} or record.started_at:
        return "check" if record.status == ImportStatus.CHECKING else "import"
    if wanted in {"columns", "consent"}:
        return wanted
    if record.status in {ImportStatus.CHECKED, ImportStatus.FAILED}:
        return "check"
    return "columns"


def _steps(current: str, record: Import | None) -> list[dict[str, str]]:
    names = {
        "file": _("File"),
        "columns": _("Columns"),
        "consent": _("Consent"),
        "check": _("Check"),
        "import": _("Import"),
    }
    order = list(names)
    at = order.index(current)
    open_again = record is not None and not record.started_at
    return [
        {
            "label": label,
            "state": "done" if index < at else "current" if index == at else "open",
            "href": f"?step={name}" if open_again and 0 < index < at else "",
        }
        for index, (name, label) in enumerate(names.items())
    ]
