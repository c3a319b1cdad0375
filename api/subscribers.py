"""Lists and subscribers for programs."""

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema
from ninja.errors import HttpError
from pydantic import field_validator

from accounts.models import ApiKey, Workspace
from accounts.roles import Permission
from api.access import workspace_of
from subscribers import addresses, lifecycle, people, suppression
from subscribers.consent import LONGEST_DETAIL, Evidence
from subscribers.models import MailingList, Subscriber, Subscription
from subscribers.problems import Problem
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

    @field_validator("language")
    @classmethod
    def _is_ours(cls, language: str) -> str:
        known = [code for code, _name in settings.LANGUAGES]
        if language and language not in known:
            text = f"Use one of {', '.join(known)}, or leave it out."
            raise ValueError(text)
        return language


class SubscriptionOut(Schema):
    """A person's place on one list."""

    list: int
    status: str


class SubscriberOut(Schema):
    """A person with their lists."""

    id: int
    email: str
    first_name: str
    last_name: str
    suppressed: bool
    subscriptions: list[SubscriptionOut]


def _out(subscriber: Subscriber) -> dict[str, object]:
    subscriptions = Subscription.objects.filter(subscriber=subscriber).order_by("list_id")
    return {
        "id": subscriber.pk,
        "email": subscriber.email,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "suppressed": suppression.is_suppressed(subscriber.workspace, email=subscriber.email),
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


@router.get("/subscribers/{email}", response=SubscriberOut, summary="One person")
def show_subscriber(request: HttpRequest, email: str) -> dict[str, object]:
    """Show the person with this address."""
    return _out(_find(workspace_of(request, Permission.VIEW), email))


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
    with transaction.atomic():
        subscriber, _new = people.add(
            workspace,
            address=address,
            profile=people.Profile(
                first_name=person.first_name,
                last_name=person.last_name,
                language=person.language,
            ),
        )
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
