"""The buttons that answer a mail of the sandbox as its recipient's world would."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.input import limits
from accounts.input.numbers import row_number
from accounts.roles import Permission
from delivery.models import Message, SandboxMessage
from delivery.sandbox import answering, stored
from delivery.states import SandboxAnswer
from delivery.views.sandbox import find

ANSWERS = limits.Limit(most=600, seconds=3_600)  # for a workspace


@require_POST
@member(Permission.EDIT)
def sandbox_answer(request: MemberRequest, message_id: int) -> HttpResponse:
    """Answer a mail: ``answer`` says how, ``visitor`` as whom, ``link`` which link is clicked.

    Raises:
        Http404: the mail belongs to no workspace, so nobody counts what comes of it.
    """
    mail = find(request, message_id)
    if mail.workspace_id is None:
        raise Http404
    number = row_number(request.POST.get("answer", ""))
    if number not in SandboxAnswer.values:
        return HttpResponseBadRequest()
    back = reverse("sandbox_message", args=[mail.pk])
    if not limits.within(ANSWERS, f"sandbox-answers:{mail.workspace_id}"):
        messages.error(request, _("That was a lot of answers within the hour. Try again later."))
        return redirect(back)
    try:
        said, detail = _answer(request, mail, SandboxAnswer(number))
    except answering.CannotAnswerError as error:
        messages.error(request, error.sentence)
        return redirect(back)
    answering.note(mail, SandboxAnswer(number), by=request.user.name, detail=detail)
    messages.success(request, said)
    return redirect(f"{back}#answers")


def _answer(request: MemberRequest, mail: SandboxMessage, answer: SandboxAnswer) -> tuple[str, str]:
    """Answer; returns what was done in a sentence, and what the list of answers adds to its word.

    Raises:
        CannotAnswerError: the mail cannot be answered so.
    """
    content = stored.read(mail)
    message = answering.ledger_message(mail)
    if answer in answering.MAILED:
        answering.by_mail(mail, content, answer)
        return _("The answer was sent to the return path %(address)s and taken in there.") % {
            "address": mail.envelope_from
        }, ""
    can = answering.possible(mail, content, message)
    if message is None:
        raise answering.CannotAnswerError(
            _("This email is no part of a campaign, so nobody counts what is done with it.")
        )
    if answer is SandboxAnswer.ONE_CLICK:
        if not can.one_click:
            raise answering.CannotAnswerError(_("This email has no one-click unsubscribe."))
        if not answering.unsubscribe(message):
            return _("Done, as an email program would; the person was on none of its lists."), ""
        return _("The person was unsubscribed by their mail program's button."), ""
    return _visit(request, message, answer, can)


def _visit(
    request: MemberRequest, message: Message, answer: SandboxAnswer, can: answering.Possible
) -> tuple[str, str]:
    visitor = answering.VISITORS.get(request.POST.get("visitor", ""), answering.PERSON)
    if answer is SandboxAnswer.OPEN:
        if not can.open:
            raise answering.CannotAnswerError(
                _("This email has no open pixel: opens are not counted for its campaign.")
            )
        answering.visit(message, visitor)
        said = _("Opened by: %(visitor)s. The report counts it in a few seconds.")
        return said % {"visitor": visitor.label}, str(visitor.label)
    wanted = row_number(request.POST.get("link", ""))
    link = next((one for one in can.clicks if one.ordinal == wanted), None)
    if link is None:
        raise answering.CannotAnswerError(_("Choose one of the tracked links of this email."))
    answering.visit(message, visitor, ordinal=link.ordinal)
    said = _("Clicked by: %(visitor)s. The report counts it in a few seconds.")
    return said % {"visitor": visitor.label}, f"{visitor.label} · {link.target or link.address}"
