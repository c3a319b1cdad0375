"""What each role in a workspace may do."""

from django.utils.translation import gettext_lazy as _

from accounts.choices import TextOptions


class Role(TextOptions):
    """A member's role, strongest first."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    EDITOR = "editor", _("Editor")
    ANALYST = "analyst", _("Analyst")


class Permission(TextOptions):
    """One thing a member may be allowed to do; views ask for these, never for roles."""

    VIEW = "view", _("See everything in the workspace")
    EDIT = "edit", _("Write campaigns, import and change subscribers")
    SEND = "send", _("Send campaigns")
    EXPORT = "export", _("Download people's data")
    MANAGE = "manage", _("Change sending accounts, team and settings")
    OWN = "own", _("Delete the workspace and appoint owners")


ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission) - {Permission.OWN},
    Role.EDITOR: frozenset({Permission.VIEW, Permission.EDIT, Permission.SEND, Permission.EXPORT}),
    Role.ANALYST: frozenset({Permission.VIEW}),
}


def may(role: Role | str, permission: Permission) -> bool:
    """Say whether a member with this role is allowed to do this."""
    return permission in ALLOWED[Role(role)]


def covers(role: Role | str, other: Role | str) -> bool:
    """Say whether a member with this role may do all that the other role may."""
    return ALLOWED[Role(other)] <= ALLOWED[Role(role)]
