"""The demo's tags, segments and suppressions: small, and each with people in it."""

from datetime import datetime
from typing import Any, Final

from django.db import connection

from accounts.models import Workspace
from subscribers.consent import suppression
from subscribers.models import MailingList, Segment, Tag
from subscribers.segments import saving
from subscribers.states import SuppressionReason

# Which people carry a tag: a condition on ``person``, in our own words.
TAGS: Final = {
    "regular": "(person.fields ->> 'orders')::numeric >= 6",
    "tasting-2026": "person.fields ->> 'city' = 'Bandung' AND person.id %% 7 = 0",
    "wholesale": "person.id %% 97 = 0",
}
TAG: Final = """
INSERT INTO subscribers_tagging (tag_id, subscriber_id, created_at)
SELECT %(tag)s, person.id, person.created_at FROM subscribers_subscriber person
WHERE person.workspace_id = %(workspace)s AND {condition} ORDER BY person.id
"""
SUPPRESSED: Final = (
    ("unknown.reader@gmail.example", SuppressionReason.BOUNCED, "550 5.1.1 no such user"),
    ("please.stop@yahoo.example", SuppressionReason.COMPLAINED, ""),
    ("press@rival.example", SuppressionReason.MANUAL, "Asked us by phone"),
)


def make(workspace: Workspace, lists: dict[str, MailingList], *, now: datetime) -> None:
    """Make them for a workspace whose people, lists and finished campaigns are there."""
    tags = _tag(workspace, now)
    for name, description, rules in _segments(lists, tags):
        segment = Segment.objects.create(
            workspace=workspace,
            name=name,
            description=description,
            rules={"version": 1, "match": "all", "rules": rules},
        )
        saving.recount(segment)
    for email, reason, detail in SUPPRESSED:
        suppression.suppress(workspace, email=email, reason=reason, detail=detail)


def _tag(workspace: Workspace, now: datetime) -> dict[str, Tag]:
    tags = {
        name: Tag.objects.create(workspace=workspace, name=name, created_at=now) for name in TAGS
    }
    with connection.cursor() as cursor:
        for name, condition in TAGS.items():
            cursor.execute(
                TAG.format(condition=condition),
                {"tag": tags[name].pk, "workspace": workspace.pk},
            )
    return tags


def _segments(
    lists: dict[str, MailingList], tags: dict[str, Tag]
) -> list[tuple[str, str, list[dict[str, Any]]]]:
    weekly = lists["Kopi Senja Weekly"].pk
    return [
        (
            "Loyal readers on Java",
            "Who reads us often, in three cities",
            [
                {"subject": "activity", "operator": "opened_of_last", "least": 1, "of_last": 5},
                {
                    "subject": "field:city",
                    "operator": "one_of",
                    "texts": ["Bandung", "Jakarta", "Bogor"],
                },
                {
                    "match": "any",
                    "rules": [
                        {"subject": "list", "operator": "subscribed", "lists": [weekly]},
                        {"subject": "tag", "operator": "any", "tags": [tags["regular"].pk]},
                    ],
                },
            ],
        ),
        (
            "Wholesale customers",
            "Cafés and shops that buy by the sack",
            [{"subject": "tag", "operator": "any", "tags": [tags["wholesale"].pk]}],
        ),
    ]
