"""Rules about where a person belongs: lists, tags, consent, suppression, other segments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscribers.consent import suppression
from subscribers.models import (
    ConsentEvent,
    MailingList,
    Segment,
    Subscriber,
    Subscription,
    Tag,
    Tagging,
)
from subscribers.segments import comparing, compiling, tree
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
from subscribers.states import ConsentKind, ConsentSource, SubscriptionStatus

BELONGING = gettext_lazy("Belonging")
DEEPEST = 5  # segments in segments
AGREED = (ConsentKind.SUBSCRIBED, ConsentKind.CONFIRMED, ConsentKind.RESUBSCRIBED)
PERSON = OuterRef("pk")


def subjects(scope: Scope) -> Iterable[Subject]:
    """Return the subjects of this module."""
    yield _list(scope)
    yield _tag(scope)
    yield _consent(scope)
    yield _suppression(scope)
    yield _segment(scope)


def _once(find: Callable[[], list[Option]]) -> Callable[[], list[Option]]:
    """Ask the database once, however many rules offer the same."""
    found: list[list[Option]] = []

    def options() -> list[Option]:
        if not found:
            found.append(find())
        return found[0]

    return options


def _list(scope: Scope) -> Subject:
    offered = _once(
        lambda: [
            Option(value=row.pk, label=row.name)
            for row in MailingList.objects.filter(workspace=scope.workspace)
        ]
    )
    asked = Input(
        name="lists", kind=InputKind.CHOICES, label=gettext_lazy("Lists"), options=offered
    )

    def on(values: Values, *statuses: str) -> Q:
        rows = Subscription.objects.filter(subscriber=PERSON, list_id__in=values["lists"])
        return Q(Exists(rows.filter(status__in=statuses) if statuses else rows))

    s = SubscriptionStatus
    rows = (
        ("subscribed", gettext_lazy("is subscribed to {lists}"), lambda v: on(v, s.SUBSCRIBED)),
        (
            "not_subscribed",
            gettext_lazy("is not subscribed to {lists}"),
            lambda v: ~on(v, s.SUBSCRIBED),
        ),
        ("unconfirmed", gettext_lazy("has not confirmed {lists}"), lambda v: on(v, s.UNCONFIRMED)),
        (
            "unsubscribed",
            gettext_lazy("has unsubscribed from {lists}"),
            lambda v: on(v, s.UNSUBSCRIBED),
        ),
        ("ever", gettext_lazy("is or was on {lists}"), on),
        ("never", gettext_lazy("was never on {lists}"), lambda v: ~on(v)),
    )
    return Subject(
        key="list",
        label=gettext_lazy("List"),
        group=BELONGING,
        operators=tuple(operator(key, sentence, test, asked) for key, sentence, test in rows),
    )


def _tag(scope: Scope) -> Subject:
    offered = _once(
        lambda: [
            Option(value=row.pk, label=row.name)
            for row in Tag.objects.filter(workspace=scope.workspace)
        ]
    )
    asked = Input(name="tags", kind=InputKind.CHOICES, label=gettext_lazy("Tags"), options=offered)

    def any_of(tags: Sequence[int]) -> Q:
        return Q(Exists(Tagging.objects.filter(subscriber=PERSON, tag_id__in=tags)))

    def all_of(values: Values) -> Q:
        found = Q()
        for tag in values["tags"]:
            found &= any_of([tag])
        return found

    def facts(_values: Values, people: Sequence[Subscriber]) -> Mapping[int, str]:
        found: dict[int, list[str]] = {}
        rows = Tagging.objects.filter(subscriber__in=people).select_related("tag")
        for row in rows.order_by("tag__name"):
            found.setdefault(row.subscriber_id, []).append(row.tag.name)
        return {pk: ", ".join(names[:3]) for pk, names in found.items()}

    return Subject(
        key="tag",
        label=gettext_lazy("Tag"),
        group=BELONGING,
        facts=facts,
        operators=(
            operator("any", gettext_lazy("is any of {tags}"), lambda v: any_of(v["tags"]), asked),
            operator("all", gettext_lazy("is all of {tags}"), all_of, asked),
            operator(
                "none", gettext_lazy("is none of {tags}"), lambda v: ~any_of(v["tags"]), asked
            ),
        ),
    )


def _consent(scope: Scope) -> Subject:
    sources = Input(
        name="sources",
        kind=InputKind.CHOICES,
        label=gettext_lazy("How"),
        options=lambda: [
            Option(value=value, label=str(label)) for value, label in ConsentSource.choices
        ],
    )

    def events(*kinds: str, **more: Any) -> Q:
        rows = ConsentEvent.objects.filter(subscriber=PERSON, kind__in=kinds, **more)
        return Q(Exists(rows))

    def during(*kinds: str) -> comparing.Range:
        return lambda first, last: Q(
            Exists(
                ConsentEvent.objects.filter(
                    comparing.between_days("at", scope, first, last),
                    subscriber=PERSON,
                    kind__in=kinds,
                )
            )
        )

    def agreed_by(values: Values) -> Q:
        return events(*AGREED, source__in=values["sources"])

    def moments(prefix: str, words: Mapping[str, Any], kinds: Sequence[str]) -> Iterable[Operator]:
        for each in comparing.range_operators(scope, during(*kinds)):
            if each.key in words:
                yield operator(f"{prefix}_{each.key}", words[each.key], each.compile, *each.inputs)

    agreed = {
        "in_last": gettext_lazy("was given within the last {days} days"),
        "after": gettext_lazy("was given after {day}"),
        "before": gettext_lazy("was given before {day}"),
    }
    confirmed = {
        "in_last": gettext_lazy("was confirmed by email within the last {days} days"),
        "after": gettext_lazy("was confirmed by email after {day}"),
        "before": gettext_lazy("was confirmed by email before {day}"),
    }
    left = {"in_last": gettext_lazy("was taken back within the last {days} days")}
    return Subject(
        key="consent",
        label=gettext_lazy("Consent"),
        group=BELONGING,
        operators=(
            operator("how", gettext_lazy("was given by {sources}"), agreed_by, sources),
            operator(
                "not_how",
                gettext_lazy("was not given by {sources}"),
                lambda v: ~agreed_by(v),
                sources,
            ),
            *moments("given", agreed, AGREED),
            operator(
                "confirmed",
                gettext_lazy("was confirmed by email"),
                lambda _v: events(ConsentKind.CONFIRMED),
            ),
            operator(
                "unconfirmed",
                gettext_lazy("was never confirmed by email"),
                lambda _v: ~events(ConsentKind.CONFIRMED),
            ),
            *moments("confirmed", confirmed, (ConsentKind.CONFIRMED,)),
            *moments("taken_back", left, (ConsentKind.UNSUBSCRIBED,)),
        ),
    )


def _suppression(scope: Scope) -> Subject:
    rows = suppression.about(scope.workspace.pk, address_hash=OuterRef("address_hash"))
    return Subject(
        key="suppression",
        label=gettext_lazy("Suppression list"),
        group=BELONGING,
        operators=(
            operator("on", gettext_lazy("has their address"), lambda _v: Q(Exists(rows))),
            operator("off", gettext_lazy("does not have it"), lambda _v: ~Q(Exists(rows))),
        ),
    )


def _segment(scope: Scope) -> Subject:
    offered = _once(
        lambda: [
            Option(value=row.pk, label=row.name)
            for row in Segment.objects.filter(workspace=scope.workspace)
            if scope.inside != (row.pk,)  # deeper down, `nested` says why not
        ]
    )
    asked = Input(
        name="segment", kind=InputKind.CHOICE, label=gettext_lazy("Segment"), options=offered
    )

    def inside(values: Values) -> Q:
        return nested(scope, values["segment"])

    return Subject(
        key="segment",
        label=gettext_lazy("Segment"),
        group=BELONGING,
        operators=(
            operator("in", gettext_lazy("is in {segment}"), inside, asked),
            operator("not_in", gettext_lazy("is not in {segment}"), lambda v: ~inside(v), asked),
        ),
    )


def nested(scope: Scope, segment_id: int) -> Q:
    """Return the condition of belonging to another segment.

    Raises:
        tree.InvalidRules: it comes to ask about itself, is too deep, or can't be read any more.
    """
    if segment_id in scope.nested:
        return scope.nested[segment_id]
    segment = Segment.objects.filter(workspace=scope.workspace, pk=segment_id).first()
    if segment is None:
        raise tree.InvalidRules([_fault(_("The other segment is not there any more."))])
    if segment_id in scope.inside:
        text = _("“%(name)s” would come to ask about itself. Choose another segment.")
        raise tree.InvalidRules([_fault(text % {"name": segment.name})])
    if len(scope.inside) >= DEEPEST:
        text = _("Segments can ask about segments at most %(most)s deep.")
        raise tree.InvalidRules([_fault(text % {"most": DEEPEST})])
    inner = Scope(
        workspace=scope.workspace,
        now=scope.now,
        inside=(*scope.inside, segment_id),
        nested=scope.nested,
    )
    try:
        group = tree.read(segment.rules, inner.subjects)
        found = compiling.condition(group) or comparing.EVERYBODY
    except tree.InvalidRules as wrong:
        text = _("“%(name)s” needs fixing first: %(why)s")
        values = {"name": segment.name, "why": wrong.faults[0].message}
        raise tree.InvalidRules([_fault(text % values)]) from wrong
    scope.nested[segment_id] = found
    return found


def _fault(message: str) -> tree.RuleFault:
    return tree.RuleFault(path=(), message=message)
