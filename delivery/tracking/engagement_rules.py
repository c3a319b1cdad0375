"""What rules of segments can ask about our mail: sent, opened, clicked; by people only.

"The last five campaigns" are the five newest that were sent to the end before the moment of asking
(the scope's): for a campaign that is being planned, its start. So it never counts itself, nor does
a chunk planned later ask about other campaigns than the first. What lies in the summary
(`Engagement`) is asked there; a campaign older than a person's fifty newest opens, and what was
sent, in the ledger.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Campaign, Link
from campaigns.states import CampaignStatus
from delivery.models import Dispatch, Engagement, Event, Message
from delivery.states import AgentClass, EventKind, MessageState
from delivery.tracking.engagement import NEWEST
from subscribers.models import Subscriber
from subscribers.segments.comparing import DAYS, EVERYBODY
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
OFFERED = 200  # campaigns and links to choose from, the newest; what a rule names stays
RETRIED_FOR = timedelta(days=3)  # a mail goes out at most so long after its campaign's end
NOBODY = ~EVERYBODY


def subjects(scope: Scope) -> Iterable[Subject]:
    """Return the subject "Activity"."""
    activity = _Activity(scope)
    yield Subject(
        key="activity",
        label=gettext_lazy("Activity"),
        group=gettext_lazy("Activity"),
        operators=tuple(activity.operators()),
        facts=activity.facts,
        note=gettext_lazy("by a human"),
    )


class _Held(Func):
    """How many of some numbers an array holds."""

    template = "cardinality(ARRAY(SELECT unnest(%(expressions)s)))"
    arg_joiner = ") INTERSECT SELECT unnest("
    output_field = IntegerField()


class _Activity:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.workspace = scope.workspace

    @cached_property
    def newest(self) -> list[int]:
        """The numbers of the newest dispatches, newest first."""
        rows = Dispatch.objects.filter(workspace=self.workspace).order_by("-pk")
        return list(rows.values_list("pk", flat=True)[:NEWEST])

    @cached_property
    def finished(self) -> list[int]:
        """The numbers of the newest dispatches whose campaigns were sent to the end, newest first.

        One that is still being sent, or was cancelled, is no campaign that somebody did not open.
        """
        rows = Dispatch.objects.filter(
            workspace=self.workspace,
            campaign__status=CampaignStatus.SENT,
            campaign__finished_at__lt=self.scope.now,
        ).order_by("-campaign__finished_at", "-pk")
        return list(rows.values_list("pk", flat=True)[:NEWEST])

    @cached_property
    def campaigns(self) -> list[Campaign]:
        rows = Campaign.objects.filter(workspace=self.workspace, dispatch__isnull=False)
        return list(rows.only("name").order_by("-dispatch__pk")[: OFFERED * 10])

    @cached_property
    def links(self) -> list[Option]:
        names = {campaign.pk: campaign.name for campaign in self.campaigns[:OFFERED]}
        rows = Link.objects.filter(campaign_id__in=names).order_by("-campaign_id", "ordinal")
        return [_link_option(link, names[link.campaign_id]) for link in rows[: OFFERED * 10]]

    def find_campaign(self, key: int) -> Option | None:
        """Find a campaign that went out, however long ago."""
        rows = Campaign.objects.filter(workspace=self.workspace, dispatch__isnull=False, pk=key)
        return next((Option(value=row.pk, label=row.name) for row in rows.only("name")), None)

    def find_link(self, key: int) -> Option | None:
        """Find a link of a campaign that went out, however long ago."""
        sent = Link.objects.filter(
            campaign__workspace=self.workspace, campaign__dispatch__isnull=False, pk=key
        )
        link = sent.select_related("campaign").first()
        return _link_option(link, link.campaign.name) if link else None

    def operators(self) -> Iterable[Operator]:
        least = Input(
            name="least",
            kind=InputKind.WHOLE,
            label=gettext_lazy("How many"),
            least=1,
            most=NEWEST,
            default=2,
        )
        of_last = Input(
            name="of_last",
            kind=InputKind.WHOLE,
            label=gettext_lazy("Of how many"),
            least=1,
            most=NEWEST,
            default=5,
        )
        counted = {
            "opened": (
                gettext_lazy("opened at least {least} of the last {of_last} campaigns"),
                gettext_lazy("opened fewer than {least} of the last {of_last} campaigns"),
            ),
            "clicked": (
                gettext_lazy("clicked in at least {least} of the last {of_last} campaigns"),
                gettext_lazy("clicked in fewer than {least} of the last {of_last} campaigns"),
            ),
        }
        for kind, (at_least, fewer) in counted.items():
            test = self._of_last(kind)
            yield operator(f"{kind}_of_last", at_least, test, least, of_last)
            yield operator(f"{kind}_fewer", fewer, _not(test), least, of_last)
        yield from self._of_campaign()
        yield from self._by_time()

    def _of_campaign(self) -> Iterable[Operator]:
        campaign = Input(
            name="campaign",
            kind=InputKind.CHOICE,
            label=gettext_lazy("Campaign"),
            options=lambda: [Option(value=row.pk, label=row.name) for row in self.campaigns],
            find=self.find_campaign,
        )
        link = Input(
            name="link",
            kind=InputKind.CHOICE,
            label=gettext_lazy("Link"),
            options=lambda: self.links,
            find=self.find_link,
        )
        opened, clicked = self._did("opened"), self._did("clicked")
        yield operator("opened", gettext_lazy("opened {campaign}"), opened, campaign)
        yield operator(
            "not_opened", gettext_lazy("did not open {campaign}"), _not(opened), campaign
        )
        yield operator("clicked", gettext_lazy("clicked in {campaign}"), clicked, campaign)
        yield operator(
            "not_clicked", gettext_lazy("did not click in {campaign}"), _not(clicked), campaign
        )
        yield operator("clicked_link", gettext_lazy("clicked {link}"), _clicked_link, link)
        yield operator(
            "not_clicked_link", gettext_lazy("did not click {link}"), _not(_clicked_link), link
        )
        yield operator("sent", gettext_lazy("was sent {campaign}"), _was_sent, campaign)
        yield operator(
            "not_sent", gettext_lazy("was not sent {campaign}"), _not(_was_sent), campaign
        )

    def _by_time(self) -> Iterable[Operator]:
        words = {
            "opened": (
                gettext_lazy("opened something within the last {days} days"),
                gettext_lazy("opened last more than {days} days ago"),
                gettext_lazy("never opened anything"),
            ),
            "clicked": (
                gettext_lazy("clicked something within the last {days} days"),
                gettext_lazy("clicked last more than {days} days ago"),
                gettext_lazy("never clicked anything"),
            ),
        }
        for kind, (within, over, never) in words.items():
            yield operator(f"{kind}_in_last", within, self._last(kind, "gte"), DAYS)
            yield operator(f"{kind}_over_ago", over, self._last(kind, "lt"), DAYS)
            yield operator(f"never_{kind}", never, _never(kind))
        within = gettext_lazy("was sent something within the last {days} days")
        yield operator("sent_in_last", within, self._sent_since, DAYS)
        not_within = gettext_lazy("was sent nothing within the last {days} days")
        yield operator("not_sent_in_last", not_within, _not(self._sent_since), DAYS)

    def _of_last(self, kind: str) -> Callable[[Values], Q]:
        def test(values: Values) -> Q:
            least, of_last = values["least"], values["of_last"]
            considered = self.finished[:of_last]
            if least > len(considered):
                return NOBODY
            oldest = min(considered)
            rows = Engagement.objects.filter(
                subscriber=PERSON, **{f"{kind}__{least - 1}__gte": oldest}
            )
            later = Dispatch.objects.filter(workspace=self.workspace, pk__gte=oldest)
            if later.exclude(pk__in=considered).exists():  # else, those are these
                rows = rows.alias(held=_Held(F(kind), Value(considered))).filter(held__gte=least)
            return Q(Exists(rows))

        return test

    def _last(self, kind: str, comparison: str) -> Callable[[Values], Q]:
        return lambda values: _acted(
            **{f"last_{kind}_at__{comparison}": self.scope.days_ago(values["days"])}
        )

    def _did(self, kind: str) -> Callable[[Values], Q]:
        """Ask whether somebody opened (clicked in) one campaign.

        The array holds it if it is among the newest fifty that they opened. If fifty newer ones
        are there, the ledger knows.
        """

        def test(values: Values) -> Q:
            campaign = values["campaign"]
            number = Dispatch.objects.filter(campaign_id=campaign).values_list("pk", flat=True)[0]
            found = _acted(**{f"{kind}__contains": [number]})
            if len(self.newest) < NEWEST or number >= self.newest[-1]:
                return found
            ledger = Message.objects.filter(
                campaign_id=campaign, subscriber_id=PERSON, **{f"{kind}_at__isnull": False}
            )
            return found | (_acted(**{f"{kind}__{NEWEST - 1}__gt": number}) & Q(Exists(ledger)))

        return test

    def _sent_since(self, values: Values) -> Q:
        since = self.scope.days_ago(values["days"])
        recent = Campaign.objects.filter(workspace=self.workspace, dispatch__isnull=False).filter(
            Q(finished_at=None) | Q(finished_at__gte=since - RETRIED_FOR)
        )
        ids = list(recent.values_list("pk", flat=True))
        if not ids:
            return NOBODY
        sent = Message.objects.filter(
            campaign_id__in=ids,
            subscriber_id=PERSON,
            state=MessageState.SENT,
            attempted_at__gte=since,
            attempted_at__lte=self.scope.now,
        )
        return Q(Exists(sent))

    def facts(self, values: Values, people: Sequence[Subscriber]) -> Mapping[int, str]:
        """Say how many of the last campaigns each opened or clicked in."""
        of_last = values.get("of_last", 5)
        considered = self.finished[:of_last]
        if not considered:
            return {}
        rows = {row.subscriber_id: row for row in Engagement.objects.filter(subscriber__in=people)}
        told = {}
        for person in people:
            row = rows.get(person.pk)
            opened = len(set(row.opened) & set(considered)) if row else 0
            text = _("opened %(part)s of %(whole)s")
            told[person.pk] = text % {"part": opened, "whole": len(considered)}
        return told


def _link_option(link: Link, campaign: str) -> Option:
    return Option(value=link.pk, label=f"{campaign}: {link.url[:80]}")


def _not(test: Callable[[Values], Q]) -> Callable[[Values], Q]:
    return lambda values: ~test(values)


def _acted(**conditions: Any) -> Q:
    return Q(Exists(Engagement.objects.filter(subscriber=PERSON, **conditions)))


def _never(kind: str) -> Callable[[Values], Q]:
    return lambda _values: ~_acted(**{f"last_{kind}_at__isnull": False})


def _clicked_link(values: Values) -> Q:
    link = Link.objects.get(pk=values["link"])
    clicks = Event.objects.filter(
        campaign_id=link.campaign_id,
        kind=EventKind.CLICKED,
        agent=AgentClass.HUMAN,
        link_ordinal=link.ordinal,
        subscriber_id=PERSON,
    )
    return Q(Exists(clicks))


def _was_sent(values: Values) -> Q:
    """Ask whether somebody was sent a campaign.

    Of a finished campaign every message without a reason was sent (`states.REASONS`), which two
    indexes can tell without reading the messages.
    """
    messages = Message.objects.filter(campaign_id=values["campaign"], subscriber_id=PERSON)
    is_over = Campaign.objects.filter(pk=values["campaign"], finished_at__isnull=False).exists()
    if not is_over:
        return Q(Exists(messages.filter(state=MessageState.SENT)))
    return Q(Exists(messages)) & ~Q(Exists(messages.filter(reason__gt=0)))
