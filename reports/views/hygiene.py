"""How healthy a workspace's people are, and what can be done; nothing happens by itself."""

from django.contrib import messages
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.background import waking
from accounts.models import Workspace
from accounts.roles import Permission
from delivery.tracking import inactivity
from subscribers import tasks
from subscribers.addresses import mail_servers
from subscribers.directory import directory, hygiene
from subscribers.directory.filters import PeopleFilters
from subscribers.models import MailingList

KEPT = 600  # seconds for which the count of inactive people is good
SECONDS = 20
NOT_COUNTED = object()


@member(Permission.VIEW)
def hygiene_page(request: MemberRequest) -> HttpResponse:
    """Show what is counted at once; the count of inactive people comes after."""
    lists = list(MailingList.objects.filter(workspace=request.workspace, archived_at=None))
    growth = hygiene.growth(lists)
    months, least = inactivity.read(request.GET.get("inactive", ""))
    context = {
        "flagged": hygiene.flagged(request.workspace),
        "unconfirmed": hygiene.unconfirmed_for_long(request.workspace),
        "days": hygiene.UNCONFIRMED_DAYS,
        "rows": [{"list": one, "months": growth[one.pk], **_year(growth[one.pk])} for one in lists],
        "months": months,
        "least": least,
    }
    return render(request, "reports/hygiene.html", context)


def _year(months: list[hygiene.Month]) -> dict[str, object]:
    return {
        "joined": sum(month.joined for month in months),
        "left": sum(month.left for month in months),
        "net": [month.joined - month.left for month in months],
    }


@member(Permission.VIEW)
def hygiene_inactive(request: MemberRequest) -> HttpResponse:
    """Count the inactive people, for the page that asks; kept for ten minutes."""
    months, least = inactivity.read(request.GET.get("inactive", ""))
    text = f"{months}-{least}"
    name = f"inactive:{request.workspace.pk}:{text}"
    count = cache.get(name, NOT_COUNTED)
    if count is NOT_COUNTED:
        count = _count(request.workspace, text)
        cache.set(name, count, KEPT)  # that it takes too long is worth knowing as well
    context = {"count": count, "known": f"inactive:{text}"}
    return render(request, "reports/_inactive.html", context)


def _count(workspace: Workspace, text: str) -> int | None:
    """Count, or give up after a while: then the list of people still finds them."""
    filters = PeopleFilters(known=f"inactive:{text}")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS}s"])
            return directory.matching(workspace, filters).order_by().count()
    except DatabaseError:
        return None


@require_POST
@member(Permission.MANAGE)
def hygiene_mail_servers(request: MemberRequest) -> HttpResponse:
    """Have the DNS asked about people's domains from now on, or not any more."""
    wanted = request.POST.get("check") == "1"
    Workspace.objects.filter(pk=request.workspace.pk).update(check_mail_servers=wanted)
    if wanted:
        waking.wake(tasks.check_mail_servers_of, request.workspace.pk)
        messages.success(request, _("Domains are being checked. What is found is shown here."))
    else:
        mail_servers.clear(request.workspace)
        messages.success(request, _("Domains are not checked any more."))
    return redirect("hygiene")
