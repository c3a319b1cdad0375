"""One page per step of an import: columns, consent, check, import. It can be left and come back."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.background import waking
from accounts.roles import Permission
from subscribers import tasks
from subscribers.addresses import domains
from subscribers.consent import ledger
from subscribers.fields.problems import reason, way_out
from subscribers.forms.imports import ConsentForm, ReadForm
from subscribers.imports import (
    consent_words,
    layout,
    mapping,
    outcome,
    questions,
    sources,
    steps,
    undo,
)
from subscribers.imports.encodings import encoding_label
from subscribers.imports.layout import Layout
from subscribers.imports.mapping import ColumnTarget
from subscribers.models import CustomField, Import
from subscribers.states import FieldType, ImportStatus

SHOWN = 8  # problems on the page
BUSY = (ImportStatus.CHECKING, ImportStatus.RUNNING, ImportStatus.UNDOING)
FINISHED = (ImportStatus.DONE, ImportStatus.CANCELLED, ImportStatus.UNDONE)
COUNTED = {
    "new": "created",
    "changed": "updated",
    "unchanged": "unchanged",
    "suppressed": "suppressed",
    "invalid": "invalid",
}


@member(Permission.EDIT)
def import_page(request: MemberRequest, import_id: int) -> HttpResponse:
    """Show the step that an import is in, or an earlier one by ``?step=``."""
    record = find(request, import_id)
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
        targets = [
            _target(request, index, before=targets[index]) for index in range(len(record.columns))
        ]
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
    asked = {question.index: question for question in questions.ask(record, targets)}
    disregarded = questions.disregarded(record, targets)
    columns = [
        {
            "index": index,
            "name": name,
            "samples": [row[index] for row in record.samples if index < len(row) and row[index]][
                :3
            ],
            "target": target,
            "disregarded": index in disregarded,
        }
        for index, (name, target) in enumerate(zip(record.columns, targets, strict=True))
    ]
    types = [(kind.value, kind.label) for kind in mapping.NEW_TYPES]
    source = sources.BY_KEY.get(record.source)
    context = {
        "record": record,
        "columns": columns,
        "options": options,
        "types": types,
        "error": error,
        "questions": [asked[index] for index in sorted(asked)],
        "has_open_question": any(question.open for question in asked.values()),
        "meanings": MEANINGS,
        "shown": questions.SHOWN,
        "source": source.label if source else "",
        "read_form": ReadForm(record=record),
        "warnings": outcome.warnings(record),
        "encoding": encoding_label(record.encoding),
        "examples": _examples(record),
        "steps": stepper("columns", record),
    }
    template = "subscribers/import_columns.html"
    return render(request, template, context, status=422 if error else 200)


def _examples(record: Import) -> list[str]:
    """Return cells that show whether the encoding is right; none where there is no doubt."""
    if record.encoding_is_certain and record.encoding.startswith("utf"):
        return []
    found = Layout(
        encoding=record.encoding, delimiter=record.delimiter, has_header=record.has_header
    )
    with suppress(OSError):
        return layout.examples(Path(record.path), found)
    return []


MEANINGS = (
    (consent_words.SUBSCRIBED, gettext_lazy("Subscribed")),
    (consent_words.UNCONFIRMED, gettext_lazy("Unconfirmed")),
    (consent_words.UNSUBSCRIBED, gettext_lazy("Unsubscribed")),
    (consent_words.BOUNCED, gettext_lazy("Bounced: suppress")),
    (consent_words.COMPLAINED, gettext_lazy("Reported as spam: suppress")),
    (consent_words.BLOCKED, gettext_lazy("Blocked: suppress")),
    (consent_words.LEFT_OUT, gettext_lazy("Leave these people out")),
)


def _target(request: MemberRequest, index: int, *, before: ColumnTarget) -> ColumnTarget:
    to = request.POST.get(f"to_{index}", "")
    kind = request.POST.get(f"type_{index}", FieldType.TEXT)
    order = request.POST.get(f"order_{index}", "dmy")
    target = ColumnTarget(
        to=to,
        label=" ".join(request.POST.get(f"label_{index}", "").split())[:80] if to == "new" else "",
        type=kind if kind in FieldType.values else FieldType.TEXT,
        date_order=order if order in {"dmy", "mdy"} else "dmy",
    )
    if to == mapping.STATUS:
        reads = before.reads or consent_words.WORD
        keys = request.POST.getlist(f"value_{index}")
        words = request.POST.getlist(f"means_{index}")
        return questions.answer(
            replace(target, reads=reads, answers=before.answers),
            dict(zip(keys, words, strict=False)),
        )
    if request.POST.get(f"waive_{index}") == "1":
        return replace(target, reads=before.reads, waived=str(request.user))
    return replace(target, reads=before.reads)


def _consent(request: MemberRequest, record: Import) -> HttpResponse:
    initial = {
        "list": record.mailing_list_id,
        "new_list": record.new_list,
        "list_visibility": record.list_visibility,
        "more_lists": record.more_lists.all(),
        "tags": ", ".join(record.tags),
        "status": record.subscription_status,
        "asks_with": record.asks_with_id,
        "statement": record.statement.text if record.statement else "",
        "existing": record.existing,
        "bring_back": record.bring_back,
        "bring_back_reason": record.bring_back_reason,
    }
    targets = mapping.load(record.mapping)
    form = ConsentForm(
        request.POST or None,
        workspace=request.workspace,
        has_list_column=any(target.to == mapping.LISTS for target in targets),
        initial=initial,
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        chosen = steps.Consent(
            lists=form.chosen_lists(),
            new_list=data["new_list"],
            list_visibility=data["list_visibility"],
            status=data["status"],
            statement=ledger.statement(request.workspace, text=data["statement"]),
            existing=data["existing"],
            tags=data["tags"],
            bring_back=data["bring_back_reason"].strip() if data["bring_back"] else "",
            asks_with=data["asks_with"],
        )
        if steps.set_consent(record, chosen) and steps.start_check(record):
            waking.wake(tasks.check_import, record.pk)
        return redirect("import_page", record.pk)
    return render(
        request,
        "subscribers/import_consent.html",
        {"form": form, "record": record, "steps": stepper("consent", record)},
        status=422 if form.errors else 200,
    )


def _figures(request: MemberRequest, record: Import, step: str) -> HttpResponse:
    labels = dict(
        CustomField.objects.filter(workspace=request.workspace).values_list("key", "label")
    )
    to_correct = record.invalid + record.flagged.get("without", 0)
    checked = int(cache.get(f"import-check:{record.pk}") or 0)
    context: dict[str, Any] = {
        "record": record,
        "steps": stepper(step, record),
        "busy": record.status in BUSY,
        "counts": counts(record),
        "facts": outcome.facts(record),
        "undo_until": undo.deadline(record) if undo.can_be_undone(record) else None,
        "undone": undo.Undone(**record.undo),
        "stays": outcome.why_they_stay(record.undo.get("kept", {})),
        "done": record.created + record.updated + record.unchanged + record.suppressed,
        "checked_rows": checked,
        "people": record.created + record.updated + record.unchanged,
        "problems": [
            {
                **problem,
                "field": outcome.field_name(problem["field"], own=labels),
                "reason": reason(problem["code"], problem["params"]),
                "way_out": way_out(problem["code"], problem["params"]),
            }
            for problem in record.problems[:SHOWN]
        ],
        "to_correct": to_correct,
        "more_problems": max(to_correct - len(record.problems[:SHOWN]), 0),
        "typos": [
            {"domain": domain, "right": domains.suggestion(domain), "rows": rows}
            for domain, rows in record.flagged.get("typos", {}).items()
        ],
    }
    partial = request.headers.get("HX-Request") == "true" and record.status in BUSY
    template = "subscribers/_import_figures.html" if partial else "subscribers/import_page.html"
    response = render(request, template, context)
    if request.headers.get("HX-Request") == "true" and not partial:
        response["HX-Refresh"] = "true"
    return response


def find(request: MemberRequest, import_id: int) -> Import:
    """Return one of the workspace's imports of files, or answer 404."""
    rows = request.workspace.imports.of_files()
    rows = rows.select_related("mailing_list", "statement", "workspace")
    return own(request, rows, import_id)


def counts(record: Import) -> dict[str, int]:
    """Return what the ledger bar of an import shows."""
    return {key: getattr(record, name) for key, name in COUNTED.items()}


def _step(record: Import, wanted: str) -> str:
    if record.status in {*BUSY, *FINISHED} or record.started_at:
        return "check" if record.status == ImportStatus.CHECKING else "import"
    if wanted in {"columns", "consent"}:
        return wanted
    if record.status in {ImportStatus.CHECKED, ImportStatus.FAILED}:
        return "check"
    return "columns"


def stepper(current: str, record: Import | None) -> list[dict[str, str]]:
    """Return the steps with their states; ``record`` is None before there is a file."""
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
