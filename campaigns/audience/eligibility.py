"""The one rule of who may be written to, in pieces of SQL: whoever asks it is built from them.

`verdicts` asks it of an audience at once, for planning, the editor and the checks. `of_person` asks
it of one person after the other: a claim looks again just before a mail leaves, and a sample walks
along a list. Parameters: ``workspace``, ``campaign``, ``include`` and ``exclude`` (ids of lists)
and ``now``.
"""

from collections.abc import Mapping
from typing import Final

from campaigns import ledger
from campaigns.states import LeftOut
from subscribers.consent import suppression
from subscribers.states import SubscriptionStatus

# How a person stands with the included lists: the best of their subscriptions, as a number.
ON, LEFT, ASKED = 0, 1, 2
STANDS_ALONE: Final = f"""CASE subscription.status
    WHEN '{SubscriptionStatus.SUBSCRIBED.value}' THEN {ON}
    WHEN '{SubscriptionStatus.UNSUBSCRIBED.value}' THEN {LEFT} ELSE {ASKED} END"""
STANDING: Final = f"min({STANDS_ALONE})"
EXCLUDED: Final = """
    SELECT subscription.subscriber_id FROM subscribers_subscription AS subscription
    WHERE subscription.list_id = ANY(%(exclude)s)"""
SUPPRESSED: Final = f"""
    SELECT person.id AS subscriber_id
    FROM subscribers_suppression AS suppression
    JOIN subscribers_subscriber AS person ON {suppression.of("person")}
    WHERE suppression.workspace_id = %(workspace)s AND person.workspace_id = %(workspace)s"""  # noqa: S608 - our own words
PAUSED: Final = "person.paused_until > %(now)s"


def wants_fewer(*, earlier_than: str = "") -> str:
    """Return an SQL condition on the row ``person``: it is too early for another letter.

    It holds for who wants fewer letters and had one lately, or has one on its way. ``earlier_than``
    is an SQL expression for a message id: of two letters on their way at once, the one planned
    first goes.
    """
    return ledger.wants_fewer(earlier_than)


def first_of(
    holds: Mapping[LeftOut, str],
    *,
    names: Mapping[LeftOut, str],
    nothing: str,
    standing: str,
    gone: str = "",
) -> str:
    """Return an SQL expression: the first reason that holds, in the order of `LeftOut`.

    ``holds``: SQL conditions; those about ``standing``, an SQL expression for how a person stands,
    are added here. ``names``: what each reason is called in SQL, ``nothing`` that none holds, and
    ``gone`` that they are on no included list any more, where that may happen.
    """
    conditions = {
        **holds,
        LeftOut.UNSUBSCRIBED: f"{standing} = {LEFT}",
        LeftOut.UNCONFIRMED: f"{standing} = {ASKED}",
    }
    whens = {
        reason: f"WHEN {conditions[reason]} THEN {names[reason]}"
        for reason in LeftOut
        if reason in conditions
    }
    if gone:
        whens[LeftOut.UNSUBSCRIBED] = (
            f"WHEN {standing} IS NULL THEN {gone} {whens[LeftOut.UNSUBSCRIBED]}"
        )
    return f"CASE {' '.join(whens.values())} ELSE {nothing} END"


# To be joined by whoever asks `of_person`: the row ``here`` says how ``person`` stands.
STANDS: Final = f"""LEFT JOIN LATERAL (
    SELECT {STANDING} AS standing FROM subscribers_subscription AS subscription
    WHERE subscription.subscriber_id = person.id AND subscription.list_id = ANY(%(include)s)
) AS here ON true"""  # noqa: S608 - our own words


def of_person(
    *,
    names: Mapping[LeftOut, str],
    nothing: str,
    gone: str,
    excludes: bool = True,
    earlier_than: str = "",
) -> str:
    """Return an SQL expression on the rows ``person`` and ``here`` (`STANDS`), as `first_of`.

    Segments are not asked: they decide at planning. ``excludes``: some list is excluded.
    """
    holds = {
        LeftOut.SUPPRESSED: suppression.holds("person"),
        LeftOut.PAUSED: PAUSED,
        LeftOut.FREQUENCY: wants_fewer(earlier_than=earlier_than),
    }
    if excludes:
        holds[LeftOut.EXCLUDED] = f"EXISTS ({EXCLUDED} AND subscription.subscriber_id = person.id)"
    return first_of(holds, names=names, nothing=nothing, standing="here.standing", gone=gone)
