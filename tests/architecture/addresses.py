"""Every address of the product, flattened, and rows to fill its parameters with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import ApiKey, Invitation, Membership, Workspace
from accounts.roles import Role
from campaigns.models import Campaign, Picture, PictureFolder, Template
from delivery.accounts import dkim_keys
from delivery.models import (
    BounceException,
    BounceMailbox,
    ProviderAlarm,
    ProviderEvent,
    ReturnedMail,
    SandboxMessage,
    SendingAccount,
)
from subscribers.models import (
    BulkAction,
    ConsentStatement,
    CustomField,
    DuplicateGroup,
    Import,
    MailingList,
    Segment,
    SignupForm,
    Subscriber,
    Suppression,
    Tag,
    ToolMigration,
)
from subscribers.states import MigrationSource, SuppressionReason


@dataclass(frozen=True, kw_only=True)
class Address:
    """One route with its view."""

    name: str
    route: str
    parameters: tuple[str, ...]
    view: Any


def every_address() -> list[Address]:
    """Return the addresses of the product, without Django's admin (which guards itself)."""
    return [address for address in _walk(get_resolver(), "") if not _is_admin(address)]


def _is_admin(address: Address) -> bool:
    return address.route.startswith("admin/")


def _walk(resolver: URLResolver, prefix: str) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLPattern):
            parameters = (*resolver.pattern.converters, *entry.pattern.converters)
            yield Address(
                name=entry.name or "", route=route, parameters=parameters, view=entry.callback
            )
        else:
            yield from _walk(entry, route)


def _list(workspace: Workspace) -> int:
    return MailingList.objects.create(workspace=workspace, name="Walked").pk


def _statement(workspace: Workspace) -> ConsentStatement:
    return ConsentStatement.objects.create(workspace=workspace, text="I want the news.")


def _subscriber(workspace: Workspace) -> int:
    return Subscriber.objects.create(
        workspace=workspace, email="a@b.example", email_key="a@b.example", address_hash=b"w" * 16
    ).pk


def _suppression(workspace: Workspace) -> int:
    reason = next(iter(SuppressionReason))
    return Suppression.objects.create(workspace=workspace, address_hash=b"s" * 16, reason=reason).pk


def _invitation(workspace: Workspace) -> int:
    from django.utils import timezone

    return Invitation.objects.create(
        workspace=workspace,
        email="n@b.example",
        role=Role.EDITOR,
        token_hash="0" * 64,
        expires_at=timezone.now(),
    ).pk


def _provider_event(workspace: Workspace) -> int:
    account = SendingAccount.objects.create(workspace=workspace, name="Reports")
    return ProviderEvent.objects.create(
        workspace=workspace, account=account, key=b"e" * 16, payload="{}"
    ).pk


def _picture(workspace: Workspace) -> int:
    file = {"file": "walked.png", "thumbnail": "walked-t.png", "came_as": "PNG"}
    sizes = dict.fromkeys(("width", "height", "size", "came_width", "came_height", "came_size"), 1)
    return Picture.objects.create(workspace=workspace, name="Walked", **file, **sizes).pk


# How to make the row that a parameter names; a new parameter must be added here.
ROWS: dict[str, Callable[[Workspace], int]] = {
    "campaign_id": lambda w: Campaign.objects.create(workspace=w, name="Walked").pk,
    "template_id": lambda w: Template.objects.create(workspace=w, name="W", source="<mjml/>").pk,
    "list_id": _list,
    "picture_id": _picture,
    "folder_id": lambda w: PictureFolder.objects.create(workspace=w, name="Walked").pk,
    "subscriber_id": _subscriber,
    "segment_id": lambda w: Segment.objects.create(workspace=w, name="Walked").pk,
    "import_id": lambda w: Import.objects.create(workspace=w, filename="f.csv", path="x").pk,
    "migration_id": lambda w: (
        ToolMigration.objects.create(workspace=w, source=MigrationSource.MAUTIC).pk
    ),
    "field_id": lambda w: CustomField.objects.create(workspace=w, key="walked", label="W").pk,
    "form_id": lambda w: (
        SignupForm.objects.create(workspace=w, name="W", title="W", statement=_statement(w)).pk
    ),
    "suppression_id": _suppression,
    "signing_key_id": lambda w: (
        dkim_keys.generate(w, domain="walked.example", algorithm="ed25519").pk
    ),
    "tag_id": lambda w: Tag.objects.create(workspace=w, name="Walked").pk,
    "action_id": lambda w: BulkAction.objects.create(workspace=w, kind="suppress").pk,
    "group_id": lambda w: (
        DuplicateGroup.objects.create(workspace=w, kind="address", shared="a", people=[1, 2]).pk
    ),
    "exception_id": lambda w: BounceException.objects.create(workspace=w, value="w.example").pk,
    "alarm_id": lambda w: (
        ProviderAlarm.objects.create(workspace=w, domain_group=1, refused=9, of=9).pk
    ),
    "account_id": lambda w: (
        SendingAccount.objects.create(
            workspace=w, name="Walked", kind="anymail", provider="sendgrid"
        ).pk
    ),
    "provider_event_id": _provider_event,
    "message_id": lambda w: SandboxMessage.objects.create(workspace=w, size=0, raw=b"").pk,
    "mailbox_id": lambda w: BounceMailbox.objects.create(workspace=w, name="Walked").pk,
    "returned_id": lambda w: (
        ReturnedMail.objects.create(workspace=w, digest=b"w" * 16, size=0, raw=b"").pk
    ),
    "membership_id": lambda w: Membership.objects.filter(workspace=w).earliest("pk").pk,
    "invitation_id": _invitation,
    "key_id": lambda w: (
        ApiKey.objects.create(
            workspace=w, name="W", role=Role.EDITOR, key_hash="0" * 64, hint="w"
        ).pk
    ),
}
