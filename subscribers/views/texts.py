"""Words of a form or a list in place of the product's: written, previewed, taken back."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import revisions
from accounts.access import MemberRequest, member
from accounts.revisions import Editing
from accounts.roles import Permission
from subscribers.forms.texts import TextForm
from subscribers.models import CustomField, MailingList, SignupForm
from subscribers.signup import texts
from subscribers.signup.mails import values_of
from subscribers.signup.signup import CONFIRM_DAYS
from subscribers.signup.texts import Kind, Owner, Words


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Which text of whom is being written."""

    owner: Owner
    lists: list[MailingList]
    kind: Kind
    language: str
    address: str

    @property
    def part(self) -> str:
        """What this text is called among its owner's."""
        return f"text:{self.kind}:{self.language}"

    @property
    def here(self) -> str:
        """The address of this very text."""
        return f"{self.address}?kind={self.kind}&language={self.language}"


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def form_texts(request: MemberRequest, form_id: int) -> HttpResponse:
    """Write a form's own words."""
    form = get_object_or_404(SignupForm, workspace=request.workspace, pk=form_id)
    return _desk(request, form, list(form.lists.all()), reverse("form_texts", args=[form.pk]))


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def list_texts(request: MemberRequest, list_id: int) -> HttpResponse:
    """Write a list's own words."""
    one = get_object_or_404(MailingList, workspace=request.workspace, pk=list_id)
    return _desk(request, one, [one], reverse("list_texts", args=[one.pk]))


def _desk(
    request: MemberRequest, owner: Owner, lists: list[MailingList], address: str
) -> HttpResponse:
    kinds = texts.kinds_of(owner)
    asked = request.GET.get("kind", "")
    languages = [code for code, _name in settings.LANGUAGES]
    language = request.GET.get("language", "")
    if language not in languages:
        language = _first_language(owner, lists, request.workspace.default_language)
    desk = Desk(
        owner=owner,
        lists=lists,
        kind=Kind(asked) if asked in kinds else kinds[0],
        language=language,
        address=address,
    )
    return _act(request, desk) if request.method == "POST" else _show(request, desk, None)


def _first_language(owner: Owner, lists: list[MailingList], default: str) -> str:
    of_lists = next((one.language for one in lists if one.language), "")
    return owner.language or of_lists or default


def _act(request: MemberRequest, desk: Desk) -> HttpResponse:
    action = request.POST.get("do", "")
    if action == "forget":
        with transaction.atomic():
            revisions.change(desk.owner, part=desk.part, by=request.user)
            texts.forget(desk.owner, kind=desk.kind, language=desk.language)
        messages.success(request, _("The usual words stand there again."))
        return redirect(desk.here)
    form = _form(request, desk, request.POST)
    is_part = action == "preview" and request.headers.get("HX-Request") == "true"
    if not form.is_valid() and is_part:
        return render(request, "subscribers/_text_preview.html", {"mistakes": form.errors})
    if not form.is_valid():
        return _show(request, desk, form, status=422)
    if action == "preview":
        words = _filled(request, desk, form)
        return render(request, "subscribers/_text_preview.html", {"words": words, "mistakes": {}})

    def write() -> None:
        texts.write(
            desk.owner,
            kind=desk.kind,
            language=desk.language,
            subject=form.cleaned_data.get("subject", ""),
            text=form.cleaned_data["text"],
        )

    editing = Editing(request, desk.owner, part=desk.part)
    if not editing.save(form, write, lambda: _form(request, desk)):
        return _show(request, desk, editing.attach(form), status=409)
    messages.success(request, _("Saved. These words stand there from now on."))
    return redirect(desk.here)


def _form(request: MemberRequest, desk: Desk, data: Any = None) -> TextForm:
    keys = CustomField.objects.filter(workspace=request.workspace).values_list("key", flat=True)
    stored = texts.stored(desk.owner, kind=desk.kind, language=desk.language)
    return TextForm(
        data,
        kind=desk.kind,
        tags=texts.tags_of(desk.kind, fields=[key.replace("-", "_") for key in keys]),
        initial={"subject": stored.subject, "text": stored.text} if stored else None,
    )


def _filled(request: MemberRequest, desk: Desk, form: TextForm) -> Words:
    """Fill the words in as for somebody."""
    values = dict.fromkeys(form.tags, "…") | values_of(request.workspace, desk.lists)
    values |= {"first_name": "Ana", "last_name": "Lestari", "days": str(CONFIRM_DAYS)}
    for name in ("confirm_url", "preferences_url"):
        values[name] = f"{settings.SITE_URL}/…"
    return texts.fill(
        subject=form.cleaned_data.get("subject", ""),
        text=form.cleaned_data["text"],
        values=values,
    )


def _show(
    request: MemberRequest, desk: Desk, form: TextForm | None, *, status: int = 200
) -> HttpResponse:
    written = texts.written(desk.owner)
    is_own = (desk.kind, desk.language) in written
    names = dict(settings.LANGUAGES)
    shown = form or _form(request, desk)
    if not hasattr(shown, "editing"):
        Editing(request, desk.owner, part=desk.part).attach(shown)
    context = {
        "form": shown,
        "owner": desk.owner,
        "is_form": isinstance(desk.owner, SignupForm),
        "kinds": [
            (
                kind.label,
                f"{desk.address}?kind={kind}&language={desk.language}",
                kind == desk.kind,
                [names[code] for one, code in sorted(written) if one == kind],
            )
            for kind in texts.kinds_of(desk.owner)
        ],
        "variants": [
            {
                "label": name,
                "href": f"{desk.address}?kind={desk.kind}&language={code}",
                "active": code == desk.language,
            }
            for code, name in settings.LANGUAGES
        ],
        "kind": desk.kind,
        "explanation": texts.explain(desk.kind),
        "is_own": is_own,
        "here": desk.here,
        "tags": shown.tags,
        "is_mail": desk.kind in texts.MAILS,
    }
    return render(request, "subscribers/texts.html", context, status=status)
