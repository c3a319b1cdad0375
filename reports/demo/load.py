"""Makes the demo workspace in a few seconds: people by COPY, the rest by set-based statements."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.workspaces import workspaces
from campaigns.models import Campaign, Content, Template
from campaigns.states import CampaignStatus, ContentKind
from delivery.models import SendingAccount
from delivery.states import TransportKind
from delivery.tracking import engagement
from reports import rollups
from reports.demo import groups, history
from reports.demo.people import ROASTS, DemoPerson, invent
from reports.demo.writing import COLD_DRIP, FINISHED, HARVEST, DemoCampaign
from subscribers.addresses import addresses
from subscribers.consent import ledger
from subscribers.models import ConsentStatement, CustomField, MailingList, SignupForm
from subscribers.states import DomainGroup, FieldType

SLUG = "kopi-senja"
SUBSCRIBERS = 12_481
STATEMENT = (
    "Yes, Kopi Senja may write to me about its coffee. I can leave at any time with one click."
)
LOOKALIKES = {
    "gmail.example": DomainGroup.GMAIL,
    "yahoo.example": DomainGroup.YAHOO,
    "outlook.example": DomainGroup.OUTLOOK,
    "icloud.example": DomainGroup.APPLE,
}


@transaction.atomic
def load(*, owner: User, subscribers: int = SUBSCRIBERS) -> Workspace:
    """Make the demo workspace with this many people and return it.

    Raises:
        ValueError: a workspace with the demo's slug exists already.
    """
    if workspaces.is_taken(SLUG):
        raise ValueError("The demo workspace is already there.")
    now = timezone.now()
    workspace = workspaces.create(
        "Kopi Senja",
        owner=owner,
        slug=SLUG,
        postal_address="Jl. Braga 12, Bandung 40111, Indonesia",
        website="https://kopisenja.example/",
        brand_colour="#a8561b",
        default_language="en",
        time_zone="Asia/Jakarta",
        is_demo=True,
    )
    lists = _make_lists(workspace, now)
    _make_fields(workspace)
    statement = ConsentStatement.objects.create(workspace=workspace, text=STATEMENT)
    copy_people(workspace, invent(subscribers, now=now))
    _subscribe(workspace, lists, statement)
    _make_form(workspace, lists, statement)
    # The oldest first: dispatches are numbered in the order in which they went out.
    for letter in sorted(FINISHED, key=lambda letter: letter.days_ago or 0, reverse=True):
        campaign = _write(workspace, letter, lists, status=CampaignStatus.SENT)
        history.invent_send(campaign, letter, now=now)
    _write(workspace, HARVEST, lists, status=CampaignStatus.DRAFT)
    tomorrow = (now + timedelta(days=1)).replace(hour=1, minute=0, second=0, microsecond=0)
    _write(workspace, COLD_DRIP, lists, status=CampaignStatus.SCHEDULED, send_at=tomorrow)
    rollups.rebuild(workspace, days=366)
    engagement.rebuild()
    groups.make(workspace, lists, now=now)
    return workspace


def _make_lists(workspace: Workspace, now: datetime) -> dict[str, MailingList]:
    double, single = MailingList.OptIn.DOUBLE, MailingList.OptIn.SINGLE
    public, private = MailingList.Visibility.PUBLIC, MailingList.Visibility.PRIVATE
    rows = (
        ("Kopi Senja Weekly", "One letter a week: origins, recipes, people.", public, double, "en"),
        ("Kabar Kopi", "Kabar dari kebun dan kedai, dua kali sebulan.", public, double, "id"),
        ("Workshops", "Cuppings and brewing classes in Bandung.", public, double, "en"),
        ("Shop customers", "People who bought in the shop.", private, single, "id"),
    )
    return {
        name: MailingList.objects.create(
            workspace=workspace,
            name=name,
            description=description,
            visibility=visibility,
            opt_in=opt_in,
            language=language,
            created_at=now - timedelta(days=731),
        )
        for name, description, visibility, opt_in, language in rows
    }


def _make_fields(workspace: Workspace) -> None:
    rows: tuple[tuple[str, str, str, list[str]], ...] = (
        ("city", "City", FieldType.TEXT, []),
        ("favourite_roast", "Favourite roast", FieldType.CHOICE, list(ROASTS)),
        ("orders", "Orders", FieldType.NUMBER, []),
        ("birthday", "Birthday", FieldType.DATE, []),
    )
    CustomField.objects.bulk_create(
        CustomField(
            workspace=workspace, key=key, label=label, type=type_, choices=choices, position=number
        )
        for number, (key, label, type_, choices) in enumerate(rows)
    )


def copy_people(workspace: Workspace, people: Iterable[DemoPerson]) -> None:
    """Write people by COPY (tens of thousands a second)."""
    key = bytes(workspace.address_key)
    columns = (
        "workspace_id, email, email_key, address_hash, domain_group, first_name, last_name, "
        "language, time_zone, fields, created_at, updated_at"
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY subscribers_subscriber ({columns}) FROM STDIN") as copy,
    ):
        for person in people:
            email_key = person.email.lower()
            domain = email_key.rpartition("@")[2]
            copy.write_row(
                (
                    workspace.pk,
                    person.email,
                    email_key,
                    addresses.address_hash(email_key, secret=key),
                    int(LOOKALIKES.get(domain, DomainGroup.OTHER)),
                    person.first_name,
                    person.last_name,
                    person.language,
                    "",
                    json.dumps(person.fields),
                    person.created_at,
                    person.created_at,
                )
            )


# hashtext spreads people over statuses the same way on every machine; the salt keeps lists apart.
SUBSCRIBE = """
INSERT INTO subscribers_subscription
    (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
SELECT s.workspace_id, %(list)s, s.id,
    CASE WHEN p.point < %(unconfirmed)s THEN 'unconfirmed'
         WHEN p.point < %(unconfirmed)s + %(left)s THEN 'unsubscribed'
         ELSE 'subscribed' END,
    least(now(), s.created_at + CASE WHEN p.point < %(unconfirmed)s THEN interval '0'
                                     ELSE p.point * interval '40 days' END),
    s.created_at
FROM subscribers_subscriber s
CROSS JOIN LATERAL (
    SELECT abs(hashtext(s.id::text || %(salt)s) %% 100000) / 100000.0 AS point,
           abs(hashtext(s.id::text || %(salt)s || 'member') %% 100000) / 100000.0 AS member
) p
WHERE s.workspace_id = %(workspace)s AND p.member < %(share)s
  AND (%(language)s = '' OR s.language = %(language)s)
ORDER BY s.id
"""
CONSENT = ledger.inserting(
    """(
    SELECT workspace_id, subscriber_id, list_id, 'asked' AS kind, created_at AS at
    FROM subscribers_subscription WHERE workspace_id = %(workspace)s
    UNION ALL
    SELECT workspace_id, subscriber_id, list_id, 'confirmed',
           created_at + (1 + subscriber_id %% 50) * interval '1 minute'
    FROM subscribers_subscription
    WHERE workspace_id = %(workspace)s AND status <> 'unconfirmed'
    UNION ALL
    SELECT workspace_id, subscriber_id, list_id, 'unsubscribed', changed_at
    FROM subscribers_subscription
    WHERE workspace_id = %(workspace)s AND status = 'unsubscribed'
) events
ORDER BY at
""",
    kind="kind",
    source="'demo'",
    at="at",
    statement="%(statement)s::bigint",
    actor="NULL::bigint",
    detail="''",
)


def _subscribe(
    workspace: Workspace, lists: dict[str, MailingList], statement: ConsentStatement
) -> None:
    # (share of people, of them unconfirmed, of them gone again, only this language)
    plan = {
        "Kopi Senja Weekly": (0.97, 0.004, 0.006, ""),
        "Kabar Kopi": (0.60, 0.006, 0.012, "id"),
        "Workshops": (0.14, 0.012, 0.02, ""),
        "Shop customers": (0.35, 0.0, 0.01, "id"),
    }
    with connection.cursor() as cursor:
        for name, (share, unconfirmed, left, language) in plan.items():
            cursor.execute(
                SUBSCRIBE,
                {
                    "workspace": workspace.pk,
                    "list": lists[name].pk,
                    "salt": name,
                    "share": share,
                    "unconfirmed": unconfirmed,
                    "left": left,
                    "language": language,
                },
            )
        cursor.execute(CONSENT, {"workspace": workspace.pk, "statement": statement.pk})
        cursor.execute("ANALYZE subscribers_subscriber, subscribers_subscription")


def _make_form(
    workspace: Workspace, lists: dict[str, MailingList], statement: ConsentStatement
) -> None:
    form = SignupForm.objects.create(
        workspace=workspace,
        name="Website footer",
        title="Coffee news, once a week",
        introduction="Origins, recipes and the people behind them. No tricks, one click to leave.",
        statement=statement,
    )
    form.lists.set([lists["Kopi Senja Weekly"], lists["Workshops"]])
    form.fields.set(CustomField.objects.filter(workspace=workspace, key="city"))


def _write(
    workspace: Workspace,
    letter: DemoCampaign,
    lists: dict[str, MailingList],
    *,
    status: CampaignStatus,
    send_at: datetime | None = None,
) -> Campaign:
    campaign = Campaign.objects.create(
        workspace=workspace,
        name=letter.name,
        status=status,
        from_name="Kopi Senja",
        # Its people are invented: mail to them must never reach a real server.
        sending_account=SendingAccount.objects.filter(
            workspace=workspace, kind=TransportKind.SANDBOX
        ).first(),
        from_email="kabar@kopisenja.example",
        send_at=send_at,
    )
    campaign.include_lists.set([lists[name] for name in letter.lists])
    campaign.content = Content.objects.create(
        campaign=campaign,
        kind=ContentKind.MARKDOWN,
        subject=letter.subject,
        preheader=letter.preheader,
        source=letter.source,
        template=Template.objects.filter(workspace=workspace, is_default=True).first(),
    )
    campaign.save(update_fields=["content"])
    return campaign
