"""The tools whose files are read as they are: how to tell them, and what is special about each.

Most of what an export holds is known by the names of its columns, whatever tool it is from. A
source says only what those names can't: which tool means what by a word, what is to be left out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from subscribers.imports import consent_words as said
from subscribers.imports.mapping import FIRST_NAME, IGNORE, LAST_NAME, TAGS
from subscribers.imports.normalizing import fold
from subscribers.states import MigrationSource


@dataclass(frozen=True, kw_only=True)
class Source:
    """One tool. Names of columns and words are written as `normalizing.fold` writes them.

    ``signs``: a file with all columns of one of these is the tool's. ``columns``: where columns go
    whose names would lead elsewhere. ``answers``: what words mean there and nowhere else.
    """

    key: str
    label: Any  # a text, translated where it is no name
    how: Any  # how to export from it
    signs: tuple[frozenset[str], ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)


def _signs(*rows: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(map(fold, row.split(","))) for row in rows)


def _table(given: Mapping[str, str]) -> dict[str, str]:
    return {fold(name): to for name, to in given.items()}


LETTERS = {
    "c": said.SUBSCRIBED,
    "s": said.UNCONFIRMED,
    "u": said.UNSUBSCRIBED,
    "b": said.BOUNCED,
    "p": said.COMPLAINED,
}
SOURCES = (
    Source(
        key="brevo",
        label="Brevo",
        how=_("In Brevo: Contacts, select all, Export, with all attributes."),
        signs=_signs(
            f"EMAIL,EMAIL_{said.OLD_WORD}ED", "EMAIL,EMAIL_BLOCKLISTED", "EMAIL,CONTACT ID,SMS"
        ),
    ),
    Source(
        key="kit",
        label="Kit (ConvertKit)",
        how=_("In Kit: Grow, Subscribers, choose “All subscribers”, Bulk actions, Export."),
        signs=_signs("email_address,state,created_at", "email,first_name,state,created_at"),
        answers=_table({"inactive": said.UNCONFIRMED, "cold": said.SUBSCRIBED}),
    ),
    Source(
        key="mailerlite",
        label="MailerLite",
        how=_("In MailerLite: Subscribers, All, Actions, Export to CSV, with all fields."),
        signs=_signs(
            "Subscriber,Subscribed,Confirmation time", "Confirmation time,Confirmation IP"
        ),
        columns=_table({"groups": TAGS}),
    ),
    Source(
        key="ghost",
        label="Ghost",
        how=_("In Ghost: Members, the gear, Export all members."),
        signs=_signs("email,subscribed_to_emails"),
    ),
    Source(
        key="substack",
        label="Substack",
        how=_("In Substack: Settings, Import / Export, New export; take the email list out of it."),
        signs=_signs("email,active_subscription", "email,email_disabled"),
    ),
    Source(
        key="klaviyo",
        label="Klaviyo",
        how=_("In Klaviyo: the list or segment, Manage, Export to CSV, with all properties."),
        signs=_signs(
            "Email,Klaviyo ID", "Email,Email Marketing Consent", "Email,Email Suppressions"
        ),
    ),
    Source(
        key="hubspot",
        label="HubSpot",
        how=_("In HubSpot: Contacts, Export, with “Unsubscribed from all email”."),
        signs=_signs("Email,Record ID", "Email,Unsubscribed from all email"),
    ),
    Source(
        key="phplist",
        label="phpList",
        how=_("In phpList: Subscribers, Export subscribers, with all columns."),
        signs=_signs(
            "Email,Is this subscriber confirmed",
            f"Email,Is this subscriber {said.OLD_WORD}ed",
            "Email,Is this user confirmed",
        ),
    ),
    Source(
        key="sendy",
        label="Sendy",
        how=_("In Sendy: open the list, All subscribers, Export."),
        signs=_signs("Name,Email,Last activity,Status", "Name,Email,Joined,Status"),
    ),
    Source(
        key="mailman",
        label="Mailman",
        how=_("In Mailman: Users, CSV export; or the output of “mailman members”."),
        signs=_signs("email,delivery_status", "address,delivery_status"),
    ),
    Source(
        key="google",
        label=_("Google Contacts"),
        how=_("In Google Contacts: Export, as Google CSV."),
        signs=_signs("E-mail 1 - Value", "Given Name,Family Name,Group Membership"),
        columns=_table({"group membership": TAGS}),
    ),
    Source(
        key="mailpoet",
        label="MailPoet",
        how=_("In MailPoet: Subscribers, Export, with all columns."),
        signs=_signs("Email,Global status"),
        answers=_table({"inactive": said.SUBSCRIBED}),
    ),
    Source(
        key="newsletter",
        label=_("Newsletter (WordPress plugin)"),
        how=_("In WordPress: Newsletter, Subscribers, Export."),
        signs=_signs("Email,Surname,Status,Token", "Email,Status,Profile 1", "Email,Sex,Status"),
        columns=_table({"name": FIRST_NAME, "surname": LAST_NAME, "token": IGNORE}),
        answers=LETTERS,
    ),
)
# What tools and people call their files of those who left. "Cleaned" is none: so is a tidy file.
LEFT_NAMES = re.compile(
    r"unsubscri|non-?subscri|opt[-_ ]?outs?(?![a-z])|bounce|suppress|complain|spam[-_ ]?report"
    rf"|block-?list|{said.OLD_WORD}|do[-_ ]?not[-_ ]?(?:email|contact|mail)",
    re.IGNORECASE,
).search
BY_KEY = {source.key: source for source in SOURCES}


def detect(columns: Sequence[str]) -> Source | None:
    """Tell by its columns which tool a file is from."""
    names = {fold(column) for column in columns}
    return next((one for one in SOURCES if any(sign <= names for sign in one.signs)), None)


def choices() -> list[tuple[str, str]]:
    """Return the sources to choose from."""
    return [(one.key, str(one.label)) for one in SOURCES]


def migration(columns: Sequence[str]) -> MigrationSource | None:
    """Tell whether a file is one that only a migration reads rightly.

    Mailchimp tells who left by which file they stand in; Mautic does not say it in its export.
    """
    names = [fold(column) for column in columns]
    if "unsubtime" in names or "cleantime" in names:
        return MigrationSource.MAILCHIMP
    if is_mautic(columns):
        return MigrationSource.MAUTIC
    return None


def is_of_people_who_left(filename: str) -> bool:
    """Say whether a file's name says that nobody in it may be written to."""
    return bool(LEFT_NAMES(filename))


def is_mautic(columns: Sequence[str]) -> bool:
    """Say whether a file begins like Mautic's own contact export: id, title, firstname."""
    names = [fold(column) for column in columns[:3]]
    return names == ["id", "title", "firstname"]
