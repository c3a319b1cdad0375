"""What rules of segments can ask about what came back: bounced, reported as spam, received."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy

from campaigns.models import Campaign
from delivery.bounce_policy import effects
from delivery.models import Event, Message
from delivery.states import Effect, EventKind, MessageState
from subscribers.segments.comparing import DAYS
from subscribers.segments.kinds import (
    Input,
    InputKind,
    Operator,
    Option,
    Scope,
    Subject,
    Values,
    operator,
)

PERSON = OuterRef("pk")
OFFERED = 2_000  # campaigns to choose from, the newest; what a rule names stays


def subjects(scope: Scope) -> Iterable[Subject]:
    """Return the subject "Bounces and complaints"."""
    yield Subject(
        key="bounces",
        label=gettext_lazy("Bounces and complaints"),
        group=gettext_lazy("Activity"),
        operators=tuple(_Rules(scope).operators()),
    )


class _Rules:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    @cached_property
    def ids(self) -> list[int]:
        """The campaigns that went out: by them, and the kind of event, an index finds events."""
        rows = Campaign.objects.filter(workspace=self.scope.workspace, dispatch__isnull=False)
        return list(rows.values_list("pk", flat=True))

    def campaigns(self) -> list[Option]:
        rows = Campaign.objects.filter(workspace=self.scope.workspace, dispatch__isnull=False)
        newest = rows.only("name").order_by("-dispatch__pk")[:OFFERED]
        return [Option(value=row.pk, label=row.name) for row in newest]

    def find_campaign(self, key: int) -> Option | None:
        """Find a campaign that went out, however long ago."""
        rows = Campaign.objects.filter(
            workspace=self.scope.workspace, dispatch__isnull=False, pk=key
        )
        return next((Option(value=row.pk, label=row.name) for row in rows.only("name")), None)

    def operators(self) -> Iterable[Operator]:
        kinds: dict[str, tuple[object, object, Sequence[Effect] | None]] = {
            "bounced": (
                gettext_lazy("ever bounced"),
                gettext_lazy("bounced within the last {days} days"),
                None,
            ),
            "bounced_hard": (
                gettext_lazy("ever bounced because the address does not exist"),
                gettext_lazy(
                    "bounced within the last {days} days because the address does not exist"
                ),
                sorted(effects.HARD),
            ),
            "bounced_soft": (
                gettext_lazy("ever bounced for a full or troubled mailbox"),
                gettext_lazy("bounced within the last {days} days for a full or troubled mailbox"),
                sorted(effects.COUNTED),
            ),
        }
        for key, (ever, within, found) in kinds.items():
            yield operator(key, ever, self._told(EventKind.BOUNCED, found))
            yield operator(f"{key}_in_last", within, self._lately(EventKind.BOUNCED, found), DAYS)
        bounced = self._told(EventKind.BOUNCED)
        yield operator("never_bounced", gettext_lazy("never bounced"), _not(bounced))
        complained = self._told(EventKind.COMPLAINED)
        yield operator("complained", gettext_lazy("reported an email as spam"), complained)
        yield operator(
            "never_complained", gettext_lazy("never reported an email as spam"), _not(complained)
        )
        campaign = Input(
            name="campaign",
            kind=InputKind.CHOICE,
            label=gettext_lazy("Campaign"),
            options=self.campaigns,
            find=self.find_campaign,
        )
        yield operator("received", gettext_lazy("received {campaign}"), _received, campaign)
        yield operator(
            "not_received", gettext_lazy("did not receive {campaign}"), _not(_received), campaign
        )

    def _told(
        self, kind: EventKind, found: Sequence[Effect] | None = None
    ) -> Callable[[Values], Q]:
        return lambda _values: self._events(kind, found)

    def _lately(self, kind: EventKind, found: Sequence[Effect] | None) -> Callable[[Values], Q]:
        return lambda values: self._events(kind, found, since=self.scope.days_ago(values["days"]))

    def _events(
        self, kind: EventKind, found: Sequence[Effect] | None, *, since: datetime | None = None
    ) -> Q:
        rows = Event.objects.filter(
            campaign_id__in=self.ids, kind=kind, subscriber_id=PERSON, at__lte=self.scope.now
        )
        if found is not None:
            rows = rows.filter(effect__in=[effect.value for effect in found])
        if since is not None:
            rows = rows.filter(at__gte=since)
        return Q(Exists(rows))


def _not(test: Callable[[Values], Q]) -> Callable[[Values], Q]:
    return lambda values: ~test(values)


def _received(values: Values) -> Q:
    """Ask who was sent a campaign that did not come back."""
    messages = Message.objects.filter(
        campaign_id=values["campaign"],
        subscriber_id=PERSON,
        state=MessageState.SENT,
        bounced_at=None,
    )
    return Q(Exists(messages))
