"""What surrounds a page: workspaces to switch to, where one can go, whether mail is flowing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Installation, Membership, Workspace
from accounts.roles import Permission, may
from accounts.workspaces import workspaces
from accounts.workspaces.workspace_urls import in_workspace, may_open, needs_workspace
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from config.pages import links
from delivery.health import causes, diagnosis
from delivery.models import SendingAccount
from delivery.restoring import pending
from delivery.states import TransportKind
from subscribers.directory import counts

if TYPE_CHECKING:
    from django.http import HttpRequest

THEME_COOKIE = "warta_theme"
THEMES = frozenset({"light", "dark"})


@dataclass(frozen=True, kw_only=True)
class SidebarLink:
    """One link of the sidebar."""

    label: str
    icon: str
    href: str
    active: bool = False
    badge: int = 0


@dataclass(frozen=True, kw_only=True)
class Health:
    """The dot in the top bar: good or failed, the word beside it, the sentence behind it."""

    state: str
    text: str
    sentence: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    label: str
    icon: str
    name: str
    prefixes: tuple[str, ...] = field(default=())


def _groups(*, sandbox: bool, manage: bool) -> list[list[_Entry]]:
    write = [
        _Entry(label=_("Home"), icon="home", name="home", prefixes=("home",)),
        _Entry(label=_("Campaigns"), icon="send", name="campaign_list", prefixes=("campaign_",)),
    ]
    people = [
        _Entry(
            label=_("Subscribers"),
            icon="users",
            name="subscriber_list",
            prefixes=(
                "subscriber_",
                "import_",
                "suppression_",
                "tag_",
                "bulk_",
                "duplicate_",
                "hygiene",
                "migration_",
            ),
        ),
        _Entry(label=_("Lists"), icon="list", name="list_list", prefixes=("list_",)),
        _Entry(label=_("Segments"), icon="filter", name="segment_list", prefixes=("segment_",)),
        _Entry(label=_("Forms"), icon="forms", name="form_list", prefixes=("form_",)),
        _Entry(
            label=_("Templates"), icon="template", name="template_list", prefixes=("template_",)
        ),
        _Entry(label=_("Media"), icon="photo", name="media_library", prefixes=("media_",)),
    ]
    look_after = [
        _Entry(
            label=_("Reports"), icon="chart-histogram", name="report_list", prefixes=("report_",)
        )
    ]
    if sandbox:
        look_after.append(
            _Entry(
                label=_("Sandbox inbox"), icon="inbox", name="sandbox_list", prefixes=("sandbox_",)
            )
        )
    look_after.append(
        _Entry(
            label=_("Settings"),
            icon="settings",
            name="settings_workspace" if manage else "field_list",
            prefixes=(
                "settings_",
                "account_",
                "field_",
                "api_key_",
                "profile",
                "bounce",
                "alarm_",
                "mailbox_",
                "returned_",
                "word_rules",
                "provider_event",
                "tracking_",
            ),
        )
    )
    return [write, people, look_after]


class Shell:
    """Lazy facts for the layout; each is asked once, and only if the page shows it."""

    def __init__(self, request: "HttpRequest") -> None:
        self.request = request

    @cached_property
    def membership(self) -> Membership | None:
        """The membership in use."""
        return getattr(self.request, "membership", None) or None

    @cached_property
    def workspace(self) -> Workspace | None:
        """The workspace in use."""
        return self.membership.workspace if self.membership else None

    @cached_property
    def memberships(self) -> Sequence[Membership]:
        """Every membership of the user, for the switcher."""
        if not self.request.user.is_authenticated:
            return []
        mine = Membership.objects.filter(user=self.request.user).select_related("workspace")
        return list(mine.order_by("workspace__name"))

    def url(self, name: str) -> str:
        """Return an address for what surrounds the page, which may be a page of no workspace."""
        if self.workspace is not None and needs_workspace(name):
            return in_workspace(self.workspace, name)
        return links.url(name)

    @property
    def may_make_workspaces(self) -> bool:
        """Whether the user may make a further workspace; asks nothing of the database again."""
        user = self.request.user
        return user.is_authenticated and workspaces.may_create(user, memberships=self.memberships)

    @cached_property
    def subscriber_count(self) -> int:
        """How many people are subscribed to something in the workspace."""
        return counts.subscribed(self.workspace) if self.workspace else 0

    @cached_property
    def running_campaigns(self) -> int:
        """How many campaigns are being sent now."""
        return Campaign.objects.filter(
            workspace=self.workspace, status=CampaignStatus.SENDING
        ).count()

    @cached_property
    def has_sandbox(self) -> bool:
        """Whether the workspace can send to the sandbox."""
        return SendingAccount.objects.filter(
            workspace=self.workspace, kind=TransportKind.SANDBOX
        ).exists()

    @cached_property
    def health(self) -> Health | None:
        """Whether everything is sending, and what holds it up if not."""
        if self.workspace is None:
            return None
        found = diagnosis.health(self.workspace, held=self._held)
        broken = found.cause == causes.Cause.BREAKER_OPEN
        return Health(
            state="failed" if found.is_trouble else "good",
            text=str(found.cause.label),
            sentence=found.sentence,
            href=self.url("account_list") if broken and self.may_open("account_list") else "",
        )

    @cached_property
    def _installation(self) -> Installation | None:
        """Whether sending is held and something of the workspace asks, in one query."""
        return pending.state(self.workspace) if self.workspace else None

    @cached_property
    def _held(self) -> Installation | None:
        found = self._installation
        return found if found is not None and found.held_since is not None else None

    @property
    def hold(self) -> Installation | None:
        """Why nothing is sent at all, for owners and admins; None: it is."""
        return self._held if self.may(Permission.MANAGE) else None

    @cached_property
    def has_questions(self) -> bool:
        """Whether something of the workspace waits for an answer after a restore."""
        return self.may(Permission.MANAGE) and bool(getattr(self._installation, "asks", False))

    @property
    def theme(self) -> str:
        """The theme chosen in this browser: light, dark, or nothing for the system's."""
        chosen = self.request.COOKIES.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else ""

    @property
    def languages(self) -> Sequence[tuple[str, Any]]:
        """The interface's languages as (code, name in that language) pairs."""
        return [(code, OWN_NAMES.get(code, name)) for code, name in settings.LANGUAGES]

    @cached_property
    def places(self) -> list[list[SidebarLink]]:
        """The sidebar's groups of links."""
        here = getattr(self.request.resolver_match, "url_name", "") or ""
        return [
            [
                SidebarLink(
                    label=entry.label,
                    icon=entry.icon,
                    href=self.url(entry.name),
                    active=here.startswith(entry.prefixes),
                    badge=self.running_campaigns if entry.name == "campaign_list" else 0,
                )
                for entry in group
                if self.may_open(entry.name)
            ]
            for group in _groups(sandbox=self.has_sandbox, manage=self.may(Permission.MANAGE))
        ]

    @cached_property
    def settings_tabs(self) -> list[SidebarLink]:
        """The side tabs of the settings; those that the member may open."""
        here = getattr(self.request.resolver_match, "url_name", "") or ""
        entries = [
            _Entry(
                label=_("Workspace"),
                icon="building-store",
                name="settings_workspace",
                prefixes=("settings_workspace",),
            ),
            _Entry(
                label=_("Team"), icon="users", name="settings_team", prefixes=("settings_team",)
            ),
            _Entry(
                label=_("Sending accounts"),
                icon="server",
                name="account_list",
                prefixes=(
                    "account_list",
                    "account_choose",
                    "account_new",
                    "account_edit",
                    "account_warm_up",
                    "account_delete",
                    "account_test",
                    "account_feedback",
                    "provider_event",
                ),
            ),
            _Entry(
                label=_("Signing keys"),
                icon="certificate",
                name="key_list",
                prefixes=("key_",),
            ),
            _Entry(
                label=_("Bounces"), icon="mail-x", name="bounces", prefixes=("bounce", "alarm_")
            ),
            _Entry(
                label=_("Bounce mailboxes"),
                icon="inbox",
                name="mailbox_list",
                prefixes=("mailbox_",),
            ),
            _Entry(
                label=_("Returned emails"),
                icon="arrow-back-up",
                name="returned_list",
                prefixes=("returned_", "word_rules"),
            ),
            _Entry(
                label=_("Tracking"),
                icon="eye",
                name="tracking_settings",
                prefixes=("tracking_",),
            ),
            _Entry(label=_("Custom fields"), icon="forms", name="field_list", prefixes=("field_",)),
            _Entry(
                label=_("Privacy and retention"),
                icon="shield-check",
                name="settings_privacy",
                prefixes=("settings_privacy",),
            ),
            _Entry(label=_("API keys"), icon="key", name="api_key_list", prefixes=("api_key_",)),
        ]
        return [
            SidebarLink(
                label=entry.label,
                icon=entry.icon,
                href=self.url(entry.name),
                active=here.startswith(entry.prefixes),
            )
            for entry in entries
            if self.may_open(entry.name)
        ]

    def may_open(self, name: str) -> bool:
        """Say whether the page of this name lets the member in."""
        return bool(self.membership and may_open(self.membership.role, name))

    def may(self, permission: Permission | str) -> bool:
        """Say whether the member may do this (``shell.may("edit")``)."""
        return bool(self.membership and may(self.membership.role, Permission(permission)))


OWN_NAMES = {"en": "English", "id": "Bahasa Indonesia"}
