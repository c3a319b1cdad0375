"""Lists and subscribers for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema
from ninja.errors import HttpError
from pydantic import field_validator

from accounts.models import ApiKey, Workspace
from accounts.roles import Permission
from api.access import workspace_of
from subscribers.addresses import addresses
from subscribers.addresses.addresses import Address
from subscribers.consent import lifecycle, suppression
from subscribers.consent.ledger import LONGEST_DETAIL, Evidence
from subscribers.fields import custom_values, definitions
from subscribers.fields.problems import Problem
from subscribers.models import CustomField, MailingList, Subscriber, Subscription, Tag
from subscribers.people import people, tags
from subscribers.states import ConsentSource

LONGEST_EMAIL = 320  # letters, as a member may type

router = Router(tags=["subscribers"])


class ListOut(Schema):
    """A list."""

    id: int
    name: str
    visibility: str
    opt_in: str


class SubscriberIn(Schema):
    """A person to add to a list. ``confirmed``: they agreed elsewhere, and you can prove it."""

    email: str = Field(max_length=LONGEST_EMAIL)
    first_name: str = Field("", max_length=people.LONGEST_NAME)
    last_name: str = Field("", max_length=people.LONGEST_NAME)
    language: str = ""
    confirmed: bool = False
    fields: dict[str, str | int | float | bool | list[str] | None] = Field(
        default_factory=dict, max_length=200
    )
    tags: list[str] = Field(default_factory=list, max_length=50)

    @field_validator("language")
    @classmethod
    def _is_ours(cls, language: str) -> str:
        known = [code for code, _name in settings.LANGUAGES]
        if language and language not in known:
            text = f"Use one of {', '.join(known)}, or leave it out."
            raise ValueError(text)
        return language


class ChangesIn(Schema):
    """What to change about a person; what is left out stays. ``fields``: null empties one."""

    first_name: str | None = Field(None, max_length=people.LONGEST_NAME)
    last_name: str | None = Field(None, max_length=people.LONGEST_NAME)
    fields: dict[str, str | int | float | bool | list[str] | None] = Field(
        default_factory=dict, max_length=200
    )
    add_tags: list[str] = Field(default_factory=list, max_length=50)
    remove_tags: list[str] = Field(default_factory=list, max_length=50)


class FieldOut(Schema):
    """A custom field."""

    key: str
    label: str
    type: str
    choices: list[str]
    description: str
    is_required: bool
    is_unique: bool


class TagOut(Schema):
    """A tag, and how many people have it."""

    id: int
    name: str
    people: int


class SubscriptionOut(Schema):
    """A person's place on one list."""

    list: int
    status: str


class SubscriberOut(Schema):
    """A person with their lists. ``suppressed_for``: why nothing is sent to them, in one word."""

    id: int
    email: str
    first_name: str
    last_name: str
    suppressed: bool
    suppressed_for: str | None
    fields: dict[str, Any]
    tags: list[str]
    subscriptions: list[SubscriptionOut]


def _out(subscriber: Subscriber) -> dict[str, object]:
    subscriptions = Subscription.objects.filter(subscriber=subscriber).order_by("list_id")
    return {
        "id": subscriber.pk,
        "email": subscriber.email,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "suppressed": suppression.is_suppressed(subscriber.workspace, email=subscriber.email),
        "suppressed_for": suppression.reason_of(
            subscriber.workspace_id, address_hash=bytes(subscriber.address_hash)
        ),
        "fields": subscriber.fields,
        "tags": list(
            Tag.objects.filter(taggings__subscriber=subscriber).values_list("name", flat=True)
        ),
        "subscriptions": [{"list": s.list_id, "status": s.status} for s in subscriptions],
    }


def _find(workspace: Workspace, email: str) -> Subscriber:
    try:
        found = people.find(workspace, email=email)
    except Problem as problem:
        raise HttpError(422, f"email: {problem.message}. {problem.way_out}.") from problem
    if found is None:
        raise HttpError(404, "Nobody here has this address.")
    return found


@router.get("/lists", response=list[ListOut], summary="All lists")
def show_lists(request: HttpRequest) -> object:
    """List the workspace's lists."""
    workspace = workspace_of(request, Permission.VIEW)
    return MailingList.objects.filter(workspace=workspace, archived_at=None)


@router.get("/fields", response=list[FieldOut], summary="All custom fields")
def show_fields(request: HttpRequest) -> object:
    """List the workspace's custom fields."""
    return CustomField.objects.filter(workspace=workspace_of(request, Permission.VIEW))


@router.get("/tags", response=list[TagOut], summary="All tags")
def show_tags(request: HttpRequest) -> list[dict[str, object]]:
    """List the workspace's tags with how many people have each."""
    rows = tags.counted(workspace_of(request, Permission.VIEW))
    return [{"id": row.tag.pk, "name": row.tag.name, "people": row.people} for row in rows]


@router.get("/subscribers/{email}", response=SubscriberOut, summary="One person")
def show_subscriber(request: HttpRequest, email: str) -> dict[str, object]:
    """Show the person with this address."""
    return _out(_find(workspace_of(request, Permission.VIEW), email))


@router.patch("/subscribers/{email}", response=SubscriberOut, summary="Change a person")
def change_subscriber(request: HttpRequest, email: str, changes: ChangesIn) -> dict[str, object]:
    """Change the name, fields and tags of the person with this address."""
    workspace = workspace_of(request, Permission.EDIT)
    subscriber = _find(workspace, email)
    names = {"first_name": changes.first_name, "last_name": changes.last_name}
    values = {name: value for name, value in names.items() if value is not None}
    with transaction.atomic():
        typed = _typed(workspace, changes.fields)
        _change(workspace, subscriber, {**values, "fields": typed}, asked=set(typed))
        _tag(workspace, subscriber, changes.add_tags)
        gone = [found.pk for name in changes.remove_tags if (found := tags.find(workspace, name))]
        tags.detach(workspace, people=[subscriber.pk], tags=gone)
    return _out(subscriber)


@router.put("/lists/{list_id}/subscribers", response=SubscriberOut, summary="Add to a list")
def add_subscriber(request: HttpRequest, list_id: int, person: SubscriberIn) -> dict[str, object]:
    """Add a person to a list, or do nothing if they are on it.

    An unsubscription is never undone here: only the person may come back, and who has unsubscribed
    from everything is put on no list (``suppressed`` is true, the list is not among theirs). On a
    double opt-in list the person stays unconfirmed unless ``confirmed`` is true.
    """
    workspace = workspace_of(request, Permission.EDIT)
    lists = MailingList.objects.filter(workspace=workspace, archived_at=None)
    mailing_list = get_object_or_404(lists, pk=list_id)
    try:
        address = addresses.normalise(person.email)
    except Problem as problem:
        raise HttpError(422, f"email: {problem.message}. {problem.way_out}.") from problem
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # set by KeyAuth
    evidence = Evidence(source=ConsentSource.API, detail=f"API key {key.name}"[:LONGEST_DETAIL])
    typed = {key: v for key, v in _typed(workspace, person.fields).items() if v is not None}
    with transaction.atomic():
        subscriber, new = _add(workspace, address, person, typed)
        if not new and typed:
            _change(workspace, subscriber, {"fields": typed}, asked=set(typed))
        _tag(workspace, subscriber, person.tags)
        on_it = Subscription.objects.filter(subscriber=subscriber, list=mailing_list).exists()
        double = mailing_list.opt_in == MailingList.OptIn.DOUBLE
        if not on_it and double and not person.confirmed:
            lifecycle.ask(subscriber, mailing_list=mailing_list, **evidence)
        elif not on_it or person.confirmed:
            lifecycle.subscribe(subscriber, mailing_list=mailing_list, **evidence)
    return _out(subscriber)


@router.post("/lists/{list_id}/unsubscribe", response=SubscriberOut, summary="Take off a list")
def unsubscribe(request: HttpRequest, list_id: int, email: str) -> dict[str, object]:
    """Unsubscribe the person with this address from a list."""
    workspace = workspace_of(request, Permission.EDIT)
    mailing_list = get_object_or_404(MailingList.objects.filter(workspace=workspace), pk=list_id)
    subscriber = _find(workspace, email)
    lifecycle.unsubscribe(subscriber, lists=[mailing_list.pk], source=ConsentSource.API)
    return _out(subscriber)


def _typed(workspace: Workspace, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read values by their fields' types; null stays null.

    Raises:
        HttpError: 422, there is no such field, or a value is not of its type; names the field.
    """
    known = {field.key: field for field in CustomField.objects.filter(workspace=workspace)}
    typed: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise HttpError(422, f"fields.{key}: there is no such field.")
        try:
            typed[key] = custom_values.parse(known[key], definitions.as_text(value))
        except Problem as problem:
            sentence = f"fields.{key}: {problem.message}. {problem.way_out}."
            raise HttpError(422, sentence) from problem
    return typed


def _add(
    workspace: Workspace, address: Address, person: SubscriberIn, typed: Mapping[str, Any]
) -> tuple[Subscriber, bool]:
    known = Subscriber.objects.filter(workspace=workspace, email_key=address.key).exists()
    if not known:
        if suppression.is_erased(workspace, email=address.email):
            raise HttpError(
                409,
                "email: this address was erased on the person's request. If they want to be "
                "here again, a member takes it off the suppression list first.",
            )
        _refuse(workspace, typed, asked=CustomField.objects.filter(workspace=workspace))
    profile = people.Profile(
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.language,
        fields=typed,
    )
    try:
        with transaction.atomic():
            return people.add(workspace, address=address, profile=profile)
    except IntegrityError as error:
        raise _conflict(error) from error


def _change(
    workspace: Workspace, subscriber: Subscriber, values: dict[str, Any], *, asked: set[str]
) -> None:
    rows = CustomField.objects.filter(workspace=workspace, key__in=asked)
    _refuse(workspace, values["fields"], asked=rows, person=subscriber)
    try:
        with transaction.atomic():
            people.change(subscriber, **values)
    except IntegrityError as error:
        raise _conflict(error) from error


def _refuse(
    workspace: Workspace,
    values: Mapping[str, Any],
    *,
    asked: Iterable[CustomField],
    person: Subscriber | None = None,
) -> None:
    said = custom_values.objections(workspace, values, asked=asked, person=person)
    if said:
        raise HttpError(422, " ".join(f"fields.{key}: {text}" for key, text in said.items()))


def _conflict(error: IntegrityError) -> Exception:
    if custom_values.is_taken(error):
        return HttpError(409, "fields: somebody else has a value that may be there only once.")
    return error


def _tag(workspace: Workspace, subscriber: Subscriber, names: list[str]) -> None:
    try:
        wanted = [tag.pk for tag in tags.find_or_create(workspace, names)]
    except tags.TagError as error:
        raise HttpError(422, f"tags: {error}") from error
    tags.attach(workspace, people=[subscriber.pk], tags=wanted)
