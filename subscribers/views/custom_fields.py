"""Custom fields of a workspace."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member
from accounts.roles import Permission
from subscribers import fields
from subscribers.models import CustomField, SignupForm
from subscribers.people_forms import FieldForm
from subscribers.states import FieldType


@member(Permission.EDIT)
def field_list(request: MemberRequest) -> HttpResponse:
    """Show the fields and where they are asked; make a new one."""
    form = FieldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        fields.create(
            request.workspace,
            label=cleaned["label"],
            kind=FieldType(cleaned["type"]),
            choices=cleaned["choices"],
        )
        messages.success(request, _("The field is there. Use it in forms, imports and mails."))
        return redirect("field_list")
    rows = CustomField.objects.filter(workspace=request.workspace).prefetch_related("signup_forms")
    return render(request, "subscribers/fields.html", {"form": form, "rows": rows})


def _find(request: MemberRequest, field_id: int) -> CustomField:
    return get_object_or_404(CustomField.objects.filter(workspace=request.workspace), pk=field_id)


@require_POST
@member(Permission.EDIT)
def field_rename(request: MemberRequest, field_id: int) -> HttpResponse:
    """Give a field another label; its merge tag stays, so no mail breaks."""
    field = _find(request, field_id)
    label = " ".join(request.POST.get("label", "").split())[:80]
    if label:
        CustomField.objects.filter(pk=field.pk).update(label=label)
        messages.success(request, _("Saved."))
    return redirect("field_list")


@member(Permission.EDIT)
def field_delete(request: MemberRequest, field_id: int) -> HttpResponse:
    """Take a field away, after saying where it is used."""
    field = _find(request, field_id)
    if request.method == "POST":
        field.delete()
        messages.success(request, _("The field is gone. What it held stays in exports of people."))
        return redirect("field_list")
    forms = SignupForm.objects.filter(fields=field)
    return render(request, "subscribers/field_delete.html", {"field": field, "forms": forms})
