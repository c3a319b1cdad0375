"""What somebody confirmed is what is sent.

The page that asks carries what it showed, in a few short digests. When the answer comes, the
campaign is locked, looked at again and held to them; what differs is said, and nothing is sent.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import carriers, lifecycle, queries
from campaigns.audience import rule
from campaigns.audience.rule import Breakdown
from campaigns.checks import preflight
from campaigns.findings import Finding
from campaigns.models import Campaign, Content
from campaigns.states import CampaignStatus
from subscribers.models import Segment

# People come and go while somebody reads: up to a hundredth more or fewer is the same audience.
DRIFT = 0.01
_ENCODE = DjangoJSONEncoder(sort_keys=True).encode


class ChangedError(Exception):
    """What would be sent is not what was confirmed; ``changes`` are sentences for people."""

    def __init__(self, changes: Sequence[str]) -> None:
        super().__init__(" ".join(changes))
        self.changes = list(changes)


class NotReadyError(Exception):
    """Something keeps the campaign from being sent: ``findings`` say what."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(" ".join(finding.text for finding in findings))
        self.findings = list(findings)


def shown(campaign: Campaign, division: Breakdown | None = None) -> str:
    """Return what a page shows of a campaign, to be sent back as what was confirmed.

    With ``division`` its audience counts too; without, only the email itself.
    """
    return " ".join(f"{name}:{value}" for name, value in _parts(campaign, division).items())


def changes(campaign: Campaign, confirmed: str, division: Breakdown | None = None) -> list[str]:
    """Say in sentences what differs from what was confirmed; empty: nothing does."""
    before = dict(part.partition(":")[::2] for part in confirmed.split(" "))
    now = _parts(campaign, division)
    if not before.keys() >= now.keys():
        return [_("The page did not say what you confirmed.")]
    people = before.pop("people", None)
    names = [name for name in now if name != "people" and before[name] != now[name]]
    found = list(_sentences(campaign, names))
    if division is not None and not _is_close(division.will_get, str(people)):
        text = ngettext(
            "%(now)s person would get it now, instead of %(before)s.",
            "%(now)s people would get it now, instead of %(before)s.",
            division.will_get,
        )
        found.append(text % {"now": _number(division.will_get), "before": _number(str(people))})
    return found


@transaction.atomic
def schedule(
    campaign: Campaign, *, at: datetime, confirmed: str | None, force: Collection[str] = ()
) -> bool:
    """Schedule a draft as it was confirmed; False: it is no draft any more.

    ``confirmed`` is None for a program that read nothing: what is stored now goes out. ``force``
    names findings of `preflight` by their code that are not to stop it.

    Raises:
        ChangedError: it is not what was confirmed.
        NotReadyError: `preflight` found what blocks it.
        PastTimeError: ``at`` is over.
    """
    locked = _lock(campaign)
    if locked.status != CampaignStatus.DRAFT:
        return False
    division = rule.breakdown(locked)
    if confirmed is not None and (differing := changes(locked, confirmed, division)):
        raise ChangedError(differing)
    _refuse_unready(preflight.blocking(locked, division, force=force))
    return lifecycle.schedule(campaign, at=at, expected=division.will_get)


@transaction.atomic
def resume(campaign: Campaign, *, confirmed: str | None) -> bool:
    """Go on with a paused send as it was confirmed; False: it is not paused any more.

    ``confirmed`` is None for a program that read nothing: what is stored now goes out.

    Raises:
        ChangedError: the email is not what was confirmed.
        NotReadyError: `preflight` found in the email what blocks it.
    """
    locked = _lock(campaign)
    if locked.status != CampaignStatus.PAUSED:
        return False
    if confirmed is not None and (differing := changes(locked, confirmed)):
        raise ChangedError(differing)
    _refuse_unready(preflight.of_message(locked))
    return lifecycle.resume(campaign)


def _lock(campaign: Campaign) -> Campaign:
    """Read a campaign anew; its name, email and audience can't change until this is committed."""
    rows = Campaign.objects.select_for_update(of=("self",))
    return rows.select_related("workspace", "content__template").get(pk=campaign.pk)


def _refuse_unready(findings: Sequence[Finding]) -> None:
    if blocking := [finding for finding in findings if finding.blocks]:
        raise NotReadyError(blocking)


def _parts(campaign: Campaign, division: Breakdown | None) -> dict[str, str]:
    content = campaign.content or Content()
    template, carrier = content.template, carriers.of(campaign)
    parts = {
        "subject": _digest(content.subject),
        "preheader": _digest(content.preheader),
        "content": _digest(content.kind, content.source, content.text),
        "template": _digest(template.pk, template.source) if template else "",
        "sender": _digest(campaign.from_name, campaign.from_email, campaign.reply_to),
        "account": str(carrier.account) if carrier else "",
        "tracking": _digest(*_tracking(campaign)),
    }
    if division is not None:
        parts |= {"audience": _audience(campaign), "people": str(division.will_get)}
    return parts


def _tracking(campaign: Campaign) -> tuple[bool | str, ...]:
    chosen = (campaign.track_opens, campaign.track_clicks)
    # What was confirmed before there were modes has none.
    return (*chosen, campaign.tracking_mode) if campaign.tracking_mode else chosen


def _audience(campaign: Campaign) -> str:
    chosen = queries.chosen(campaign)
    named = [*chosen["include_segments"], *chosen["exclude_segments"]]
    rules = Segment.objects.filter(pk__in=named).order_by("pk").values_list("pk", "rules")
    return _digest(chosen, list(rules) if named else [])


def _digest(*values: Any) -> str:
    return hashlib.blake2b(_ENCODE(values).encode(), digest_size=8).hexdigest()


def _is_close(now: int, before: str) -> bool:
    return before.isdecimal() and abs(now - int(before)) <= int(before) * DRIFT


def _number(number: int | str) -> str:
    return number_format(number, force_grouping=True)


def _subject(subject: str) -> str:
    if (
        "{{" in subject or "{%" in subject
    ):  # what people read is said beside, filled in for one of them
        return _("The subject was changed.")
    return _("The subject is now “%(subject)s”.") % {"subject": subject}


def _sentences(campaign: Campaign, names: list[str]) -> Iterator[str]:
    content = campaign.content or Content()
    said = {
        "subject": _subject(content.subject),
        "preheader": _("The preheader was changed."),
        "content": _("The content was changed."),
        "template": _("The template was changed."),
        "sender": _("It comes from %(name)s <%(address)s> now.")
        % {"name": campaign.from_name, "address": campaign.from_email},
        "account": _("Another sending account carries it now."),
        "tracking": _("What is tracked was changed."),
        "audience": _("The lists or segments it goes to, or leaves out, were changed."),
    }
    yield from (said[name] for name in names)
