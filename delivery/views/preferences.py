"""The preference centre and "what we know about you": the person's own, by the link in a mail.

The token is the authority, so it changes this one person and nobody else. GET changes nothing.
"""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from accounts.numbers import row_numbers
from delivery import leaving, personal_data, readers
from delivery.readers import Reader
from delivery.tokens import Purpose
from delivery.views.public import lost, page
from subscribers import preferences as wishes
from subscribers import visitors
from subscribers.models import Subscriber
from subscribers.public_forms import PreferencesForm
from subscribers.states import ConsentSource

if TYPE_CHECKING:
    from subscribers.consent import Evidence


@visitors.public_page("GET", "HEAD", "POST")
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Show a person's choices and save them."""
    reader = readers.find(token, Purpose.PREFERENCES)
    if reader is None:
        return lost(request)
    visitors.speak(request, *reader.languages)
    person = reader.person
    if person is None:
        return _erased(request, reader)
    if request.method == "POST" and request.POST.get("do") == "all":
        leaving.leave_all(reader, source=ConsentSource.PREFERENCES, **visitors.origin(request))
        return _see_other(request, token, "all")
    form = PreferencesForm(
        request.POST if request.method == "POST" else None,
        asked=wishes.asked_fields(reader.workspace),
        values=person.fields,
        initial={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "language": person.language,
        },
    )
    if request.method == "POST" and form.is_valid():
        _save(request, reader, person, form)
        return _see_other(request, token, "saved")
    return _show(request, token, reader, form)


def _save(request: HttpRequest, reader: Reader, person: Subscriber, form: PreferencesForm) -> None:
    origin = visitors.origin(request)
    evidence: Evidence = {
        "source": ConsentSource.PREFERENCES,
        "message_id": reader.message.pk,
        "ip": origin["ip"],
        "user_agent": origin["user_agent"],
    }
    changed = wishes.choose(person, wanted=_ticked(request), **evidence)
    if set(changed.left) & {one.pk for one in reader.lists}:
        leaving.count(reader, evidence)
    wishes.describe(
        person,
        first_name=form.cleaned_data["first_name"],
        last_name=form.cleaned_data["last_name"],
        language=form.cleaned_data["language"],
        fields=form.custom_values(),
    )


def _show(request: HttpRequest, token: str, reader: Reader, form: PreferencesForm) -> HttpResponse:
    assert reader.person is not None  # noqa: S101 - the caller has looked
    context = {
        "token": token,
        "person": reader.person,
        "form": form,
        "choices": wishes.choices(reader.person),
        "ticked": _ticked(request) if form.is_bound else None,
        "everything": leaving.is_out(reader.person),
        "news": request.GET.get("news", ""),
    }
    return page(
        request,
        "delivery/public/preferences.html",
        context,
        workspace=reader.workspace,
        reader=reader,
        status=422 if form.errors else 200,
    )


def _ticked(request: HttpRequest) -> set[int]:
    return set(row_numbers(request.POST.getlist("list")))


def _see_other(request: HttpRequest, token: str, news: str) -> HttpResponse:
    query = visitors.asked_language(request)
    where = f"{reverse('preferences', args=[token])}{query}{'&' if query else '?'}news={news}"
    return HttpResponse(status=303, headers={"Location": where})


@visitors.public_page("GET", "HEAD")
def know(request: HttpRequest, token: str) -> HttpResponse:
    """Show a person everything we know about them."""
    reader = readers.find(token, Purpose.PREFERENCES)
    if reader is None:
        return lost(request)
    visitors.speak(request, *reader.languages)
    if reader.person is None:
        return _erased(request, reader)
    old = personal_data.is_too_old(reader)
    context = {
        "token": token,
        "person": reader.person,
        "too_old": old,
        "data": None if old else personal_data.collect(reader.person),
    }
    return page(
        request,
        "delivery/public/know.html",
        context,
        workspace=reader.workspace,
        reader=reader,
        status=403 if old else 200,
    )


@visitors.public_page("GET", "HEAD")
def know_json(request: HttpRequest, token: str) -> HttpResponse:
    """Give the same as a file."""
    reader = readers.find(token, Purpose.PREFERENCES)
    if reader is None or reader.person is None or personal_data.is_too_old(reader):
        return lost(request)
    visitors.speak(request, *reader.languages)
    return JsonResponse(
        personal_data.collect(reader.person),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


def _erased(request: HttpRequest, reader: Reader) -> HttpResponse:
    return page(request, "delivery/public/erased.html", {}, workspace=reader.workspace, status=410)
