"""Custom fields of a workspace."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.background import waking
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from subscribers import tasks
from subscribers.bulk import field_changes
from subscribers.bulk.field_changes import FieldError
from subscribers.fields import definitions, usage
from subscribers.forms.people import ChoicesForm, FieldForm, FieldOptionsForm
from subscribers.models import BulkAction, CustomField
from subscribers.states import FieldType


@member(Permission.EDIT)
@once
def field_list(request: MemberRequest) -> HttpResponse:
    """Show the fields and where they are asked; make a new one."""
    form = FieldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        field = definitions.create(
            request.workspace,
            label=cleaned["label"],
            kind=FieldType(cleaned["type"]),
            choices=cleaned["choices"],
        )
        messages.success(request, _("The field is there. Say how it behaves."))
        return redirect("field_edit", field.pk)
    rows = CustomField.objects.filter(workspace=request.workspace).prefetch_related("signup_forms")
    return render(request, "subscribers/fields.html", {"form": form, "rows": rows})


def _find(request: MemberRequest, field_id: int) -> CustomField:
    return own(request, CustomField.objects.select_related("workspace"), field_id)


@member(Permission.EDIT)
def field_edit(request: MemberRequest, field_id: int) -> HttpResponse:
    """Change how a field behaves; its choices and its merge tag have forms of their own."""
    field = _find(request, field_id)
    editing = Editing(request, field)
    form = editing.attach(FieldOptionsForm(request.POST or None, field=field))

    def write() -> None:
        field_changes.set_options(field, form.options())

    def stored() -> FieldOptionsForm:
        return FieldOptionsForm(field=_find(request, field_id))

    if request.method == "POST" and form.is_valid():
        try:
            if editing.save(form, write, stored):
                messages.success(request, _("Saved."))
                return redirect("field_list")
        except FieldError as error:
            form.add_error("is_unique", str(error))
    status = 409 if editing.conflict else 200
    return _edit_page(request, field, status=status, form=form)


def _edit_page(
    request: MemberRequest, field: CustomField, *, status: int = 200, **more: Any
) -> HttpResponse:
    choosing = field.type in field_changes.CHOOSING
    context = {
        "field": field,
        "form": Editing(request, field).attach(FieldOptionsForm(field=field)),
        "uses": usage.of_field(field),
        "holders": field_changes.holders(field) if choosing else {},
        "choosing": choosing,
        **more,
    }
    return render(request, "subscribers/field_edit.html", context, status=status)


@require_POST
@member(Permission.EDIT)
def field_choices(request: MemberRequest, field_id: int) -> HttpResponse:
    """Rename, remove, add and order choices; people's values follow in the background."""
    field = _find(request, field_id)
    form = ChoicesForm(request.POST, field=field)
    if not form.is_valid():
        messages.error(request, " ".join(str(e) for e in form.non_field_errors()))
        return redirect("field_edit", field.pk)
    try:
        begun = field_changes.set_choices(
            field,
            choices=form.cleaned_data["choices"],
            renamed=form.cleaned_data["renamed"],
            actor=request.user,
        )
    except FieldError as error:
        messages.error(request, str(error))
        return redirect("field_edit", field.pk)
    return _run(begun, "field_edit", field.pk, request)


@require_POST
@member(Permission.EDIT)
def field_key(request: MemberRequest, field_id: int) -> HttpResponse:
    """Give a field another merge tag."""
    field = _find(request, field_id)
    key = request.POST.get("key", "").strip().lower()
    if key == field.key:
        return redirect("field_edit", field.pk)
    try:
        action = field_changes.rename_key(field, key=key, actor=request.user)
    except FieldError as error:
        messages.error(request, str(error))
        return redirect("field_edit", field.pk)
    return _run([action], "field_edit", field.pk, request)


@require_POST
@member(Permission.EDIT)
def field_move(request: MemberRequest, field_id: int) -> HttpResponse:
    """Let a field change places with its neighbour."""
    field_changes.move(_find(request, field_id), up=request.POST.get("up") == "1")
    return redirect("field_list")


@member(Permission.EDIT)
def field_delete(request: MemberRequest, field_id: int) -> HttpResponse:
    """Take a field away, after saying where it is used."""
    field = _find(request, field_id)
    if request.method == "POST":
        try:
            action = field_changes.delete(field, actor=request.user)
        except usage.InUse:
            return redirect("field_delete", field.pk)  # says where it is used
        return _run([action], "field_list", None, request)
    uses = usage.of_field(field)
    asking = usage.needing(uses)
    context = {"field": field, "uses": uses, "asking": asking}
    return render(request, "subscribers/field_delete.html", context)


def _run(
    begun: list[BulkAction], name: str, key: int | None, request: MemberRequest
) -> HttpResponse:
    for action in begun:
        waking.wake(tasks.run_bulk_action, action.pk)
    if len(begun) == 1:
        return redirect("bulk_page", begun[0].pk)
    messages.success(request, _("Saved."))
    return redirect(name, key) if key else redirect(name)
