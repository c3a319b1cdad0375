"""The hosted sign-up page and the confirmation page. Both work without scripts and cookies.

The sign-up is exempt from CSRF by design: anybody may sign up from anywhere, also from a form in
another site, and nothing depends on who is signed in here. Its own token says which form it is.
"""

import redis
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers import signup, signup_guard, visitors
from subscribers.models import MailingList, SignupForm
from subscribers.public_forms import JoinForm
from subscribers.signup import Pending, SignUp
from subscribers.signup_guard import Token
from subscribers.signup_tasks import send_signup_mail
from subscribers.states import ConsentSource

HONEYPOT = "website"


def page(
    request: HttpRequest, name: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    """Draw a public page; ``context`` holds the workspace as ``brand``."""
    shown = {
        "languages": visitors.other_languages(),
        "keep_language": visitors.asked_language(request),
        "know_token": "",
        **context,
    }
    return render(request, f"subscribers/public/{name}.html", shown, status=status)


def find(public_id: str) -> SignupForm | None:
    """Return a form by the identifier in its address."""
    return (
        SignupForm.objects.filter(public_id=public_id)
        .select_related("workspace", "statement")
        .prefetch_related("lists", "fields")
        .first()
    )


@visitors.public_page("GET", "HEAD", "POST")
def public_signup(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a form and take sign-ups in."""
    form = find(public_id)
    if form is None:
        return page(request, "no_form", {"brand": {"name": _("Newsletter")}}, status=404)
    _speak(request, form)
    if not form.is_active or not _open_lists(form):
        return page(request, "closed", {"brand": form.workspace}, status=410)
    if request.method != "POST":
        return _show(request, form, JoinForm(signup_form=form))
    return _take(request, form)


@visitors.public_page("GET", "HEAD")
def public_signup_done(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say what comes next: the same to everybody."""
    form = find(public_id)
    if form is None:
        return page(request, "no_form", {"brand": {"name": _("Newsletter")}}, status=404)
    _speak(request, form)
    lists = _open_lists(form)
    double = any(one.opt_in == MailingList.OptIn.DOUBLE for one in lists)
    context = {"brand": form.workspace, "form": form, "lists": lists, "by_mail": double}
    return page(request, "signed_up", context)


def _take(request: HttpRequest, form: SignupForm) -> HttpResponse:
    filled = JoinForm(request.POST, signup_form=form)
    token = signup_guard.examine(form, request.POST.get("token", ""))
    if not filled.is_valid() or token is not Token.GOOD:
        return _show(request, form, filled, token=token, status=422)
    if request.POST.get(HONEYPOT):
        return _thank(request, form)
    try:
        if not signup_guard.admits(form, ip=visitors.ip_of(request)):
            return page(request, "too_many", {"brand": form.workspace}, status=429)
        quiet = not signup_guard.may_write_to(form.workspace, filled.cleaned_data["email"])
    except redis.RedisError:
        return page(request, "not_now", {"brand": form.workspace}, status=503)
    if not quiet:
        _store(request, form, filled)
    return _thank(request, form)


def _store(request: HttpRequest, form: SignupForm, filled: JoinForm) -> None:
    language = get_language() or form.workspace.default_language
    values = {
        key: one
        for key, one in filled.custom_values().items()
        if one is not None and one is not False
    }
    letter = signup.take(
        form,
        sign_up=SignUp(
            address=filled.cleaned_data["email"],
            first_name=filled.cleaned_data.get("first_name", ""),
            language=language,
            fields=values,
        ),
        source=ConsentSource.FORM,
        **visitors.origin(request),
    )
    if letter:
        send_signup_mail.delay_on_commit(  # type: ignore[attr-defined]  # celery-types leaves it out
            subscriber_id=letter.subscriber_id,
            form_id=letter.form_id,
            token=letter.token,
            language=language,
        )


def _thank(request: HttpRequest, form: SignupForm) -> HttpResponse:
    where = reverse("public_signup_done", args=[form.public_id])
    query = visitors.asked_language(request)
    return HttpResponse(status=303, headers={"Location": f"{where}{query}"})


def _show(
    request: HttpRequest,
    form: SignupForm,
    filled: JoinForm,
    *,
    token: Token = Token.GOOD,
    status: int = 200,
) -> HttpResponse:
    problems = {
        Token.FOREIGN: _(
            "This form was not made for this page, so nothing was saved. "
            "Check what you wrote and press the button again."
        ),
        Token.TOO_OLD: _("This page was open for more than a day. Press the button again."),
        Token.TOO_SOON: _("That was faster than people type. Press the button again."),
    }
    context = {
        "brand": form.workspace,
        "form": form,
        "filled": filled,
        "lists": _open_lists(form),
        "token": signup_guard.token_for(form),
        "honeypot": HONEYPOT,
        "problem": problems.get(token, ""),
    }
    return page(request, "signup", context, status=status)


def _open_lists(form: SignupForm) -> list[MailingList]:
    return [one for one in form.lists.all() if one.archived_at is None]


def _speak(request: HttpRequest, form: SignupForm) -> None:
    lists = (one.language for one in form.lists.all())
    visitors.speak(request, form.language, *lists, form.workspace.default_language)


@visitors.public_page("GET", "HEAD", "POST")
def public_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, confirm by POST; link scanners confirm nothing."""
    pending = signup.read(token)
    if pending is None:
        brand = {"name": _("Newsletter")}
        return page(request, "no_confirmation", {"brand": brand}, status=404)
    _speak_to(request, pending, pending.form.workspace)
    if request.method == "POST" and not pending.is_expired:
        signup.confirm(pending, source=ConsentSource.FORM, **visitors.origin(request))
        where = reverse("public_confirm", args=[token])
        query = visitors.asked_language(request)
        return HttpResponse(status=303, headers={"Location": f"{where}{query}"})
    return _answer(request, token, pending)


def _answer(request: HttpRequest, token: str, pending: Pending) -> HttpResponse:
    context = {
        "brand": pending.form.workspace,
        "form": pending.form,
        "lists": pending.lists,
        "person": pending.person,
        "token": token,
        "days": signup.CONFIRM_DAYS,
    }
    if pending.person and not pending.is_expired and signup.is_waiting(pending):
        return page(request, "confirm", context)
    if signup.is_subscribed(pending):
        return page(request, "welcome", context)
    return page(request, "expired", context, status=410)


def _speak_to(request: HttpRequest, pending: Pending, workspace: Workspace) -> None:
    own = pending.person.language if pending.person else ""
    lists = (one.language for one in pending.lists)
    visitors.speak(request, own, pending.form.language, *lists, workspace.default_language)
