"""The proof of a person's consent, and how long it is kept."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.revisions import Editing
from accounts.roles import Permission
from subscribers.consent import proof
from subscribers.forms.retention import RetentionForm
from subscribers.models import Subscriber
from subscribers.privacy import retention


@member(Permission.EXPORT)
def subscriber_proof(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Show a person's consent as a document to print or keep as PDF."""
    person = _person(request, subscriber_id)
    context = {"person": person, "proof": proof.collect(person), "now": timezone.now()}
    return render(request, "subscribers/consent_proof.html", context)


@member(Permission.EXPORT)
def subscriber_proof_json(request: MemberRequest, subscriber_id: int) -> JsonResponse:
    """Give the same as a file."""
    person = _person(request, subscriber_id)
    return JsonResponse(
        proof.collect(person),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": f'attachment; filename="consent-{person.pk}.json"'},
    )


@member(Permission.MANAGE)
def settings_privacy(request: MemberRequest) -> HttpResponse:
    """Set how long what people left behind is kept."""
    rules = retention.rules(request.workspace) if request.method == "POST" else None
    rules = rules or getattr(request.workspace, "retention", None)
    editing = Editing(request, request.workspace, part="retention")
    form = editing.attach(RetentionForm(request.POST or None, instance=rules))

    def stored() -> RetentionForm:
        return RetentionForm(instance=retention.rules(request.workspace))

    if request.method == "POST" and form.is_valid() and editing.save(form, form.save, stored):
        messages.success(request, _("Saved. The rules are applied within six hours."))
        return redirect("settings_privacy")
    context = {"form": form, "rules": rules}
    status = 409 if editing.conflict else 200
    return render(request, "subscribers/settings_privacy.html", context, status=status)


def _person(request: MemberRequest, subscriber_id: int) -> Subscriber:
    return own(request, Subscriber.objects.select_related("workspace"), subscriber_id)
