"""The sandbox inbox: every mail that the built-in server kept, to be found and thrown away.

Mail of the installation itself (resets, invitations) opens accounts: only superusers see it. Other
mails' links act for the people they went to: who may only look sees the list, not the mails.
"""

from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.input.numbers import row_number
from accounts.roles import Permission
from delivery.models import SandboxMessage
from delivery.sandbox import addresses

PAGE = 50
LONGEST_SEARCH = 320
SHOWN = ("all", "campaigns", "others", "answered")


def box(request: MemberRequest, *, of_installation: bool) -> QuerySet[SandboxMessage]:
    """Return one inbox, without the mails' bytes: the workspace's, or the installation's.

    Raises:
        Http404: the installation's is for superusers only.
    """
    if of_installation and not request.user.is_superuser:
        raise Http404
    workspace = None if of_installation else request.workspace
    return SandboxMessage.objects.filter(workspace=workspace).defer("raw", "words")


def find(request: MemberRequest, message_id: int) -> SandboxMessage:
    """Return a mail that this member may see, without its bytes.

    Raises:
        Http404: there is none.
    """
    visible = Q(workspace=request.workspace)
    if request.user.is_superuser:
        visible |= Q(workspace=None)
    mails = SandboxMessage.objects.filter(visible).select_related("workspace")
    return get_object_or_404(mails.defer("raw", "words"), pk=message_id)


def list_address(*, of_installation: bool) -> str:
    """Return the address of one of the two inboxes."""
    return reverse("sandbox_list") + ("?installation=1" if of_installation else "")


@member(Permission.VIEW)
def sandbox_list(request: MemberRequest) -> HttpResponse:
    """Show kept mails, newest first, found by address, subject or what they say.

    ``?installation=1``: those of the installation itself; ``?show=``: some of them.
    """
    of_installation = request.GET.get("installation") == "1"
    search = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    show = request.GET.get("show", "")
    show = show if show in SHOWN and not of_installation else "all"
    found = _shown(box(request, of_installation=of_installation), show, search)
    before = row_number(request.GET.get("before", ""))
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    query = {
        **({"installation": "1"} if of_installation else {}),
        **({"show": show} if show != "all" else {}),
        **({"q": search} if search else {}),
    }
    context = {
        "mails": rows[:PAGE],
        "next": f"?{urlencode({**query, 'before': rows[PAGE - 1].pk})}" if len(rows) > PAGE else "",
        "newest": f"?{urlencode(query)}" if before is not None else "",
        "search": search,
        "show": show,
        "of_installation": of_installation,
        "misbehaving": [] if of_installation else list(addresses.every()),
    }
    return render(request, "delivery/sandbox.html", context)


def _shown(mails: QuerySet[SandboxMessage], show: str, search: str) -> QuerySet[SandboxMessage]:
    if show == "campaigns":
        mails = mails.filter(ledger_id__isnull=False)
    elif show == "others":
        mails = mails.filter(ledger_id=None)
    elif show == "answered":
        mails = mails.exclude(answers=[])
    if search:
        words = " ".join(search.casefold().split())
        mails = mails.filter(
            Q(envelope_to__icontains=search)
            | Q(subject__icontains=search)
            | Q(words__contains=words)
        )
    return mails


@require_POST
@member(Permission.EDIT)
def sandbox_empty(request: MemberRequest) -> HttpResponse:
    """Delete all kept mails of the workspace, or those of the installation."""
    of_installation = request.POST.get("installation") == "1"
    count, _by_model = box(request, of_installation=of_installation).delete()
    text = ngettext("%(n)s email deleted.", "%(n)s emails deleted.", count)
    messages.success(request, text % {"n": count})
    return redirect(list_address(of_installation=of_installation))


@require_POST
@member(Permission.EDIT)
def sandbox_delete(request: MemberRequest, message_id: int) -> HttpResponse:
    """Delete one mail."""
    mail = find(request, message_id)
    of_installation = mail.workspace_id is None
    mail.delete()
    messages.success(request, _("The email is deleted."))
    return redirect(list_address(of_installation=of_installation))
