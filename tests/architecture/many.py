"""Makes any number of rows of each kind that a page lists, all in one workspace."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Invitation, SystemMail, Workspace
from accounts.roles import Role
from accounts.team import api_keys
from campaigns.models import Campaign, Content, Picture, PictureFolder, Template
from campaigns.states import CampaignStatus
from delivery.accounts import dkim_keys
from delivery.models import (
    BounceException,
    Dispatch,
    HeldBack,
    Message,
    MessageTally,
    ProviderAlarm,
    SandboxMessage,
    SendingAccount,
)
from delivery.states import REASONS, MessageState
from subscribers.models import (
    BulkAction,
    ConsentStatement,
    CustomField,
    DuplicateGroup,
    Import,
    MailingList,
    Segment,
    SignupForm,
    SignupRequest,
    Subscriber,
    Subscription,
    Suppression,
    Tag,
    Tagging,
    ToolMigration,
)
from subscribers.states import MigrationSource, SubscriptionStatus, SuppressionReason
from tests import people

STATUSES = ("draft", "scheduled", "sending", "paused", "sent", "cancelled")


def make(workspace: Workspace, number: int) -> None:
    """Make one more of everything; ``number`` tells it from the others."""
    for kind in KINDS:
        kind(workspace, number)


def make_reader(workspace: Workspace, name: str) -> None:
    """Make a list with one person on it."""
    mailing_list = MailingList.objects.create(workspace=workspace, name=name)
    person = Subscriber.objects.create(
        workspace=workspace,
        email=f"{name}@example.org",
        email_key=f"{name}@example.org",
        address_hash=f"{name:>16}".encode(),
    )
    Subscription.objects.create(
        workspace=workspace,
        list=mailing_list,
        subscriber=person,
        status=SubscriptionStatus.SUBSCRIBED,
    )


def _people(workspace: Workspace, number: int) -> None:
    rows = [
        Subscriber.objects.create(
            workspace=workspace,
            email=f"r{number}{mark}@example.org",
            email_key=f"r{number}{mark}@example.org",
            address_hash=f"{mark}{number:015}".encode(),
        )
        for mark in "ab"
    ]
    mailing_list = MailingList.objects.create(workspace=workspace, name=f"List {number}")
    tag = Tag.objects.create(workspace=workspace, name=f"Tag {number}")
    for row in rows:
        Subscription.objects.create(
            workspace=workspace,
            list=mailing_list,
            subscriber=row,
            status=SubscriptionStatus.SUBSCRIBED,
        )
        Tagging.objects.create(tag=tag, subscriber=row)
    DuplicateGroup.objects.create(
        workspace=workspace, kind="address", shared=f"s{number}", people=[row.pk for row in rows]
    )
    Segment.objects.create(workspace=workspace, name=f"Segment {number}", count=number)
    CustomField.objects.create(workspace=workspace, key=f"field-{number}", label=f"F{number}")
    Suppression.objects.create(
        workspace=workspace,
        address_hash=f"s{number:015}".encode(),
        reason=next(iter(SuppressionReason)),
    )


def _forms(workspace: Workspace, number: int) -> None:
    statement = ConsentStatement.objects.create(workspace=workspace, text=f"Yes {number}")
    form = SignupForm.objects.create(
        workspace=workspace, name=f"Form {number}", title="T", statement=statement
    )
    form.lists.set(MailingList.objects.filter(workspace=workspace, name=f"List {number}"))
    SignupRequest.objects.create(
        workspace=workspace,
        form=form,
        email=f"h{number}@example.org",
        held_for=SignupRequest.HeldFor.STRICT,
        statement=statement,
    )


def _work(workspace: Workspace, number: int) -> None:
    owner = workspace.members.earliest("pk")
    Import.objects.create(workspace=workspace, filename=f"{number}.csv", path="x", created_by=owner)
    ToolMigration.objects.create(
        workspace=workspace, source=MigrationSource.MAUTIC, created_by=owner
    )
    BulkAction.objects.create(workspace=workspace, kind="suppress", created_by=owner)


def _team(workspace: Workspace, number: int) -> None:
    member = people.make_member(
        workspace, Role.EDITOR, name=f"M{number}", email=f"m{number}@kopisenja.example"
    )
    api_keys.create(workspace, name=f"Key {number}", role=Role.EDITOR, by=member)
    Invitation.objects.create(
        workspace=workspace,
        email=f"i{number}@example.org",
        role=Role.EDITOR,
        token_hash=f"{number:064}",
        invited_by=member,
        expires_at=timezone.now() + timedelta(days=1),
    )


def _sending(workspace: Workspace, number: int) -> None:
    account = SendingAccount.objects.create(
        workspace=workspace, name=f"Account {number}", kind="smtp", host="127.0.0.1", port=2525
    )
    dkim_keys.generate(workspace, domain=f"d{number}.example", algorithm="ed25519")
    SandboxMessage.objects.create(workspace=workspace, size=0, raw=b"Subject: a\r\n\r\nb")
    BounceException.objects.create(workspace=workspace, value=f"many{number}.example")
    alarm = ProviderAlarm.objects.create(
        workspace=workspace, domain_group=0, domain=f"many{number}.example", refused=9, of=9
    )
    HeldBack.objects.bulk_create(
        HeldBack(alarm=one, subscriber=person, effect=1)
        for one in {ProviderAlarm.objects.earliest("pk"), alarm}
        for person in Subscriber.objects.filter(workspace=workspace).order_by("-pk")[:1]
    )
    template = Template.objects.create(
        workspace=workspace, name=f"Template {number}", source="<mjml/>"
    )
    for status in STATUSES:
        _campaign(workspace, number, status, account=account, template=template)


def _campaign(workspace: Workspace, number: int, status: str, **using: Any) -> None:
    now = timezone.now()
    begun = status in {"sending", "paused", "sent", "cancelled"}
    campaign = Campaign.objects.create(
        workspace=workspace,
        name=f"{status} {number}",
        status=CampaignStatus(status),
        sending_account=using["account"],
        started_at=now if begun else None,
        send_at=now + timedelta(days=1) if status == "scheduled" else None,
        paused_at=now if status == "paused" else None,
        paused_by=workspace.members.earliest("pk") if status == "paused" else None,
        finished_at=now if status == "sent" else None,
    )
    content = Content.objects.create(
        campaign=campaign, source="Halo", subject="S", template=using["template"]
    )
    Campaign.objects.filter(pk=campaign.pk).update(content=content)
    campaign.include_lists.set(MailingList.objects.filter(workspace=workspace)[:2])
    campaign.include_segments.set(Segment.objects.filter(workspace=workspace)[:1])
    if not begun:
        return
    Dispatch.objects.create(
        workspace=workspace, campaign=campaign, account=using["account"], planning_done_at=now
    )
    for state, reason in (
        (MessageState.SENT, 0),
        (MessageState.FAILED, min(REASONS[MessageState.FAILED])),
    ):
        person = Subscriber.objects.filter(workspace=workspace).latest("pk")
        if state == MessageState.SENT:
            Message.objects.create(
                campaign=campaign, subscriber_id=person.pk, state=state, attempted_at=now
            )
        MessageTally.objects.update_or_create(
            campaign=campaign, domain_group=0, state=state, reason=reason, defaults={"count": 1}
        )


def _mails(workspace: Workspace, number: int) -> None:
    SystemMail.objects.create(
        kind=SystemMail.Kind.INVITATION,
        workspace=workspace,
        content=b"",
        state=SystemMail.State.FAILED,
        reason=f"refused {number}",
        finished_at=timezone.now(),
    )


def _media(workspace: Workspace, number: int) -> None:
    sizes = dict.fromkeys(("width", "height", "size", "came_width", "came_height", "came_size"), 1)
    Picture.objects.create(
        workspace=workspace,
        folder=PictureFolder.objects.create(workspace=workspace, name=f"Folder {number}"),
        name=f"Picture {number}",
        file=f"p{number}.png",
        thumbnail=f"p{number}-t.png",
        **sizes,
    )


KINDS: tuple[Callable[[Workspace, int], None], ...] = (
    _people,
    _forms,
    _work,
    _team,
    _sending,
    _mails,
    _media,
)
