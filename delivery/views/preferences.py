"""The preference centre and "what we know about you", by the link in a mail. GET changes nothing.

A letter's link may be in anybody's hands, so by it mail only becomes less; an owner's link, mailed
to the address an hour ago at most, opens everything (`delivery.public.preference_access`).
"""

from typing import TYPE_CHECKING, Any

import redis
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.input.numbers import row_number, row_numbers
from accounts.workspaces import zones
from accounts.workspaces.workspace_urls import outside
from delivery.mime.tokens import Purpose
from delivery.public import personal_data, preference_access, tracking_consent, unsubscribing
from delivery.public.message_link import Reader
from delivery.public.preference_access import Holder
from delivery.views.public import lost, page
from subscribers.consent import lifecycle, ownership
from subscribers.fields import custom_values
from subscribers.forms.public import PREFIX, PreferencesForm
from subscribers.models import Subscriber
from subscribers.people import preferences as wishes
from subscribers.signup import visitors
from subscribers.states import ConsentSource, Frequency
from subscribers.tasks import send_owner_link

if TYPE_CHECKING:
    from subscribers.consent.ledger import Evidence


@visitors.public_page("GET", "HEAD", "POST")
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Show a person's choices and change them, as far as the link reaches."""
    holder = preference_access.find(token)
    if holder is None:
        return lost(request)
    visitors.speak(request, *holder.languages)
    person = holder.person
    if person is None:
        return _erased(request, holder)
    if request.method != "POST":
        return _show(request, token, holder, _form(holder, person))
    return _act(request, token, holder, person)


def _act(request: HttpRequest, token: str, holder: Holder, person: Subscriber) -> HttpResponse:
    action = request.POST.get("do", "")
    if action == "all":
        if holder.reader and not holder.is_owner:
            return _leave_by_letter(request, holder.reader)
        _leave_all(request, holder, person)
        return _see_other(request, token, "all")
    if action == "link":
        return _see_other(request, token, _mail_link(holder, person))
    if action == "save" and not holder.is_owner:
        _make_less(request, holder, person)
        return _see_other(request, token, "saved")
    if action == "save":
        return _save(request, token, holder, person)
    # A POST that presses no button: scanners send such.
    return _show(request, token, holder, _form(holder, person), status=400)


def _form(holder: Holder, person: Subscriber, data: Any = None) -> PreferencesForm:
    return PreferencesForm(
        data,
        asked=wishes.asked_fields(holder.workspace),
        values=person.fields,
        initial={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "language": person.language,
        },
    )


def _evidence(request: HttpRequest, holder: Holder) -> "Evidence":
    origin = visitors.origin(request)
    return {
        "source": ConsentSource.PREFERENCES,
        "message_id": holder.message_id,
        "ip": origin["ip"],
        "user_agent": origin["user_agent"],
    }


def _leave_all(request: HttpRequest, holder: Holder, person: Subscriber) -> None:
    evidence = _evidence(request, holder)
    if holder.reader:
        unsubscribing.leave_all(holder.reader, **evidence)
    else:
        lifecycle.unsubscribe_from_all(person, **evidence)


def _mail_link(holder: Holder, person: Subscriber) -> str:
    """Have a fresh link mailed, unless there were too many; the page says the same either way."""
    try:
        may_mail = ownership.may_mail_link(person)
    except redis.RedisError:
        return "not_now"
    if may_mail:
        send_owner_link(person, message_id=holder.message_id, language=get_language() or "")
    return "link"


def _make_less(request: HttpRequest, holder: Holder, person: Subscriber) -> None:
    evidence = _evidence(request, holder)
    _count(holder, wishes.leave(person, kept=_ticked(request), **evidence), evidence)
    _slow_down(request, person, may_speed_up=False)
    if "tracking_asked" in request.POST and "tracking" not in request.POST:
        tracking_consent.say(person, allows_it=False, **evidence)


def _save(request: HttpRequest, token: str, holder: Holder, person: Subscriber) -> HttpResponse:
    form = _form(holder, person, request.POST)
    if not form.is_valid():
        return _show(request, token, holder, form, status=422)
    try:
        with transaction.atomic():
            _change(request, holder, person, form)
    except IntegrityError:
        person.refresh_from_db()
        _say_what_is_taken(form, person)
        return _show(request, token, holder, form, status=422)
    return _see_other(request, token, "saved")


def _say_what_is_taken(form: PreferencesForm, person: Subscriber) -> None:
    """Name the field, and not that somebody else has the value."""
    asked = [one.field for one in form.asked if one.field.is_unique and not one.is_shown_only]
    values = form.custom_values()
    taken = custom_values.objections(person.workspace, values, asked=asked, person=person)
    for key in taken:
        form.add_error(PREFIX + key, _("This can't be saved. If it is right, write to us."))
    if not taken:  # free again by now
        form.add_error(None, _("Something changed just now. Save once more."))


def _change(
    request: HttpRequest, holder: Holder, person: Subscriber, form: PreferencesForm
) -> None:
    evidence = _evidence(request, holder)
    _count(holder, wishes.choose(person, wanted=_ticked(request), **evidence), evidence)
    _slow_down(request, person, may_speed_up=True)
    if "tracking_asked" in request.POST:
        tracking_consent.say(person, allows_it="tracking" in request.POST, **evidence)
    wishes.describe(
        person,
        first_name=form.cleaned_data["first_name"],
        last_name=form.cleaned_data["last_name"],
        language=form.cleaned_data["language"],
        fields=form.custom_values(),
    )


def _count(holder: Holder, changed: wishes.Changed, evidence: "Evidence") -> None:
    if holder.reader and set(changed.left) & {one.pk for one in holder.reader.lists}:
        unsubscribing.count(holder.reader, evidence)


def _slow_down(request: HttpRequest, person: Subscriber, *, may_speed_up: bool) -> None:
    frequency, months = (row_number(request.POST.get(name, "")) for name in ("frequency", "pause"))
    wishes.slow_down(person, frequency=frequency, months=months, may_speed_up=may_speed_up)


def _show(
    request: HttpRequest, token: str, holder: Holder, form: PreferencesForm, *, status: int = 200
) -> HttpResponse:
    person = holder.person
    assert person is not None  # noqa: S101 - the caller has looked
    offered = wishes.choices(person) if holder.is_owner else wishes.leavable(person)
    context = {
        "token": token,
        "address": person.email if holder.is_owner else ownership.masked(person.email),
        "form": form,
        "choices": offered,
        "ticked": _ticked(request) if form.is_bound else None,
        "everything": unsubscribing.is_out(person),
        "frequencies": _frequencies(holder, person),
        "frequency": person.frequency,
        "pauses": wishes.PAUSES,
        "paused_until": person.paused_until if wishes.is_paused(person) else None,
        "news": request.GET.get("news", ""),
        "tracking_asked": tracking_consent.is_asked(person),
        "tracking": tracking_consent.allows(person),
    }
    name = "preferences.html" if holder.is_owner else "less.html"
    return page(
        request,
        f"delivery/public/{name}",
        context,
        workspace=holder.workspace,
        reader=holder.reader,
        know_token=token,
        status=status,
    )


def _frequencies(holder: Holder, person: Subscriber) -> list[tuple[int, Any]]:
    """Return what may be chosen: without proof only what is not more than now."""
    return [
        (value, label)
        for value, label in Frequency.choices
        if holder.is_owner or value >= person.frequency
    ]


def _ticked(request: HttpRequest) -> set[int]:
    return set(row_numbers(request.POST.getlist("list")))


def _see_other(request: HttpRequest, token: str, news: str) -> HttpResponse:
    query = visitors.asked_language(request)
    where = f"{outside('preferences', token)}{query}{'&' if query else '?'}news={news}"
    return HttpResponse(status=303, headers={"Location": where})


def _leave_by_letter(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Do what the letter's unsubscribe page does; it says so, offers Undo, and asks why."""
    unsubscribing.leave_all(
        reader, source=ConsentSource.UNSUBSCRIBE_PAGE, **visitors.origin(request)
    )
    where = outside("unsubscribe", reader.token(Purpose.UNSUBSCRIBE))
    where += visitors.asked_language(request)
    return HttpResponse(status=303, headers={"Location": where})


@visitors.public_page("GET", "HEAD")
def know(request: HttpRequest, token: str) -> HttpResponse:
    """Show the owner of an address everything we know about them."""
    holder = preference_access.find(token)
    if holder is None:
        return lost(request)
    visitors.speak(request, *holder.languages)
    person = holder.person
    if person is None:
        return _erased(request, holder)
    timezone.activate(zones.first_known(person.time_zone, holder.workspace.time_zone))
    context = {
        "token": token,
        "person": person,
        "zone": zones.current().key.replace("_", " "),
        "address": ownership.masked(person.email),
        "is_owner": holder.is_owner,
        "data": personal_data.collect(person) if holder.is_owner else None,
    }
    return page(
        request,
        "delivery/public/know.html",
        context,
        workspace=holder.workspace,
        reader=holder.reader,
        know_token=token,
        status=200 if holder.is_owner else 403,
    )


@visitors.public_page("GET", "HEAD")
def know_json(request: HttpRequest, token: str) -> HttpResponse:
    """Give the same as a file."""
    holder = preference_access.find(token)
    if holder is None or holder.person is None or not holder.is_owner:
        return lost(request)
    visitors.speak(request, *holder.languages)
    return JsonResponse(
        personal_data.collect(holder.person),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
    )


def _erased(request: HttpRequest, holder: Holder) -> HttpResponse:
    return page(request, "delivery/public/erased.html", {}, workspace=holder.workspace, status=410)
