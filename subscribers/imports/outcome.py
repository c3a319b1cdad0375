"""What an import will do, or did, in words."""

from collections.abc import Mapping

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from subscribers.imports import consent_words as said
from subscribers.imports import mapping, undo
from subscribers.imports.encodings import encoding_label
from subscribers.imports.mapping import ColumnTarget
from subscribers.models import Import, MailingList
from subscribers.states import (
    ExistingPeople,
    FieldType,
    ImportStatus,
    SubscriptionStatus,
)

LONGEST_STATEMENT = 160
LONGEST_NAMES = 5
Fact = tuple[str, str]  # icon and sentence


def facts(record: Import) -> list[Fact]:
    """Return what happens to the people of this file."""
    return [
        *_where(record),
        *_known(record),
        *_left_alone(record),
        *by_status(record),
        *_made(record),
        *_noticed(record),
        *_afterwards(record),
    ]


def why_they_stay(kept: dict[str, int]) -> list[str]:
    """Say how many people stay after an undo, and why."""
    sentences = {
        "acted": _("%(count)s did something themselves, or joined in another way, since"),
        "changed": _("%(count)s were changed since, by a member or by another import"),
        "tagged": _("%(count)s got tags since"),
        "failed": _("%(count)s could not be changed back: see “Is everything sending?”"),
    }
    return [text % {"count": _n(kept[why])} for why, text in sentences.items() if kept.get(why)]


def warnings(record: Import) -> list[str]:
    """Return what may have been read in another way than it was meant, for people to look at."""
    found = []
    if not record.encoding_is_certain:
        text = _(
            "This file does not say which encoding it is in. It was read as %(encoding)s; "
            "if names look wrong, choose another one."
        )
        found.append(text % {"encoding": encoding_label(record.encoding)})
    numbers = mapping.number_columns(record)
    found += [
        _(
            "“%(column)s” goes to a number: zeros in front are lost, and 01067 becomes 1067. "
            "Make it a text field."
        )
        % {"column": column}
        for column in numbers
    ]
    return found


def field_name(where: str, *, own: Mapping[str, str]) -> str:
    """Name what a problem is about; "" for a whole row. ``own`` maps keys of fields to labels."""
    return mapping.label(ColumnTarget(to=where), own=own) if where else ""


def _where(record: Import) -> list[Fact]:
    lists = [record.mailing_list.name] if record.mailing_list else []
    lists += list(record.more_lists.values_list("name", flat=True))
    if record.new_list and record.new_list not in lists:
        lists.append(record.new_list)
    status = SubscriptionStatus(record.subscription_status).label
    found: list[Fact] = []
    if lists:
        words = {"lists": ", ".join(lists), "status": str(status).lower()}
        found.append(("list", _("Into %(lists)s: %(status)s") % words))
    if record.statement:
        text = record.statement.text[:LONGEST_STATEMENT]
        found.append(("quote", _("Their consent: “%(text)s”") % {"text": text}))
    if record.tags:
        found.append(("tag", _("Tagged: %(tags)s") % {"tags": ", ".join(record.tags)}))
    return found


def of_known(record: Import) -> str:
    """Say what becomes of people whom the workspace knows already."""
    return {
        ExistingPeople.OVERWRITE: _("Existing people: update them; empty cells erase nothing"),
        ExistingPeople.FILL: _("Existing people: fill empty fields only"),
        ExistingPeople.SKIP: _(
            "Existing people: leave them as they are, unless the file says that they left"
        ),
    }[ExistingPeople(record.existing)]


def _known(record: Import) -> list[Fact]:
    found: list[Fact] = [("refresh", of_known(record))]
    if record.bring_back:
        found.append(
            (
                "alert-triangle",
                _("People who unsubscribed are subscribed again: “%(reason)s”")
                % {"reason": record.bring_back_reason},
            )
        )
    return found


def _left_alone(record: Import) -> list[Fact]:
    found: list[Fact] = []
    if kept := record.progress.get("standings", {}).get("kept", 0):
        text = ngettext(
            "%(count)s person must not be written to, or has left, and stays as they are.",
            "%(count)s people must not be written to, or have left. They stay as they are.",
            kept,
        )
        found.append(("ban", text % {"count": _n(kept)}))
    if record.duplicates:
        text = ngettext(
            "%(count)s row repeats an address; the first one is kept.",
            "%(count)s rows repeat an address; the first one is kept.",
            record.duplicates,
        )
        found.append(("copy", text % {"count": _n(record.duplicates)}))
    return found


def by_status(record: Import) -> list[Fact]:
    """Say how many come in as what, by what the file says of them, and why."""
    counts = record.progress.get("standings", {})
    found: list[Fact] = []
    for icon, standing, text in (
        ("user-check", said.SUBSCRIBED, _("Subscribed: %(count)s")),
        (
            "clock",
            said.UNCONFIRMED,
            _("Unconfirmed: %(count)s. They get nothing until they confirm"),
        ),
        (
            "user-minus",
            said.UNSUBSCRIBED,
            _("Unsubscribed: %(count)s, because the file says so. They get nothing"),
        ),
        (
            "shield-off",
            said.BOUNCED,
            _("Bounced: %(count)s, because the file says so. Suppressed, not imported"),
        ),
        (
            "shield-off",
            said.COMPLAINED,
            _("Reported as spam: %(count)s, because the file says so. Suppressed, not imported"),
        ),
        (
            "shield-off",
            said.BLOCKED,
            _("Blocked: %(count)s, because the file says so. Suppressed, not imported"),
        ),
        (
            "circle-x",
            said.LEFT_OUT,
            _("Left out: %(count)s, because the file says that they never agreed, or you said so"),
        ),
        ("user", "known", _("Known here, and left as they are: %(count)s")),
    ):
        if count := counts.get(standing):
            found.append((icon, text % {"count": _n(count)}))
    for target, column in zip(mapping.load(record.mapping), record.columns, strict=False):
        if target.waived:
            words = {"column": column, "who": target.waived}
            text = _("“%(column)s” says nothing about who may be emailed: confirmed by %(who)s")
            found.append(("alert-triangle", text % words))
    return found


def _made(record: Import) -> list[Fact]:
    found: list[Fact] = []
    if names := record.flagged.get("new_lists"):
        if record.list_visibility == MailingList.Visibility.PUBLIC:
            text = ngettext("New public list: %(names)s", "New public lists: %(names)s", len(names))
        else:
            text = ngettext(
                "New private list: %(names)s. It does not show in people’s preferences.",
                "New private lists: %(names)s. They do not show in people’s preferences.",
                len(names),
            )
        found.append(("folder-plus", text % {"names": _some(names)}))
    if names := record.flagged.get("new_tags"):
        text = ngettext("New tag: %(names)s", "New tags: %(names)s", len(names))
        found.append(("tag", text % {"names": _some(names)}))
    types = dict(FieldType.choices)
    for target in mapping.load(record.mapping):
        if target.to == mapping.NEW:
            words = {"name": target.label, "type": str(types[target.type]).lower()}
            found.append(("forms", _("New field %(name)s (%(type)s)") % words))
    return found


def _noticed(record: Import) -> list[Fact]:
    found: list[Fact] = []
    if without := record.flagged.get("without"):
        text = ngettext(
            "%(count)s row goes in without a value that can’t be read",
            "%(count)s rows go in without values that can’t be read",
            without,
        )
        found.append(("circle-x", text % {"count": _n(without)}))
    if repaired := record.flagged.get("repaired"):
        text = ngettext(
            "%(count)s address was repaired, like %(example)s",
            "%(count)s addresses were repaired, like %(example)s",
            repaired,
        )
        example = " → ".join(record.flagged["repairs"][0])
        found.append(("wand", text % {"count": _n(repaired), "example": example}))
    if roles := record.flagged.get("roles"):
        text = ngettext(
            "%(count)s shared box such as info@ is flagged and goes in",
            "%(count)s shared boxes such as info@ are flagged and go in",
            roles,
        )
        found.append(("users", text % {"count": _n(roles)}))
    if disposable := record.flagged.get("disposable"):
        text = ngettext(
            "%(count)s disposable address is flagged and goes in",
            "%(count)s disposable addresses are flagged and go in",
            disposable,
        )
        found.append(("flag", text % {"count": _n(disposable)}))
    return found


def _afterwards(record: Import) -> list[Fact]:
    found: list[Fact] = []
    if record.subscription_status == SubscriptionStatus.UNCONFIRMED:
        found.append(
            ("mail", _("They are asked by email to confirm, little by little"))
            if record.asks_with_id
            else ("mail-off", _("No mail is sent by the import"))
        )
    if record.started_at is None:
        found.append(("arrow-back-up", _("You can undo the whole import for 30 days")))
    elif undo.can_be_undone(record):
        day = formats.date_format(undo.deadline(record), "DATE_FORMAT")
        found.append(("arrow-back-up", _("You can undo it until %(day)s") % {"day": day}))
    elif record.status == ImportStatus.UNDONE:
        found.append(("arrow-back-up", _("It was undone")))
    return found


def _some(names: list[str]) -> str:
    text = ", ".join(names[:LONGEST_NAMES])
    return f"{text} …" if len(names) > LONGEST_NAMES else text


def _n(number: int) -> str:
    return formats.number_format(number, use_l10n=True, force_grouping=True)
