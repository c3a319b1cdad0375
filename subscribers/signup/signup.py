"""Signing up through a form: from what a stranger typed to a confirmed subscription.

Whoever types an address learns nothing about it: new, subscribed, unconfirmed and suppressed people
are answered alike, and only the owner of the address gets to know more, by mail. What a stranger
types never changes what is known about somebody; it waits in the confirmation link instead.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Unpack
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction

from accounts.models import Workspace
from subscribers.addresses import addresses
from subscribers.addresses.addresses import Address
from subscribers.consent import lifecycle, suppression
from subscribers.consent.ledger import Evidence
from subscribers.models import CustomField, MailingList, SignupForm, Subscriber, Subscription
from subscribers.people import people
from subscribers.people.people import Profile
from subscribers.states import SubscriptionStatus, SuppressionReason

CONFIRM_SALT = "subscribers.signup.confirm"
CONFIRM_DAYS = 30
LONGEST_TOKEN = 1_500  # letters; longer links are cut by some mail programs


@dataclass(frozen=True, kw_only=True)
class SignUp:
    """What somebody typed into a form; ``fields`` as in `models.Subscriber`."""

    address: Address
    first_name: str = ""
    last_name: str = ""
    language: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    lists: tuple[int, ...] = ()  # the chosen ones of the form; none: all of them


@dataclass(frozen=True, kw_only=True)
class SignupMail:
    """The mail that a sign-up asks for; without ``token`` it says that nothing has to be done.

    ``is_welcome``: the person was subscribed at once, so it welcomes them instead.
    """

    subscriber_id: int
    form_id: int
    token: str
    lists: tuple[int, ...]
    language: str
    is_welcome: bool = False


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A confirmation link, read: who confirms which lists of which form."""

    form: SignupForm
    person: Subscriber | None  # None: erased, or the address was changed
    lists: tuple[MailingList, ...]
    told: Mapping[str, Any]  # what was typed about a person we knew already
    is_expired: bool
    mail: str  # the Message-ID of the mail that the link stood in


def take(
    form: SignupForm, *, sign_up: SignUp, is_proven: bool, **evidence: Unpack[Evidence]
) -> SignupMail | None:
    """Take a sign-up in; returns the mail to send, None when there is none to send.

    Single opt-in lists subscribe new people at once if the sign-up came with proof of work
    (``is_proven``); double opt-in lists, and all without it, wait for the confirmation.
    Somebody who has left the list, or had asked for no mail at all, must confirm in any case. For
    an address that is suppressed for another reason, or whose person was erased or deleted,
    nothing is written and nothing sent: whoever types it may be anybody, and an erased address
    must not come back by a stranger's hand. Such people come back through a member, who releases
    the suppression.
    """
    evidence = {**evidence, "statement": form.statement, "detail": form.name}
    with transaction.atomic():
        if _must_stay_out(form.workspace, sign_up.address):
            return None
        person, is_new = _add(form.workspace, sign_up)
        lists = _wanted(form, sign_up)
        enter = lifecycle.join if is_proven else lifecycle.ask
        entered = [enter(person, mailing_list=one, **evidence) for one in lists]
        pending = _unconfirmed(person, lists)
    letter = SignupMail(
        subscriber_id=person.pk,
        form_id=form.pk,
        token="",
        lists=tuple(one.pk for one in lists),
        language=sign_up.language,
    )
    if pending:
        told = {} if is_new else _told(sign_up)
        return replace(letter, token=_token(form, person, pending, told), lists=tuple(pending))
    if any(entered):
        return replace(letter, is_welcome=True) if form.sends_welcome else None
    by_mail = not is_proven or any(one.opt_in == MailingList.OptIn.DOUBLE for one in lists)
    return letter if by_mail else None


def invitation(form: SignupForm, *, person: Subscriber) -> str:
    """Return the token that lets somebody confirm the form's lists; "" if none waits for it."""
    pending = _unconfirmed(person, list(form.lists.filter(archived_at=None)))
    return _token(form, person, pending, {}) if pending else ""


def read(token: str) -> Pending | None:
    """Read a confirmation link; None when it is damaged or its form was deleted."""
    try:
        data = signing.loads(token, salt=CONFIRM_SALT)
    except signing.BadSignature:
        return None
    form = SignupForm.objects.filter(pk=data["f"]).select_related("workspace", "statement").first()
    if form is None:
        return None
    person = Subscriber.objects.filter(pk=data["s"], workspace_id=form.workspace_id).first()
    if person and not secrets.compare_digest(_mark(person), data["k"]):
        person = None
    if person:
        person.workspace = form.workspace
    lists = MailingList.objects.filter(workspace_id=form.workspace_id, pk__in=data["l"])
    return Pending(
        form=form,
        person=person,
        lists=tuple(lists.order_by("name", "pk")),
        told=data.get("d", {}),
        is_expired=_is_expired(token),
        mail=mail_id(token),
    )


def mail_id(token: str) -> str:
    """Return the Message-ID of the mail with this link: it follows from the link, so none is kept.

    A mail that is sent again after a failure has it, too (RFC 5322, section 3.6.4).
    """
    digest = blake2b(token.encode(), digest_size=16).hexdigest()
    return f"<confirm.{digest}@{urlsplit(settings.SITE_URL).hostname}>"


def confirm(pending: Pending, **evidence: Unpack[Evidence]) -> bool:
    """Confirm the lists of a link, as often as it is pressed; True: something changed by it.

    Lists that the person has left since then stay left.
    """
    person = pending.person
    if person is None or pending.is_expired:
        return False
    form = pending.form
    evidence |= {"statement": form.statement, "detail": form.name, "mail": pending.mail}
    with transaction.atomic():
        confirmed = [
            one for one in pending.lists if lifecycle.confirm(person, mailing_list=one, **evidence)
        ]
        if confirmed:
            _fill_in(person, pending.told)
    return bool(confirmed)


def is_subscribed(pending: Pending) -> bool:
    """Say whether the person is on one of the link's lists."""
    return (
        pending.person is not None
        and Subscription.objects.filter(
            subscriber=pending.person,
            list__in=[one.pk for one in pending.lists],
            status=SubscriptionStatus.SUBSCRIBED,
        ).exists()
    )


def is_waiting(pending: Pending) -> bool:
    """Say whether there is something left to confirm."""
    return pending.person is not None and bool(_unconfirmed(pending.person, pending.lists))


def _must_stay_out(workspace: Workspace, address: Address) -> bool:
    digest = addresses.address_hash(address.key, secret=bytes(workspace.address_key))
    reason = suppression.reason_of(workspace.pk, address_hash=digest)
    if reason == SuppressionReason.UNSUBSCRIBED:
        return not Subscriber.objects.filter(workspace=workspace, email_key=address.key).exists()
    return reason is not None


def _add(workspace: Workspace, sign_up: SignUp) -> tuple[Subscriber, bool]:
    """Add a person; values of unique fields that somebody else has are left out.

    Saying so on the page would tell a stranger what is known about others.
    """
    profile = Profile(
        first_name=sign_up.first_name,
        last_name=sign_up.last_name,
        language=sign_up.language,
        fields=sign_up.fields,
    )
    try:
        with transaction.atomic():
            return people.add(workspace, address=sign_up.address, profile=profile)
    except IntegrityError:
        fields = _without_unique(workspace.pk, sign_up.fields)
        return people.add(
            workspace, address=sign_up.address, profile=replace(profile, fields=fields)
        )


def _without_unique(workspace_id: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    unique = CustomField.objects.filter(workspace_id=workspace_id, is_unique=True)
    keys = set(unique.values_list("key", flat=True))
    return {key: value for key, value in fields.items() if key not in keys}


def _wanted(form: SignupForm, sign_up: SignUp) -> list[MailingList]:
    """Return the form's lists that the visitor chose, all where there was no choice."""
    lists = form.lists.filter(archived_at=None).order_by("pk")
    if form.lets_choose and sign_up.lists:
        lists = lists.filter(pk__in=sign_up.lists)
    return list(lists)


def _unconfirmed(
    person: Subscriber, lists: tuple[MailingList, ...] | list[MailingList]
) -> list[int]:
    return list(
        Subscription.objects.filter(
            subscriber=person,
            list__in=[one.pk for one in lists],
            status=SubscriptionStatus.UNCONFIRMED,
        )
        .order_by("list_id")
        .values_list("list_id", flat=True)
    )


def _told(sign_up: SignUp) -> dict[str, Any]:
    told = {
        "first_name": sign_up.first_name,
        "last_name": sign_up.last_name,
        "fields": dict(sign_up.fields),
    }
    return {name: value for name, value in told.items() if value}


def _token(form: SignupForm, person: Subscriber, lists: list[int], told: Mapping[str, Any]) -> str:
    data: dict[str, Any] = {"f": form.pk, "s": person.pk, "k": _mark(person), "l": lists}
    if told:
        longer = signing.dumps({**data, "d": told}, salt=CONFIRM_SALT, compress=True)
        if len(longer) <= LONGEST_TOKEN:
            return longer
    return signing.dumps(data, salt=CONFIRM_SALT, compress=True)


def _mark(person: Subscriber) -> str:
    """Tie a link to the address it was mailed to."""
    return bytes(person.address_hash).hex()


def _is_expired(token: str) -> bool:
    try:
        signing.loads(token, salt=CONFIRM_SALT, max_age=CONFIRM_DAYS * 86_400)
    except signing.SignatureExpired:
        return True
    return False


def _fill_in(person: Subscriber, told: Mapping[str, Any]) -> None:
    """Take over what the person told, where nothing was known."""
    with transaction.atomic():
        people.hold(person)
        given: dict[str, Any] = told.get("fields", {})
        fields = {key: value for key, value in given.items() if key not in person.fields}
        names = {name: getattr(person, name) or told.get(name, "") for name in people.NAMES}
        try:
            with transaction.atomic():
                people.change(person, fields=fields, **names)
        except IntegrityError:
            people.hold(person)
            people.change(person, fields=_without_unique(person.workspace_id, fields), **names)
