"""One picture: what it is called, where it is used, another crop, replacing and deleting it."""

from base64 import b64encode
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.numbers import row_number
from accounts.input.once import once
from accounts.input.revisions import Editing
from accounts.roles import Permission
from campaigns.forms.media import PictureForm, ShapeForm
from campaigns.media import browsing, library, names, uses
from campaigns.media.browsing import Question
from campaigns.media.workshop import PictureRefused
from campaigns.models import Picture
from campaigns.views.editor import allows, ensure
from campaigns.views.media import described

SHAPES = (("1:1", 1, 1), ("4:3", 4, 3), ("3:2", 3, 2), ("16:9", 16, 9), ("3:1", 3, 1))
CANDIDATES = 24


@member()
def picture_page(request: MemberRequest, picture_id: int) -> HttpResponse:
    """Show a picture with where it is used; POST saves name, alternative text and folder."""
    picture = find(request, picture_id)
    revised = Editing(request, picture)
    if request.method == "POST":
        ensure(request, Permission.EDIT)
        form = revised.attach(PictureForm(request.POST, workspace=request.workspace))

        def write() -> None:
            library.change(picture, **form.cleaned_data)

        def stored() -> PictureForm:
            return PictureForm.stored(find(request, picture_id))

        if form.is_valid() and revised.save(form, write, stored):
            messages.success(request, _("Saved."))
            return redirect("media_picture", picture.pk)
    else:
        form = revised.attach(PictureForm.stored(picture))
    status = 422 if form.errors else 409 if revised.conflict else 200
    return render(
        request,
        "campaigns/media_picture.html",
        _context(request, picture, form=form),
        status=status,
    )


@member(Permission.EDIT)
@require_POST
def alt_text(request: MemberRequest, picture_id: int) -> HttpResponse:
    """Keep the alternative text that was typed when inserting, if the picture had none."""
    picture = find(request, picture_id)
    text = names.line(request.POST.get("alt_text", ""))[:500]
    if text and not picture.alt_text:
        library.change(picture, name=picture.name, alt_text=text, folder=picture.folder)
    return JsonResponse(described(picture))


@member(Permission.EDIT)
@once
def shape(request: MemberRequest, picture_id: int) -> HttpResponse:
    """Crop and scale by numbers: *Preview* shows what comes out, *Save* makes it a picture."""
    picture = find(request, picture_id)
    context: dict[str, Any] = {"shown": "", "made": None}
    form = ShapeForm.whole(picture)
    if request.method == "POST":
        form = ShapeForm(request.POST, picture=picture)
        if form.is_valid():
            try:
                if request.POST.get("action") != "preview":
                    return _shaped(request, picture, form)
                made = library.shaped(picture, crop=form.crop, width=form.scaled)
                data = b64encode(made.picture).decode("ascii")
                context |= {"made": made, "shown": f"data:{names.TYPES[made.kind]};base64,{data}"}
            except PictureRefused as why:
                form.add_error(None, str(why))
    context |= _context(request, picture, form=form) | {"shapes": SHAPES}
    status = 422 if form.errors else 200
    return render(request, "campaigns/media_shape.html", context, status=status)


@member(Permission.EDIT)
def replace(request: MemberRequest, picture_id: int) -> HttpResponse:
    """Choose another picture, then put it in the place of this one in templates and drafts."""
    picture = find(request, picture_id)
    chosen = _chosen(request, picture)
    if request.method == "POST" and chosen is not None:
        count = uses.replace_everywhere(picture, chosen, user=request.user)
        text = ngettext("Replaced in %(count)d place.", "Replaced in %(count)d places.", count)
        messages.success(request, text % {"count": count})
        return redirect("media_picture", chosen.pk)
    search = request.GET.get("q", "")[: browsing.LONGEST_SEARCH].strip()
    asked = Question(search=search, after=request.GET.get("after", "")[:500])
    page = browsing.page(request.workspace, asked, size=CANDIDATES)
    context = _context(request, picture) | {
        "candidates": [one for one in page.pictures if one.pk != picture.pk],
        "chosen": chosen,
        "search": search,
        "next": page.next,
    }
    return render(request, "campaigns/media_replace.html", context)


@member(Permission.EDIT)
def delete(request: MemberRequest, picture_id: int) -> HttpResponse:
    """Ask, saying where it is used, then delete a picture."""
    picture = find(request, picture_id)
    if request.method == "POST":
        try:
            kept = library.delete(picture)
        except library.PictureInUseError:
            return redirect("media_delete", picture.pk)  # says where it is used
        words = {"name": picture.name}
        if kept:
            text = _("“%(name)s” is out of the library. Emails that were sent still show it.")
        else:
            text = _("“%(name)s” was deleted.")
        messages.success(request, text % words)
        return redirect("media_library")
    return render(request, "campaigns/media_delete.html", _context(request, picture))


def find(request: MemberRequest, picture_id: int) -> Picture:
    """Return a picture of the workspace in use, else 404."""
    found = Picture.objects.select_related("folder", "workspace").filter(hidden_at=None)
    return own(request, found, picture_id)


def _chosen(request: MemberRequest, picture: Picture) -> Picture | None:
    given = request.POST.get("by", "") or request.GET.get("by", "")
    found = Picture.objects.filter(workspace=request.workspace, hidden_at=None)
    return found.filter(pk=row_number(given) or 0).exclude(pk=picture.pk).first()


def _shaped(request: MemberRequest, picture: Picture, form: ShapeForm) -> HttpResponse:
    added = library.shape(picture, crop=form.crop, width=form.scaled, by=request.user)
    if added.picture.pk == picture.pk:
        messages.info(request, _("Nothing was cut and nothing scaled: it is the same picture."))
    else:
        messages.success(
            request, _("Saved as a picture of its own. The one before is still in the library.")
        )
    if request.POST.get("action") == "replace" and added.picture.pk != picture.pk:
        count = uses.replace_everywhere(picture, added.picture, user=request.user)
        text = ngettext("Replaced in %(count)d place.", "Replaced in %(count)d places.", count)
        messages.success(request, text % {"count": count})
    return redirect("media_picture", added.picture.pk)


def _context(request: MemberRequest, picture: Picture, **more: Any) -> dict[str, Any]:
    return {
        "picture": picture,
        "address": names.address_of(picture.file),
        "path": f"{names.PATH}{picture.file}",
        "media_path": names.PATH,
        "used": uses.of(picture),
        "may_edit": allows(request, Permission.EDIT),
        **more,
    }
