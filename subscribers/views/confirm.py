"""The confirmation page behind a mail's link: only its button confirms.

GET changes nothing, nor does a POST without the button: scanners send both.
"""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.workspaces.workspace_urls import outside
from subscribers.consent import ownership
from subscribers.signup import figures, origins, signup, texts, visitors
from subscribers.signup.mails import values_of
from subscribers.signup.signup import Pending, SignupMail
from subscribers.signup.texts import Kind
from subscribers.states import ConsentSource
from subscribers.tasks import send_letter
from subscribers.views.signup import page
from subscribers.views.signup_answers import let_lead_on


@visitors.public_page("GET", "HEAD", "POST")
def public_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, confirm by POST; link scanners confirm nothing."""
    pending = signup.read(token)
    if pending is None:
        brand = {"name": _("Newsletter")}
        return page(request, "no_confirmation", {"brand": brand}, status=404)
    _speak(request, pending)
    if request.method == "POST" and request.POST.get("do") == "confirm" and not pending.is_expired:
        return _confirm(request, token, pending)
    return _answer(request, token, pending)


def _confirm(request: HttpRequest, token: str, pending: Pending) -> HttpResponse:
    form = pending.form
    changed = signup.confirm(pending, source=ConsentSource.FORM, **visitors.origin(request))
    if changed and pending.person:
        figures.count(form.pk, "confirmed")
        if form.sends_welcome:
            send_letter(
                SignupMail(
                    subscriber_id=pending.person.pk,
                    form_id=form.pk,
                    token="",
                    lists=tuple(one.pk for one in pending.lists),
                    language=get_language() or "",
                    is_welcome=True,
                )
            )
    where = f"{outside('public_confirm', token)}{visitors.asked_language(request)}"
    if signup.is_subscribed(pending) and origins.may_lead_to(form, form.confirmed_url):
        where = form.confirmed_url
    response = HttpResponse(status=303, headers={"Location": where})
    return let_lead_on(response, form, form.confirmed_url)


def _answer(request: HttpRequest, token: str, pending: Pending) -> HttpResponse:
    form, lists = pending.form, list(pending.lists)
    found = {
        kind: texts.find(
            kind,
            language=get_language() or "",
            form=form,
            lists=lists,
            values=values_of(form.workspace, lists),
        )
        for kind in (Kind.CONFIRMED, Kind.FOOTER)
    }
    context = {
        "brand": form.workspace,
        "form": form,
        "lists": lists,
        "address": ownership.masked(pending.person.email) if pending.person else "",
        "token": token,
        "days": signup.CONFIRM_DAYS,
        "words": found[Kind.CONFIRMED],
        "footer": found[Kind.FOOTER],
    }
    if pending.person and not pending.is_expired and signup.is_waiting(pending):
        response = page(request, "confirm", context)
        return let_lead_on(response, form, form.confirmed_url)
    if signup.is_subscribed(pending):
        return page(request, "welcome", context)
    return page(request, "expired", context, status=410)


def _speak(request: HttpRequest, pending: Pending) -> None:
    form = pending.form
    own = pending.person.language if pending.person else ""
    lists = (one.language for one in pending.lists)
    visitors.speak(request, own, form.language, *lists, form.workspace.default_language)
