"""Everything we know about one person, for a member who answers their request (GDPR Art. 15)."""

import structlog
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.roles import Permission
from delivery.public import personal_data
from subscribers.models import Subscriber

log = structlog.get_logger()


@member(Permission.EXPORT)
def subscriber_data(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Show it as a document to read, print or keep as PDF."""
    person = _person(request, subscriber_id)
    context = {"person": person, "data": personal_data.collect(person), "now": timezone.now()}
    return render(request, "delivery/person_data.html", context)


@member(Permission.EXPORT)
def subscriber_export(request: MemberRequest, subscriber_id: int) -> JsonResponse:
    """Give the same as a file that programs read (Art. 20)."""
    person = _person(request, subscriber_id)
    return JsonResponse(
        personal_data.collect(person),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": f'attachment; filename="subscriber-{person.pk}.json"'},
    )


def _person(request: MemberRequest, subscriber_id: int) -> Subscriber:
    person = own(request, Subscriber.objects.select_related("workspace"), subscriber_id)
    log.info(
        "subscriber.data_given",
        workspace_id=request.workspace.pk,
        user_id=request.user.pk,
        subscriber_id=person.pk,
    )
    return person
