"""The hosted sign-up page, also in a frame. It works without scripts and cookies.

The sign-up is exempt from CSRF by design: anybody may sign up from anywhere, also from a form in
another site, and nothing depends on who is signed in here. Its own token says which form it is.
"""

from typing import Any

import redis
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.background import waking
from accounts.workspaces.workspace_urls import outside
from subscribers.forms.public import SignUpForm
from subscribers.models import MailingList, SignupForm
from subscribers.signup import figures, guard, intake, origins, proof_of_work, texts, visitors
from subscribers.signup.guard import Token
from subscribers.signup.mails import values_of
from subscribers.signup.signup import SignUp
from subscribers.signup.texts import Kind
from subscribers.tasks import take_signup
from subscribers.views import signup_answers as answers
from subscribers.views.signup_answers import FormVisit

HONEYPOT = "website"


def page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Draw a public page; ``context`` holds the workspace as ``brand``."""
    shown = {
        "languages": visitors.other_languages(),
        "keep_language": visitors.asked_language(request),
        "know_token": "",
        "words": None,
        "footer": None,
        "is_framed": False,
        **context,
    }
    return render(request, f"subscribers/public/{name}.html", shown, status=status)


def find(public_id: str) -> SignupForm | None:
    """Return a form by the identifier in its address."""
    return (
        SignupForm.objects.filter(public_id=public_id)
        .select_related("workspace", "statement")
        .prefetch_related("lists", "asked__field")
        .first()
    )


def open_lists(form: SignupForm) -> list[MailingList]:
    """Return the lists that people can join by a form."""
    return [one for one in form.lists.all() if one.archived_at is None]


def speak(request: HttpRequest, form: SignupForm) -> None:
    """Answer in the language of the form, else the list, else the workspace."""
    lists = (one.language for one in form.lists.all())
    visitors.speak(request, form.language, *lists, form.workspace.default_language)


@visitors.public_page("GET", "HEAD", "POST", "OPTIONS")
def public_signup(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a form and take sign-ups in."""
    return _serve(request, public_id, is_framed=False)


@visitors.public_page("GET", "HEAD", "POST")
def public_signup_frame(request: HttpRequest, public_id: str) -> HttpResponse:
    """Do the same inside a frame of another site, as far as the form lets that site."""
    return _serve(request, public_id, is_framed=True)


@visitors.public_page("GET", "HEAD")
def public_signup_done(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say what comes next: the same to everybody."""
    form = find(public_id)
    if form is None:
        return page(request, "no_form", {"brand": {"name": _("Newsletter")}}, status=404)
    speak(request, form)
    visit = FormVisit(form=form, is_framed="frame" in request.GET, wants_json=False)
    return answers.frame(_signed_up(request, visit), visit)


def _signed_up(request: HttpRequest, visit: FormVisit) -> HttpResponse:
    form = visit.form
    lists = open_lists(form)
    context = {
        "brand": form.workspace,
        "form": form,
        "lists": lists,
        "by_mail": "mail" in request.GET or answers.asks_by_mail(form),
        "words": _words(Kind.SIGNED_UP, form, lists),
        "footer": _words(Kind.FOOTER, form, lists),
        "is_framed": visit.is_framed,
        "again": outside(visit.page_name, form.public_id),
    }
    return page(request, "signed_up", context)


def _words(kind: Kind, form: SignupForm, lists: list[MailingList]) -> texts.Words | None:
    return texts.find(
        kind,
        language=get_language() or "",
        form=form,
        lists=lists,
        values=values_of(form.workspace, lists),
    )


def _serve(request: HttpRequest, public_id: str, *, is_framed: bool) -> HttpResponse:
    form = find(public_id)
    wants_json = answers.wants_json(request)
    if form is None:
        if wants_json:
            return JsonResponse({"ok": False, "message": _("There is no form here")}, status=404)
        return page(request, "no_form", {"brand": {"name": _("Newsletter")}}, status=404)
    speak(request, form)
    visit = FormVisit(form=form, is_framed=is_framed, wants_json=wants_json)
    if request.method == "OPTIONS":
        return answers.share(HttpResponse(status=204), request, form)
    if not form.is_active or not open_lists(form):
        response = _refuse(request, visit, "closed", 410)
    elif request.method == "POST":
        response = _take(request, visit)
    else:
        response = show(request, visit, blank(form))
        if request.method == "GET" and "preview" not in request.GET:
            _note_view(form)
    patch_vary_headers(response, ["Origin", "Accept"])
    return answers.frame(answers.share(response, request, form), visit)


def _note_view(form: SignupForm) -> None:
    try:
        figures.note_view(form)
    except redis.RedisError:
        return  # a figure less; the page is there


def _take(request: HttpRequest, visit: FormVisit) -> HttpResponse:  # noqa: PLR0911 - one for each end
    form = visit.form
    data = answers.read(request)
    if data is None:
        return _refuse(request, visit, "unreadable", 400)
    token = data.get("token", "")
    if not origins.allows(form, request, is_hosted=not guard.is_embed_token(token)):
        return _refuse(request, visit, "other_site", 403)
    filled = SignUpForm(data, signup_form=form, lists=open_lists(form))
    verdict = guard.examine(form, token)
    if not filled.is_valid() or verdict is not Token.GOOD:
        return _again(request, visit, filled, verdict)
    if data.get(HONEYPOT):
        return answers.thank(request, visit, is_proven=True)
    try:
        if not guard.admits(form, ip=visitors.ip_of(request)):
            return _refuse(request, visit, "too_many", 429)
        is_proven = proof_of_work.is_proof(form, data.get("proof", ""))
        quiet = not guard.may_write_to(form.workspace, filled.cleaned_data["email"])
    except redis.RedisError:
        return _refuse(request, visit, "not_now", 503)
    if not quiet:
        _store(request, form, filled, is_proven=is_proven)
    return answers.thank(request, visit, is_proven=is_proven)


def _store(request: HttpRequest, form: SignupForm, filled: SignUpForm, *, is_proven: bool) -> None:
    values = {
        key: one
        for key, one in filled.custom_values().items()
        if one is not None and one is not False
    }
    row = intake.receive(
        form,
        sign_up=SignUp(
            address=filled.cleaned_data["email"],
            first_name=filled.cleaned_data.get("first_name", ""),
            last_name=filled.cleaned_data.get("last_name", ""),
            language=get_language() or form.workspace.default_language,
            fields=values,
            lists=tuple(int(one) for one in filled.cleaned_data.get("list", ())),
        ),
        is_proven=is_proven,
        origin=visitors.origin(request),
    )
    waking.wake(take_signup, row.pk)


def _refuse(request: HttpRequest, visit: FormVisit, name: str, status: int) -> HttpResponse:
    if visit.wants_json:
        return answers.refusal(name, status)
    context = {"brand": visit.form.workspace, "is_framed": visit.is_framed}
    return page(request, name, context, status=status)


def _again(
    request: HttpRequest, visit: FormVisit, filled: SignUpForm, verdict: Token
) -> HttpResponse:
    problem = "" if verdict is Token.GOOD else answers.sentence(verdict)
    if visit.wants_json:
        return answers.mistakes(filled, problem)
    return show(request, visit, filled, problem=problem, status=422)


def show(
    request: HttpRequest,
    visit: FormVisit,
    filled: SignUpForm,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """Draw the form, empty or as it was filled in."""
    form = visit.form
    lists = open_lists(form)
    context = {
        "brand": form.workspace,
        "form": form,
        "filled": filled,
        "lists": lists,
        "token": guard.token_for(form),
        "honeypot": HONEYPOT,
        "problem": problem,
        "footer": _words(Kind.FOOTER, form, lists),
        "is_framed": visit.is_framed,
        "action": outside(visit.page_name, form.public_id),
    }
    response = page(request, "signup", context, status=status)
    return answers.let_lead_on(response, form, form.signed_up_url)


def blank(form: SignupForm) -> SignUpForm:
    """Return the form with nothing filled in."""
    return SignUpForm(signup_form=form, lists=open_lists(form))
