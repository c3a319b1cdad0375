"""The media library: its pages, pictures coming in, and many at once moved or deleted."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member, takes_files_up_to
from accounts.input.numbers import row_number, row_numbers
from accounts.roles import Permission
from campaigns.media import browsing, folders, library, names
from campaigns.media.browsing import Question
from campaigns.media.workshop import PictureRefused, WorkshopBusy
from campaigns.models import Picture, PictureFolder
from campaigns.views.editor import allows

MOST_AT_ONCE = 200  # pictures moved or deleted by one press
PICKED = 24  # a page of the dialog
ACCEPTED = "image/jpeg,image/png,image/gif,image/webp,image/avif,image/heic,image/heif,.heic,.heif"


@member()
def library_page(request: MemberRequest) -> HttpResponse:
    """Show a page of pictures beside the folders."""
    asked = question(request)
    context = {
        **_shown(request, asked, size=browsing.PAGE, name="media_library"),
        "fill": library.fill_of(request.workspace),
        "may_edit": allows(request, Permission.EDIT),
        **upload_context(),
    }
    return render(request, "campaigns/media.html", context)


@member(Permission.EDIT)
def pick(request: MemberRequest) -> HttpResponse:
    """Show the dialog of the editors: choose or upload a picture (a partial)."""
    asked = question(request)
    context = {
        **_shown(request, asked, size=PICKED, name="media_pick"),
        **upload_context(),
    }
    return render(request, "campaigns/_media_pick.html", context)


@member(Permission.EDIT)
@require_POST
@takes_files_up_to("PICTURES_MAX_BYTES")
def upload(request: MemberRequest) -> HttpResponse:
    """Take pictures; one that can't be taken never spoils the others.

    A script asks for JSON and sends one at a time: 201 or 200 (it was here) with the picture, 422
    or 503 with an ``error`` in words. A form is led back to the library.
    """
    folder = _folder(request, request.POST.get("folder", ""))
    added: list[library.Added] = []
    refused: list[PictureRefused] = []
    files = request.FILES.getlist("picture")
    for file in files[:MOST_AT_ONCE]:
        try:
            added.append(
                library.add(
                    request.workspace,
                    file,
                    filename=file.name or "",
                    size=file.size or 0,
                    folder=folder,
                    by=request.user,
                )
            )
        except PictureRefused as why:
            refused.append(why)
    if wants_json(request):
        return _as_json(added, refused)
    _tell(request, added, refused, given=len(files))
    query = urlencode({"folder": folder.pk}) if folder else ""
    return redirect(f"{reverse('media_library')}?{query}" if query else "media_library")


@member(Permission.EDIT)
@require_POST
def selected(request: MemberRequest) -> HttpResponse:
    """Move or delete the selected pictures."""
    keys = row_numbers(request.POST.getlist("picture"))[:MOST_AT_ONCE]
    if request.POST.get("action") == "move":
        folder = _folder(request, request.POST.get("folder", ""))
        moved = library.move(request.workspace, keys, folder)
        text = ngettext("%(count)d picture was moved.", "%(count)d pictures were moved.", moved)
        messages.success(request, text % {"count": moved})
    elif request.POST.get("action") == "delete":
        _delete(request, keys)
    back = QueryDict(request.POST.get("back", "")[:1000]).urlencode()
    return redirect(f"{reverse('media_library')}?{back}" if back else "media_library")


def _delete(request: MemberRequest, keys: list[int]) -> None:
    gone, kept = 0, []
    for picture in Picture.objects.filter(workspace=request.workspace, pk__in=keys, hidden_at=None):
        picture.workspace = request.workspace
        try:
            library.delete(picture)
            gone += 1
        except library.PictureInUseError:
            kept.append(picture.name)
    if gone:
        text = ngettext("%(count)d picture was deleted.", "%(count)d pictures were deleted.", gone)
        messages.success(request, text % {"count": gone})
    if kept:
        messages.error(
            request,
            _(
                "In use, so not deleted: %(names)s. Open a picture to see where it is used and to "
                "replace it there."
            )
            % {"names": ", ".join(kept[:5]) + ("…" if len(kept) > 5 else "")},  # noqa: PLR2004
        )


def question(request: HttpRequest) -> Question:
    """Read what is looked for from a page's address."""
    given = request.GET
    order = given.get("order", "newest")
    folder = given.get("folder", "")
    return Question(
        search=given.get("q", "")[: browsing.LONGEST_SEARCH].strip(),
        folder=folder if folder == "none" or row_number(folder) else "",
        order=order if order in browsing.ORDERS else "newest",
        after=given.get("after", "")[:500],
        before=given.get("before", "")[:500],
    )


def upload_context() -> dict[str, Any]:
    """Return what a form for pictures says about them."""
    return {"accepted": ACCEPTED, "most_bytes": settings.PICTURE_MAX_BYTES}


def described(picture: Picture) -> dict[str, Any]:
    """Return a picture as scripts get it; sizes in pixels and bytes."""
    return {
        "id": picture.pk,
        "name": picture.name,
        "alt": picture.alt_text,
        "url": names.address_of(picture.file),
        "thumbnail": f"{names.PATH}{picture.thumbnail}",
        "width": picture.width,
        "height": picture.height,
        "size": picture.size,
    }


def wants_json(request: HttpRequest) -> bool:
    """Say whether a script of ours asks."""
    return request.headers.get("Accept", "").startswith("application/json")


def _as_json(added: list[library.Added], refused: list[PictureRefused]) -> HttpResponse:
    if refused:
        busy = isinstance(refused[0], WorkshopBusy)
        return JsonResponse({"error": str(refused[0])}, status=503 if busy else 422)
    if not added:
        return JsonResponse({"error": _("Choose a picture first.")}, status=422)
    shown = described(added[0].picture) | {"is_new": added[0].is_new}
    return JsonResponse(shown, status=201 if added[0].is_new else 200)


def _tell(
    request: MemberRequest,
    added: list[library.Added],
    refused: list[PictureRefused],
    *,
    given: int,
) -> None:
    new = sum(one.is_new for one in added)
    if new:
        text = ngettext("%(count)d picture was uploaded.", "%(count)d pictures were uploaded.", new)
        messages.success(request, text % {"count": new})
    for one in added:
        if not one.is_new:
            text = _("“%(name)s” is in the library already.") % {"name": one.picture.name}
            messages.info(request, text)
    for why in refused[:10]:
        messages.error(request, str(why))
    if not given:
        messages.error(request, _("Choose a picture first."))


def _shown(request: MemberRequest, asked: Question, *, size: int, name: str) -> dict[str, Any]:
    page = browsing.page(request.workspace, asked, size=size)
    kept = {"q": asked.search, "folder": asked.folder, "order": asked.order}
    kept = {key: value for key, value in kept.items() if value and value != "newest"}

    def address(**more: str) -> str:
        return f"{reverse(name)}?{urlencode({**kept, **more})}"

    return {
        "asked": asked,
        "pictures": page.pictures,
        "folders": folders.tree(request.workspace),
        "orders": _orders(),
        "next": address(after=page.next) if page.next else "",
        "previous": address(before=page.previous) if page.previous else "",
        "here": urlencode(kept),
        "media_path": names.PATH,
        "site": settings.SITE_URL,
    }


def _orders() -> list[tuple[str, str]]:
    return [
        ("newest", _("Newest first")),
        ("oldest", _("Oldest first")),
        ("name", _("By name")),
        ("largest", _("Largest first")),
    ]


def _folder(request: MemberRequest, given: str) -> PictureFolder | None:
    return request.workspace.picture_folders.filter(pk=row_number(given) or 0).first()
