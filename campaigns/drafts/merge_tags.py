"""The merge tags that an author can insert, with their names for people."""

from typing import TypedDict

from django.utils.translation import gettext as _

from accounts.models import Workspace
from campaigns.rendering import values


class Field(TypedDict):
    """One merge tag: ``name`` as written, ``fallback`` for people who have no value."""

    name: str
    label: str
    fallback: str


def writing() -> Field:
    """Return the tag by which a template says where a campaign's writing goes."""
    return Field(name="content", label=_("What a campaign says"), fallback="")


def to_insert(workspace: Workspace) -> list[Field]:
    """Return what a workspace's authors can insert (one query)."""
    own = [
        Field(name=values.tag_of(field.key), label=field.label, fallback="")
        for field in workspace.custom_fields.all()
    ]
    return [
        Field(name="first_name", label=_("First name"), fallback=_("friend")),
        Field(name="last_name", label=_("Last name"), fallback=""),
        Field(name="email", label=_("Email address"), fallback=""),
        *own,
        Field(name="workspace_name", label=_("Your name"), fallback=""),
        Field(name="postal_address", label=_("Your postal address"), fallback=""),
        Field(name="website", label=_("Your website"), fallback=""),
        Field(name="brand_colour", label=_("Your brand colour"), fallback=""),
        Field(name="unsubscribe_url", label=_("Link to unsubscribe"), fallback=""),
        Field(name="preferences_url", label=_("Link to preferences"), fallback=""),
        Field(name="view_url", label=_("Link to the web version"), fallback=""),
    ]
