"""Words of a form or a list in place of the product's: written, previewed, taken back."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input import revisions
from accounts.input.revisions import Editing
from accounts.roles import Permission
from subscribers.forms.texts import TextForm
from subscribers.models import CustomField, MailingList, SignupForm
from subscribers.signup import texts
from subscribers.signup.mails import values_of
from subscribers.signup.signup import CONFIRM_DAYS
from subscribers.signup.texts import Kind, Owner, Words


@dataclass(frozen=True, kw_only=True)
class TextInHand:
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
    form = own(request, SignupForm, form_id)
    return _desk(request, form, list(form.lists.all()), reverse("form_texts", args=[form.pk]))


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def list_texts(request: MemberRequest, list_id: int) -> HttpResponse:
    """Write a list's own words."""
    one = own(request, MailingList, list_id)
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
    text_in_hand = TextInHand(
        owner=owner,
        lists=lists,
        kind=Kind(asked) if asked in kinds else kinds[0],
        language=language,
        address=address,
    )
    return (
        _act(request, text_in_hand)
        if request.method == "POST"
        else _show(request, text_in_hand, None)
    )


def _first_language(owner: Owner, lists: list[MailingList], default: str) -> str:
    of_lists = next((one.language for one in lists if one.language), "")
    return owner.language or of_lists or default


def _act(request: MemberRequest, text_in_hand: TextInHand) -> HttpResponse:
    action = request.POST.get("do", "")
    if action == "forget":
        with transaction.atomic():
            revisions.change(text_in_hand.owner, part=text_in_hand.part, by=request.user)
            texts.forget(text_in_hand.owner, kind=text_in_hand.kind, language=text_in_hand.language)
        messages.success(request, _("The default text is used again."))
        return redirect(text_in_hand.here)
    form = _form(request, text_in_hand, request.POST)
    is_part = action == "preview" and request.headers.get("HX-Request") == "true"
    if not form.is_valid() and is_part:
        return render(request, "subscribers/_text_preview.html", {"mistakes": form.errors})
    if not form.is_valid():
        return _show(request, text_in_hand, form, status=422)
    if action == "preview":
        words = _filled(request, text_in_hand, form)
        return render(request, "subscribers/_text_preview.html", {"words": words, "mistakes": {}})

    def write() -> None:
        texts.write(
            text_in_hand.owner,
            kind=text_in_hand.kind,
            language=text_in_hand.language,
            subject=form.cleaned_data.get("subject", ""),
            text=form.cleaned_data["text"],
        )

    editing = Editing(request, text_in_hand.owner, part=text_in_hand.part)
    if not editing.save(form, write, lambda: _form(request, text_in_hand)):
        return _show(request, text_in_hand, editing.attach(form), status=409)
    messages.success(request, _("Saved. These messages are used from now on."))
    return redirect(text_in_hand.here)


def _form(request: MemberRequest, text_in_hand: TextInHand, data: Any = None) -> TextForm:
    keys = CustomField.objects.filter(workspace=request.workspace).values_list("key", flat=True)
    stored = texts.stored(
        text_in_hand.owner, kind=text_in_hand.kind, language=text_in_hand.language
    )
    return TextForm(
        data,
        kind=text_in_hand.kind,
        tags=texts.tags_of(text_in_hand.kind, fields=[key.replace("-", "_") for key in keys]),
        initial={"subject": stored.subject, "text": stored.text} if stored else None,
    )


def _filled(request: MemberRequest, text_in_hand: TextInHand, form: TextForm) -> Words:
    """Fill the words in as for somebody."""
    values = dict.fromkeys(form.tags, "…") | values_of(request.workspace, text_in_hand.lists)
    values |= {"first_name": "Ana", "last_name": "Lestari", "days": str(CONFIRM_DAYS)}
    for name in ("confirm_url", "preferences_url"):
        values[name] = f"{settings.SITE_URL}/…"
    return texts.fill(
        subject=form.cleaned_data.get("subject", ""),
        text=form.cleaned_data["text"],
        values=values,
    )


def _show(
    request: MemberRequest, text_in_hand: TextInHand, form: TextForm | None, *, status: int = 200
) -> HttpResponse:
    written = texts.written(text_in_hand.owner)
    is_own = (text_in_hand.kind, text_in_hand.language) in written
    names = dict(settings.LANGUAGES)
    shown = form or _form(request, text_in_hand)
    if not hasattr(shown, "editing"):
        Editing(request, text_in_hand.owner, part=text_in_hand.part).attach(shown)
    context = {
        "form": shown,
        "owner": text_in_hand.owner,
        "is_form": isinstance(text_in_hand.owner, SignupForm),
        "kinds": [
            (
                kind.label,
                f"{text_in_hand.address}?kind={kind}&language={text_in_hand.language}",
                kind == text_in_hand.kind,
                [names[code] for one, code in sorted(written) if one == kind],
            )
            for kind in texts.kinds_of(text_in_hand.owner)
        ],
        "variants": [
            {
                "label": name,
                "href": f"{text_in_hand.address}?kind={text_in_hand.kind}&language={code}",
                "active": code == text_in_hand.language,
            }
            for code, name in settings.LANGUAGES
        ],
        "kind": text_in_hand.kind,
        "explanation": texts.explain(text_in_hand.kind),
        "is_own": is_own,
        "here": text_in_hand.here,
        "tags": shown.tags,
        "is_mail": text_in_hand.kind in texts.MAILS,
    }
    return render(request, "subscribers/texts.html", context, status=status)
