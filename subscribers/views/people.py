"""People: find, look at, change, subscribe, erase."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.numbers import row_number, row_numbers
from accounts.input.once import once
from accounts.roles import Permission
from accounts.workspaces import zones
from subscribers.addresses import addresses
from subscribers.consent import ledger, lifecycle, suppression
from subscribers.consent.ledger import Evidence
from subscribers.fields import custom_values, definitions
from subscribers.forms.people import SubscriberForm
from subscribers.models import (
    BulkChange,
    CustomField,
    ImportChange,
    MailingList,
    MergedPerson,
    Subscriber,
    Subscription,
    Suppression,
    Tag,
)
from subscribers.people import people, tags
from subscribers.privacy import erasure
from subscribers.states import ConsentSource, SubscriptionStatus, SuppressionReason


def key(request: MemberRequest, name: str) -> int | None:
    """Read a number from the address; anything else counts as none."""
    return row_number(request.GET.get(name, ""))


def _by_hand(request: MemberRequest) -> Evidence:
    return Evidence(source=ConsentSource.MANUAL, actor=request.user)


@member(Permission.VIEW)
def subscriber_page(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Show one person: profile, lists, consent, and what they got (loaded after)."""
    person = own(request, Subscriber, subscriber_id)
    custom = CustomField.objects.filter(workspace=request.workspace)
    subscriptions = Subscription.objects.filter(subscriber=person).select_related("list")
    joined = {subscription.list_id for subscription in subscriptions}
    context = {
        "person": person,
        "values": [
            (
                field.label,
                definitions.display(definitions.shape(field), person.fields.get(field.key)),
            )
            for field in custom
        ],
        "subscriptions": subscriptions.order_by("list__name"),
        "other_lists": MailingList.objects.filter(
            workspace=request.workspace, archived_at=None
        ).exclude(pk__in=joined),
        "suppression": suppression.about(
            request.workspace.pk, address_hash=bytes(person.address_hash)
        ).first(),
        "history": ledger.history(person, limit=50),
        "tags": Tag.objects.filter(taggings__subscriber=person),
        "all_tags": Tag.objects.filter(workspace=request.workspace),
        "merged": MergedPerson.objects.filter(into=person).select_related("merged_by"),
        "bulk": BulkChange.objects.filter(subscriber=person)
        .select_related("action__created_by")
        .order_by("-at")[:20],
        "imports": ImportChange.objects.filter(subscriber=person)
        .select_related("from_import")
        .order_by("-pk")[:20],
        "suggestion": addresses.probably_meant(person.email_key),
    }
    return render(request, "subscribers/person.html", context)


@member(Permission.EDIT)
def subscriber_edit(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Change a person's profile."""
    person = own(request, Subscriber, subscriber_id)
    form = SubscriberForm(request.POST or None, workspace=request.workspace, person=person)
    if request.method == "POST" and form.is_valid() and _save_or_say(request, form, person):
        messages.success(request, _("Saved."))
        return redirect("subscriber_page", person.pk)
    return render(request, "subscribers/person_edit.html", {"person": person, "form": form})


@contextmanager
def _saying_what_is_taken(form: SubscriberForm) -> Iterator[None]:
    """Turn a unique value that somebody else got meanwhile into a form's error."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not custom_values.is_taken(error):
            raise
        form.add_error(None, _("Somebody else was given the same unique value just now."))


def _save_or_say(request: MemberRequest, form: SubscriberForm, person: Subscriber) -> bool:
    with _saying_what_is_taken(form):
        return _save(request, form, person)
    return False


def _add_or_say(request: MemberRequest, form: SubscriberForm) -> tuple[Subscriber, bool] | None:
    cleaned = form.cleaned_data
    profile = people.Profile(
        first_name=cleaned["first_name"],
        last_name=cleaned["last_name"],
        language=cleaned["language"],
        fields=cleaned["fields"],
    )
    with _saying_what_is_taken(form):
        return people.add(request.workspace, address=cleaned["email"], profile=profile)
    return None


def _save(request: MemberRequest, form: SubscriberForm, person: Subscriber) -> bool:
    cleaned = form.cleaned_data
    before = person.email_key
    try:
        people.change_address(person, address=cleaned["email"], **_by_hand(request))
    except people.AddressTaken:
        form.add_error("email", _("Somebody else in this workspace has this address."))
        return False
    emptied = {field.key: None for field in form.asked}
    people.change(
        person,
        first_name=cleaned["first_name"],
        last_name=cleaned["last_name"],
        language=cleaned["language"],
        fields={**emptied, **cleaned["fields"]},
        frequency=cleaned["frequency"],
        paused_until=_pause(request, cleaned["paused_until"]),
    )
    if person.email_key != before:
        _say_who_must_confirm(request, person)
    return True


def _pause(request: MemberRequest, day: date | None) -> datetime | None:
    """Return the beginning of a day where the workspace is."""
    zone = zones.of_workspace(request.workspace)
    return datetime.combine(day, time.min, tzinfo=zone) if day else None


@require_POST
@member(Permission.EDIT)
def subscriber_tags(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Stick a tag on a person, or take one off."""
    person = own(request, Subscriber, subscriber_id)
    off = row_number(request.POST.get("remove", ""))
    if off is not None:
        tags.detach(request.workspace, people=[person.pk], tags=[off])
        return redirect("subscriber_page", person.pk)
    try:
        added = tags.find_or_create(request.workspace, [request.POST.get("name", "")])
        tags.attach(request.workspace, people=[person.pk], tags=[tag.pk for tag in added])
    except tags.TagError as error:
        messages.error(request, str(error))
    return redirect("subscriber_page", person.pk)


def _say_who_must_confirm(request: MemberRequest, person: Subscriber) -> None:
    waiting = Subscription.objects.filter(subscriber=person, status=SubscriptionStatus.UNCONFIRMED)
    names = waiting.order_by("list__name").values_list("list__name", flat=True)
    if names:
        text = _(
            "The new address has not agreed to these lists yet: %(lists)s. Nothing of them is sent "
            "until the person confirms, through a form, or you confirm by hand."
        )
        messages.warning(request, text % {"lists": ", ".join(names)})


@member(Permission.EDIT)
@once
def subscriber_new(request: MemberRequest) -> HttpResponse:
    """Add one person, if wanted to a list."""
    lists = MailingList.objects.filter(workspace=request.workspace, archived_at=None)
    form = SubscriberForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid() and (added := _add_or_say(request, form)):
        person, new = added
        chosen = lists.filter(pk__in=row_numbers(request.POST.getlist("lists"))).order_by("pk")
        stay_off = [
            one
            for one in chosen
            if not lifecycle.subscribe(person, mailing_list=one, **_by_hand(request))
        ]
        if chosen:
            say_who_is_out(request, [person])
        _say_what_was_left(request, person, stay_off)
        if not new:
            messages.info(request, _("This address was here already; nothing of it was changed."))
        return redirect("subscriber_page", person.pk)
    return render(request, "subscribers/person_new.html", {"form": form, "lists": lists})


@require_POST
@member(Permission.EDIT)
def subscriber_subscription(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Put a person on a list, or take them off, by a member's hand."""
    person = own(request, Subscriber, subscriber_id)
    mailing_list = own(request, MailingList, row_number(request.POST.get("list", "")))
    action = request.POST.get("action")
    if action == "unsubscribe":
        lifecycle.unsubscribe(person, lists=[mailing_list.pk], **_by_hand(request))
    elif action == "resubscribe":
        reason = request.POST.get("detail", "").strip()[:300]
        if not reason:
            messages.error(
                request, _("Say how the person asked to come back; it is kept as their consent.")
            )
            return redirect("subscriber_page", person.pk)
        evidence = Evidence(source=ConsentSource.MANUAL, actor=request.user, detail=reason)
        lifecycle.resubscribe(person, lists=[mailing_list.pk], **evidence)
    elif not lifecycle.subscribe(person, mailing_list=mailing_list, **_by_hand(request)):
        say_who_is_out(request, [person])
        _say_what_was_left(request, person, [mailing_list])
    return redirect("subscriber_page", person.pk)


def _say_what_was_left(
    request: MemberRequest, person: Subscriber, lists: Sequence[MailingList]
) -> None:
    """Tell a member which lists the person had left, so that they stay off them."""
    left = [one.name for one in lists if ledger.had_left(person.pk, one.pk)]
    if left and not suppression.is_out(person):
        text = _(
            "The person had left these lists and stays off them: %(lists)s. Whoever "
            "asked for them since may be a stranger. They come back by confirming "
            "by email or in their preferences."
        )
        messages.error(request, text % {"lists": ", ".join(left)})


def say_who_is_out(request: MemberRequest, rows: Sequence[Subscriber]) -> None:
    """Tell a member how many of these people nobody but themselves can bring back."""
    count = Suppression.objects.filter(
        workspace=request.workspace,
        address_hash__in=[bytes(person.address_hash) for person in rows],
        reason=SuppressionReason.UNSUBSCRIBED,
    ).count()
    if count:
        text = ngettext(
            "%(n)s person has unsubscribed from everything and stays off the list. "
            "Only they can come back, in their preferences or through a form.",
            "%(n)s people have unsubscribed from everything and stay off the list. "
            "Only they can come back, in their preferences or through a form.",
            count,
        )
        messages.error(request, text % {"n": count})


@member(Permission.EDIT)
def subscriber_erase(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Erase a person for good, after asking."""
    person = own(request, Subscriber, subscriber_id)
    if request.method == "POST":
        erasure.erase(request.workspace, subscriber_id=person.pk, actor=request.user)
        messages.success(request, _("The person is erased. They will not be written to again."))
        return redirect("subscriber_list")
    return render(request, "subscribers/person_erase.html", {"person": person})
