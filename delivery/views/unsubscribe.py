"""The unsubscribe page, and the mail program's own button (RFC 8058).

GET changes nothing, and neither does a POST that presses no button: scanners send both. A letter
may have been forwarded, so the page shows the address masked and nothing else about its person.
"""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.workspaces.workspace_urls import outside
from delivery.mime.tokens import Purpose
from delivery.models import UnsubscribeReason
from delivery.public import message_link, unsubscribing
from delivery.public.message_link import Reader
from delivery.views.public import lost, page, words_for
from subscribers.consent import ownership
from subscribers.signup import visitors
from subscribers.signup.texts import Kind
from subscribers.states import ConsentSource

ACTIONS = frozenset({"leave", "all", "undo", "why"})
ONE_CLICK = "One-Click"


@visitors.public_page("GET", "HEAD", "POST")
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show one button; do what a POST says.

    ``List-Unsubscribe=One-Click`` comes from a mail program. It is answered with 200, without
    redirect or cookies, however often it comes (RFC 8058 sections 3.1 and 3.2).
    """
    reader = message_link.find(token, Purpose.UNSUBSCRIBE)
    if reader is None:
        return lost(request)
    visitors.speak(request, *reader.languages)
    if request.method != "POST":
        return _show(request, token, reader)
    action = request.POST.get("do", "")
    if request.POST.get("List-Unsubscribe") == ONE_CLICK:
        unsubscribing.leave(reader, source=ConsentSource.ONE_CLICK, **visitors.origin(request))
        return HttpResponse(_("You are unsubscribed."), content_type="text/plain; charset=utf-8")
    if action not in ACTIONS:
        return _show(request, token, reader, status=400)
    news = _act(request, reader, action)
    return _see_other(request, token, news)


def _act(request: HttpRequest, reader: Reader, action: str) -> str:
    """Do what a button of the page says; returns what the page then has to tell."""
    origin = visitors.origin(request)
    source = ConsentSource.UNSUBSCRIBE_PAGE
    if action == "leave":
        unsubscribing.leave(reader, source=source, **origin)
    elif action == "all":
        unsubscribing.leave_all(reader, source=source, **origin)
    elif action == "undo":
        return "back" if unsubscribing.undo(reader, source=source, **origin) else "late"
    elif unsubscribing.answer(
        reader, why=request.POST.get("why", ""), words=request.POST.get("words", "")
    ):
        return "thanks"
    return ""


def _see_other(request: HttpRequest, token: str, news: str) -> HttpResponse:
    query = visitors.asked_language(request)
    if news:
        query = f"{query}{'&' if query else '?'}news={news}"
    where = outside("unsubscribe", token)
    return HttpResponse(status=303, headers={"Location": f"{where}{query}"})


def _show(request: HttpRequest, token: str, reader: Reader, *, status: int = 200) -> HttpResponse:
    gone = unsubscribing.has_left(reader)
    answered = UnsubscribeReason.objects.filter(message_id=reader.message.pk).exists()
    context = {
        "token": token,
        "address": ownership.masked(reader.person.email) if reader.person else "",
        "names": reader.public_names,
        "news": request.GET.get("news", ""),
        "everything": reader.person is not None and unsubscribing.is_out(reader.person),
        "may_undo": gone and bool(unsubscribing.undoable(reader)),
        "may_answer": gone and bool(reader.message.unsubscribed_at) and not answered,
        "answered": gone and answered,
        "answers": UnsubscribeReason.Answer.choices,
        "longest": unsubscribing.LONGEST_WORDS,
        "words": words_for(reader, Kind.UNSUBSCRIBE),
        "preferences_token": reader.token(Purpose.PREFERENCES),
    }
    template = "left.html" if gone else "unsubscribe.html"
    return page(
        request,
        f"delivery/public/{template}",
        context,
        workspace=reader.workspace,
        reader=reader,
        status=status,
    )
