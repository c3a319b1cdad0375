"""How a sign-up is answered: as a page, inside a frame, or as JSON to a script of another site."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils.translation import gettext as _

from accounts.workspaces.workspace_urls import outside
from subscribers.forms.public import PREFIX, SignUpForm
from subscribers.models import MailingList, SignupForm
from subscribers.signup import origins, visitors
from subscribers.signup.guard import Token

JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class FormVisit:
    """A form, and how it is looked at."""

    form: SignupForm
    is_framed: bool
    wants_json: bool

    @property
    def page_name(self) -> str:
        """The name of the page's address."""
        return "public_signup_frame" if self.is_framed else "public_signup"


def wants_json(request: HttpRequest) -> bool:
    """Say whether a script asks, instead of a browser that shows a page."""
    return request.headers.get("Accept", "").startswith(JSON) or request.content_type == JSON


def read(request: HttpRequest) -> QueryDict | None:
    """Return what was sent, as form data; JSON objects hold texts, true, or lists of texts.

    None: it can't be read.
    """
    if request.content_type != JSON:
        return request.POST
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(sent, dict):
        return None
    data = QueryDict(mutable=True)
    for name, value in sent.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | bool | int | float) for one in values):
            return None
        texts = ["on" if one is True else str(one) for one in values if one is not False]
        data.setlist(str(name), [text.replace("\0", "") for text in texts])
    return data


def asks_by_mail(form: SignupForm) -> bool:
    """Say whether the form has a list whose people confirm by mail in any case."""
    return any(
        one.opt_in == MailingList.OptIn.DOUBLE
        for one in form.lists.all()
        if one.archived_at is None
    )


def thank(request: HttpRequest, visit: FormVisit, *, is_proven: bool) -> HttpResponse:
    """Say that a sign-up was taken; tells the form and the proof apart, never people."""
    form = visit.form
    leads_to = form.signed_up_url if origins.may_lead_to(form, form.signed_up_url) else ""
    by_mail = asks_by_mail(form) or not is_proven
    if visit.wants_json:
        message = (
            _(
                "If your address can join, we've sent you an email. Open it and press its "
                "button to confirm."
            )
            if by_mail
            else _("Thank you. You are welcome.")
        )
        return JsonResponse(
            {"ok": True, "confirm_by_mail": by_mail, "message": message, "redirect": leads_to}
        )
    if leads_to:
        response = HttpResponse(status=303, headers={"Location": leads_to})
        return let_lead_on(response, form, leads_to)
    where = outside("public_signup_done", form.public_id)
    query = visitors.asked_language(request)
    for word, is_on in (
        ("frame=1", visit.is_framed),
        ("mail=1", by_mail and not asks_by_mail(form)),
    ):
        if is_on:
            query = f"{query}{'&' if query else '?'}{word}"
    return HttpResponse(status=303, headers={"Location": f"{where}{query}"})


def mistakes(filled: SignUpForm, problem: str) -> JsonResponse:
    """Say by field what is wrong; ``message`` says it for the whole."""
    message = problem or _("Not sent yet: please check the fields below.")
    errors = {
        name.removeprefix(PREFIX): [str(one) for one in found]
        for name, found in filled.errors.items()
    }
    return JsonResponse({"ok": False, "message": message, "errors": errors}, status=422)


def refusal(name: str, status: int) -> JsonResponse:
    """Say why nothing was looked at."""
    sentences = {
        "closed": _("Nobody can sign up here at the moment."),
        "unreadable": _("This is not JSON that a form can read. Nothing was saved."),
        "other_site": _("This form doesn't work on this site, so nothing was saved."),
        "too_many": _("There were too many sign-ups from your network. Try again later."),
        "not_now": _("We're having a problem on our side. Please try again in a minute."),
    }
    return JsonResponse({"ok": False, "message": sentences[name], "errors": {}}, status=status)


def sentence(verdict: Token) -> str:
    """Say what was wrong with a form's token."""
    return {
        Token.FOREIGN: _(
            "This form was not made for this page, so nothing was saved. "
            "Check what you wrote and press the button again."
        ),
        Token.TOO_OLD: _("This page was open for more than a day. Press the button again."),
        Token.TOO_SOON: _(
            "That was quicker than people usually type. Please press the button again."
        ),
    }[verdict]


def share(response: HttpResponse, request: HttpRequest, form: SignupForm) -> HttpResponse:
    """Let scripts of the form's sites read the answer (Fetch standard, CORS); no cookies."""
    allowed = origins.answer_origin(form, request)
    if allowed and request.headers.get("Origin"):
        response["Access-Control-Allow-Origin"] = allowed
        response["Access-Control-Allow-Methods"] = "GET, POST"
        response["Access-Control-Allow-Headers"] = "Content-Type, Accept"
        response["Access-Control-Max-Age"] = "3600"
    return response


def frame(response: HttpResponse, visit: FormVisit) -> HttpResponse:
    """Let the form's sites show a framed page."""
    if visit.is_framed:
        changed: Any = response
        changed.xframe_options_exempt = True
        changed._csp_replace = {  # noqa: SLF001 - what csp's own decorators set
            **getattr(response, "_csp_replace", {}),
            "frame-ancestors": origins.frame_ancestors(visit.form),
        }
    return response


def let_lead_on(response: HttpResponse, form: SignupForm, url: str) -> HttpResponse:
    """Allow a page's form to end on another site: browsers check redirects of forms, too."""
    if origins.may_lead_to(form, url):
        changed: Any = response
        changed._csp_replace = {  # noqa: SLF001 - as above
            **getattr(response, "_csp_replace", {}),
            "form-action": ["'self'", origins.origin_of(url)],
        }
    return response
