"""Templates that a new workspace starts with, written in MJML under ``starter_sources/``.

Their fixed words follow the reader's language (English or Indonesian); their names and sample
texts follow the workspace's.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.models import Template

SOURCES = Path(__file__).parent / "starter_sources"


@dataclass(frozen=True, kw_only=True)
class Starter:
    """One starter: ``key`` names its file, ``name`` and ``description`` are for people."""

    key: str
    name: Any
    description: Any


STARTERS = (
    Starter(
        key="letter",
        name=_("Letter"),
        description=_("A white sheet with your name above it. Right for most newsletters."),
    ),
    Starter(
        key="photo",
        name=_("Letter with photo"),
        description=_("No frame and larger text, so that pictures stand wide."),
    ),
    Starter(
        key="announcement",
        name=_("Announcement"),
        description=_("A banner in your colour for announcements."),
    ),
    Starter(
        key="digest",
        name=_("Digest"),
        description=_("Set like a newspaper, for several short pieces."),
    ),
    Starter(
        key="welcome",
        name=_("Welcome"),
        description=_("Greets by first name. For the first email people get."),
    ),
    Starter(
        key="plain",
        name=_("Plain"),
        description=_("Looks like an email you typed yourself."),
    ),
)


def find(key: str) -> Starter | None:
    """Return the starter of this key."""
    return next((starter for starter in STARTERS if starter.key == key), None)


def source_of(starter: Starter) -> str:
    """Return a starter's MJML; its colour is the workspace's own, whatever that becomes."""
    return _source(starter.key)


def sample_text() -> str:
    """Return Markdown to show a template with, in the active language."""
    return gettext(
        "# Hello {{ first_name|default('there') }},\n\n"
        "The first lots of the new harvest came down the mountain last week. "
        "We tasted **eleven** and kept three.\n\n"
        "::button[See the three lots](https://example.org/harvest)\n\n"
        "If you are near, come and taste them on Saturday."
    )


@transaction.atomic
def install_starters(workspace: Workspace) -> list[Template]:
    """Give a workspace the starters it does not have yet; "Letter" becomes its default.

    Names are in the workspace's language. Running it again changes nothing.
    """
    with translation.override(workspace.default_language):
        for starter in STARTERS:
            Template.objects.get_or_create(
                workspace=workspace,
                name=str(starter.name),
                defaults={
                    "description": str(starter.description),
                    "source": source_of(starter),
                },
            )
        if not workspace.templates.filter(is_default=True).exists():
            workspace.templates.filter(name=str(STARTERS[0].name)).update(is_default=True)
    return list(workspace.templates.all())


@cache
def _source(key: str) -> str:
    source = (SOURCES / f"{key}.mjml").read_text(encoding="utf-8")
    for part in ("head", "footer"):
        piece = (SOURCES / f"_{part}.mjml").read_text(encoding="utf-8").rstrip("\n")
        source = source.replace(f"[[{part}]]", piece)
    return source
