"""Everything we know about one person, for themselves (GDPR Art. 15 and 20)."""

from typing import Any

from campaigns.models import Content
from campaigns.rendering import isolation
from campaigns.rendering.errors import ContentError
from campaigns.rendering.stored import tags_of
from campaigns.rendering.values import values_for
from delivery.bounce_policy import effects
from delivery.models import (
    BounceException,
    Engagement,
    Event,
    HeldBack,
    Message,
    PersonDevice,
    SoftBounces,
    UnsubscribeReason,
)
from delivery.public import tracking_consent
from delivery.states import Device
from subscribers.consent import suppression
from subscribers.models import (
    BulkChange,
    ConsentEvent,
    CustomField,
    ImportChange,
    MergedPerson,
    Segment,
    SignupRequest,
    Subscriber,
    Subscription,
    Tagging,
)
from subscribers.people.merging import keys_of
from subscribers.segments.members import fitted

MOST_MESSAGES = 1_000
MOST_EVENTS = 5_000


def collect(person: Subscriber) -> dict[str, Any]:
    """Return a person's data as plain values; times are aware datetimes.

    Holds at most the newest thousand letters and five thousand events.
    """
    labels = dict(
        CustomField.objects.filter(workspace_id=person.workspace_id).values_list("key", "label")
    )
    suppressions = _suppressions(person)
    return {
        "profile": {
            "email": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "language": person.language,
            "time_zone": person.time_zone,
            "since": person.created_at,
            "changed": person.updated_at,
            "how_often": str(person.get_frequency_display()),
            "paused_until": person.paused_until,
            "mailbox_provider": str(person.get_domain_group_display()),
        },
        "fields": {labels.get(key, key): value for key, value in person.fields.items()},
        "tags": _tags(person),
        "segments": _segments(person),
        "lists": _lists(person),
        "suppressed_since": next((one["since"] for one in suppressions), None),
        "suppressions": suppressions,
        "consent": _consent(person),
        "imports": _imports(person),
        "letters": _letters(person),
        "events": _events(person),
        "activity": _activity(person),
        "bounces": _bounces(person),
        "devices": _devices(person),
        "tracking_consent": tracking_consent.told(person),
        "words_when_leaving": _words(person),
        "waiting_sign_ups": _waiting(person),
        "actions": _actions(person),
        "former_addresses": [
            {"email": row.email, "since": row.merged_at}
            for row in MergedPerson.objects.filter(into=person).order_by("merged_at")
        ],
    }


def _activity(person: Subscriber) -> dict[str, Any] | None:
    """Return the summary that segments ask; the numbers are those of dispatches."""
    row = Engagement.objects.filter(subscriber=person).first()
    if row is None:
        return None
    return {
        "last_opened": row.last_opened_at,
        "last_clicked": row.last_clicked_at,
        "opened_of_newest": len(row.opened),
        "clicked_of_newest": len(row.clicked),
    }


def _devices(person: Subscriber) -> dict[str, Any] | None:
    row = PersonDevice.objects.filter(subscriber=person).first()
    if row is None:
        return None
    kinds = [str(device.label) for device in Device if device and row.devices & 1 << device]
    return {"devices": kinds, "country": row.country or None}


def _words(person: Subscriber) -> list[dict[str, Any]]:
    rows = UnsubscribeReason.objects.filter(message__subscriber_id__in=keys_of(person))
    return [
        {"when": row.at, "answer": str(row.get_answer_display()), "words": row.words}
        for row in rows.order_by("-at")
    ]


def _waiting(person: Subscriber) -> list[dict[str, Any]]:
    """Return sign-ups with the person's address that nobody decided on yet."""
    rows = SignupRequest.objects.filter(
        workspace_id=person.workspace_id, email__iexact=person.email_key
    ).select_related("form", "statement")
    return [
        {
            "when": row.created_at,
            "form": row.form.name,
            "given": row.details,
            "wording": row.statement.text,
            "ip": row.ip,
            "browser": row.user_agent,
        }
        for row in rows.order_by("-pk")
    ]


def _actions(person: Subscriber) -> list[dict[str, Any]]:
    """Return what members did with the person among many."""
    rows = BulkChange.objects.filter(subscriber=person).select_related("action")
    return [
        {
            "when": row.at,
            "what": str(row.action.get_kind_display()),
            "name": row.action.settings.get("name") or row.action.settings.get("label") or "",
            "detail": row.action.settings.get("detail", ""),
            "before": row.previous,
        }
        for row in rows.order_by("-id")[:MOST_MESSAGES]
    ]


def _lists(person: Subscriber) -> list[dict[str, Any]]:
    rows = Subscription.objects.filter(subscriber=person).select_related("list").order_by("id")
    return [
        {
            "list": row.list.name,
            "status": row.status,
            "status_name": str(row.get_status_display()),
            "changed": row.changed_at,
        }
        for row in rows
    ]


def _tags(person: Subscriber) -> list[dict[str, Any]]:
    rows = Tagging.objects.filter(subscriber=person).select_related("tag").order_by("tag__name")
    return [{"tag": row.tag.name, "since": row.created_at} for row in rows]


def _segments(person: Subscriber) -> list[str]:
    """Name the segments the person fits now."""
    segments = Segment.objects.filter(workspace_id=person.workspace_id).order_by("name")
    return [one.name for one in fitted(person, segments)]


def _imports(person: Subscriber) -> list[dict[str, Any]]:
    rows = ImportChange.objects.filter(subscriber=person).select_related("from_import")
    return [
        {
            "when": row.from_import.started_at or row.from_import.created_at,
            "file": row.from_import.filename,
            "before": row.previous,
        }
        for row in rows.order_by("-id")[:MOST_MESSAGES]
    ]


def _suppressions(person: Subscriber) -> list[dict[str, Any]]:
    rows = suppression.about(person.workspace_id, address_hash=bytes(person.address_hash))
    return [
        {
            "reason": row.reason,
            "reason_name": str(row.get_reason_display()),
            "detail": row.detail,
            "since": row.created_at,
        }
        for row in rows
    ]


def _consent(person: Subscriber) -> list[dict[str, Any]]:
    rows = (
        ConsentEvent.objects.filter(subscriber=person)
        .select_related("list", "statement")
        .order_by("-id")
    )
    return [
        {
            "when": row.at,
            "what": str(row.get_kind_display()),
            "how": str(row.get_source_display()),
            "detail": row.detail,
            "list": row.list.name if row.list else None,
            "wording": row.statement.text if row.statement else None,
            "ip": row.ip,
            "browser": row.user_agent,
            "mail_id": row.mail or None,
        }
        for row in rows
    ]


def _letters(person: Subscriber) -> list[dict[str, Any]]:
    rows = list(
        Message.objects.filter(subscriber_id__in=keys_of(person)).order_by("-id")[:MOST_MESSAGES]
    )
    versions = (
        Content.objects.filter(campaign_id__in={row.campaign_id for row in rows})
        .select_related("campaign__workspace")
        .defer("source", "text")
        .order_by("version")
    )
    sent = {(content.campaign_id, content.version): content for content in versions}
    newest = {content.campaign_id: content for content in sent.values()}
    return [
        {
            "subject": _subject(
                sent.get((row.campaign_id, row.content_version or 0))
                or newest.get(row.campaign_id),
                person,
            ),
            "state": str(row.get_state_display()),
            "when": row.attempted_at or row.created_at,
            "opened": row.opened_at,
            "clicked": row.clicked_at,
            "unsubscribed": row.unsubscribed_at,
            "delivered": row.delivered_at,
            "bounced": row.bounced_at,
            "reported_as_spam": row.complained_at,
        }
        for row in rows
    ]


def _bounces(person: Subscriber) -> dict[str, Any] | None:
    """Return what is counted of emails that came back, and what waits for a decision."""
    row = SoftBounces.objects.filter(subscriber=person).first()
    held = HeldBack.objects.filter(subscriber=person, alarm__closed_at=None).first()
    exceptions = BounceException.objects.filter(
        workspace_id=person.workspace_id, value=person.email_key
    )
    if row is None and held is None and not exceptions:
        return None
    return {
        "in_a_row": row.count if row else 0,
        "first": row.first_at if row else None,
        "last": row.last_at if row else None,
        "counted_anew_since": row.cleared_at if row else None,
        "suppression_held_back_since": held.at if held else None,
        "never_suppressed_because": [one.note for one in exceptions],
    }


def _subject(content: Content | None, person: Subscriber) -> str:
    """Return a subject as the person saw it, or as it was written if it no longer fits them."""
    if content is None:
        return ""
    try:
        with isolation.on_behalf_of(person.workspace_id):
            known = values_for(person, tags_of(content))
            return isolation.render_line(content.subject, known)
    except ContentError:
        return content.subject


def _events(person: Subscriber) -> list[dict[str, Any]]:
    rows = (
        Event.objects.filter(subscriber_id__in=keys_of(person))
        .select_related("user_agent", "reply")
        .order_by("-id")[:MOST_EVENTS]
    )
    return [
        {
            "when": row.at,
            "what": str(row.get_kind_display()),
            "by": str(row.get_source_display() if row.source else row.get_agent_display()),
            "why": effects.words(row.cause, row.effect),
            "server_said": str(row.reply) if row.reply_id and row.reply else None,
            "ip": row.ip,
            "browser": row.user_agent.text if row.user_agent else None,
        }
        for row in rows
    ]
