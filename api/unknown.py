"""Messages of which nobody knows whether they arrived, for programs: which, and the decision."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Router, Schema
from ninja.errors import HttpError

from accounts.background import waking
from accounts.roles import Permission
from api.access import workspace_of
from api.campaigns import CampaignStatusOut, find, status
from campaigns.states import CampaignStatus
from delivery import tasks
from delivery.models import Message
from delivery.pipeline import settle
from reports.campaign import recipients

router = Router(tags=["campaigns"])
PAGE = 1000


class UnknownOut(Schema):
    """A message that may have arrived. ``undecided``: nobody has decided about it yet."""

    id: int
    subscriber: int
    email: str | None
    reason: str
    undecided: bool
    attempted_at: datetime | None


class DecisionIn(Schema):
    """Which of them: ids of messages, or nothing for all that are undecided.

    ``expected``: how many "all" were when it was decided (``undecided`` of the campaign); 409 when
    there are more or fewer by now.
    """

    messages: list[int] | None = Field(None, max_length=10_000)
    expected: int | None = Field(None, ge=0)


class SettledOut(CampaignStatusOut):
    """The campaign afterwards, and how many messages were settled."""

    settled: int


@router.get("/{campaign_id}/unknown", response=list[UnknownOut], summary="Which are unknown")
def list_unknown(request: HttpRequest, campaign_id: int, after: int = 0) -> list[dict[str, object]]:
    """List up to a thousand unknown messages by subscriber; ``after``: the last subscriber.

    It gives people's addresses, so the key's role must be one that may download people's data.
    """
    campaign = find(workspace_of(request, Permission.EXPORT), campaign_id)
    found = list(
        recipients.matching(campaign, state="unknown")
        .filter(subscriber_id__gt=after)
        .order_by("subscriber_id")[:PAGE]
    )
    recipients.attach_people(found)
    return [_out(message) for message in found]


def _out(message: Message) -> dict[str, object]:
    person = message.person  # type: ignore[attr-defined]  # `attach_people` sets it
    return {
        "id": message.pk,
        "subscriber": message.subscriber_id,
        "email": person.email if person else None,
        "reason": str(message.get_reason_display()),
        "undecided": message.reason in settle.UNDECIDED,
        "attempted_at": message.attempted_at,
    }


@router.post(
    "/{campaign_id}/unknown/{decision}", response=SettledOut, summary="Decide about unknown ones"
)
def settle_unknown(
    request: HttpRequest, campaign_id: int, decision: str, which: DecisionIn
) -> dict[str, object]:
    """Send unknown messages once more (``send-again``), or leave them as they are (``leave``).

    Whoever did get the first one has it twice after ``send-again``. What is settled already stays
    as it is and is not counted. 409: a cancelled campaign sends nothing.
    """
    campaign = find(workspace_of(request, Permission.SEND), campaign_id)
    if decision == "leave":
        settled = settle.leave(campaign, messages=which.messages)
    elif decision == "send-again":
        if campaign.status == CampaignStatus.CANCELLED:
            raise HttpError(409, "A cancelled campaign sends nothing any more.")
        expected = which.expected if which.messages is None else None
        try:
            settled = settle.send_again(campaign, messages=which.messages, expected=expected)
        except settle.CountChangedError as error:
            raise HttpError(409, str(error)) from error
        waking.wake(tasks.keep_sending)
    else:
        raise HttpError(404, "The decisions are send-again and leave.")
    return {**status(campaign), "settled": settled}
