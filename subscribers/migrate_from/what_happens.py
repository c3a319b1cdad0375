"""What a migration will do, or did, in words."""

from django.utils import formats
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from subscribers.imports import outcome, undo
from subscribers.imports.outcome import LONGEST_STATEMENT, Fact
from subscribers.models import ToolMigration
from subscribers.states import MigrationSource, SuppressionReason

MOST_NAMES = 12


def facts(record: ToolMigration) -> list[Fact]:
    """Return what happens to the people of these files."""
    return [*_where(record), *_suppressed(record), *_made(record), *_afterwards(record)]


def undo_until(record: ToolMigration) -> str:
    """Return the last day on which it can be undone, in words; "" if it can't."""
    if not undo.can_be_undone(record):
        return ""
    return formats.date_format(undo.deadline(record), "DATE_FORMAT")


def lists(record: ToolMigration) -> list[dict[str, object]]:
    """Return the lists that people come to, each with how many by their new status."""

    def added(found: dict[str, int], *names: str) -> int:
        return sum(found.get(name) or 0 for name in names)

    return [
        {
            "name": found["name"],
            "is_new": found.get("is_new"),
            "subscribed": added(found, "subscribed", "confirm"),
            "unconfirmed": added(found, "unconfirmed"),
            "unsubscribed": added(found, "unsubscribed", "leave"),
            "same": added(found, "same", "left"),
        }
        for found in record.flagged.get("lists", [])
    ]


def _where(record: ToolMigration) -> list[Fact]:
    found = []
    if record.mailing_list:
        where = {
            "list": record.mailing_list.name,
            "visibility": record.mailing_list.get_visibility_display().lower(),
        }
        found.append(("list", _("Into %(list)s (%(visibility)s)") % where))
    if record.statement:
        text = Truncator(record.statement.text).chars(LONGEST_STATEMENT)
        found.append(("quote", _("Their consent: “%(text)s”") % {"text": text}))
    if record.source != MigrationSource.SUPPRESSIONS:
        found.append(("refresh", outcome.of_known(record)))
    return found


def _suppressed(record: ToolMigration) -> list[Fact]:
    return [
        ("ban", _("%(count)s suppressed: %(reason)s") % one)
        for one in _by_reason(record.flagged.get("reasons", {}))
    ] + [
        ("user-off", _("%(count)s left out: %(reason)s") % one)
        for one in _by_reason(record.flagged.get("kept", {}))
    ]


def _by_reason(counts: dict[str, int]) -> list[dict[str, str]]:
    labels = {str(one): str(one.label) for one in SuppressionReason}
    return [
        {
            "count": formats.number_format(count, force_grouping=True),
            "reason": labels.get(key, _("Has left the list")),
        }
        for key, count in sorted(counts.items(), key=lambda item: -item[1])
    ]


def _made(record: ToolMigration) -> list[Fact]:
    found = []
    if record.duplicates:
        text = ngettext(
            "%(num)s row repeats an address.", "%(num)s rows repeat an address.", record.duplicates
        )
        found.append(("copy", text % {"num": record.duplicates}))
    if record.mailing_list and not record.started_at:
        text = _(
            "Consent keeps the times that the files give; where they give none, "
            "the time of this migration counts."
        )
        found.append(("calendar", text))
    tags = record.flagged.get("new_tags", [])
    if tags:
        names = ", ".join(tags[:MOST_NAMES]) + (" …" if len(tags) > MOST_NAMES else "")
        text = ngettext("New tag: %(names)s", "New tags: %(names)s", len(tags))
        found.append(("tag", text % {"names": names}))
    fields = dict.fromkeys(record.flagged.get("fields", []))
    found += [
        ("tag", _("New field %(name)s") % {"name": name}) for name in list(fields)[:MOST_NAMES]
    ]
    return found


def _afterwards(record: ToolMigration) -> list[Fact]:
    if not record.started_at:
        return [("arrow-back-up", _("You can undo the whole migration for 30 days"))]
    day = undo_until(record)
    text = _("You can undo it until %(day)s")
    return [("arrow-back-up", text % {"day": day})] if day else []
