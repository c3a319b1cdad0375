"""Where a picture stands, found by its address in what was written, and replacing it there.

What was sent, or is confirmed to be, is never changed: it keeps the picture that it was made with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.input import revisions
from accounts.models import User
from campaigns.drafts import content as drafts
from campaigns.models import Campaign, Content, Picture, Template
from campaigns.states import CampaignStatus

SHOWN: Final = 50  # places that a page names


@dataclass(frozen=True, kw_only=True)
class Place:
    """A template or a campaign that shows a picture. ``note``: it is an earlier version of it."""

    kind: str  # "template" or "campaign"
    pk: int
    name: str
    status: str = ""
    is_earlier: bool = False


@dataclass(frozen=True, kw_only=True)
class Uses:
    """Where a picture stands: in what can still change, and in what keeps it."""

    changing: list[Place]
    keeping: list[Place]

    def __bool__(self) -> bool:
        """Say whether it stands anywhere."""
        return bool(self.changing or self.keeping)


def of(picture: Picture) -> Uses:
    """Find where a picture stands; reads every content of the workspace, so ask for one alone."""
    templates = Template.objects.filter(
        workspace_id=picture.workspace_id, source__contains=picture.file
    )
    changing = [
        Place(kind="template", pk=pk, name=name)
        for pk, name in templates.order_by("name").values_list("pk", "name")[:SHOWN]
    ]
    keeping: list[Place] = []
    seen: set[tuple[int, bool, bool]] = set()
    for campaign_id, name, status, is_current, is_open in _contents(picture):
        changes = is_open and is_current
        if (campaign_id, changes, is_current) in seen:
            continue
        seen.add((campaign_id, changes, is_current))
        place = Place(
            kind="campaign", pk=campaign_id, name=name, status=status, is_earlier=not is_current
        )
        (changing if changes else keeping).append(place)
    return Uses(changing=changing, keeping=keeping[:SHOWN])


def replace_everywhere(picture: Picture, by: Picture, *, user: User | None) -> int:
    """Put another picture in the place of one in all templates and drafts; returns in how many.

    Each is one save like any other: an open editor is told that somebody changed it meanwhile.
    """
    changed = 0
    templates = Template.objects.filter(
        workspace_id=picture.workspace_id, source__contains=picture.file
    )
    for pk in list(templates.values_list("pk", flat=True)):
        changed += _in_template(pk, picture.file, by.file, user)
    for campaign in _drafts(picture):
        changed += _in_draft(campaign, picture.file, by.file, user)
    return changed


@transaction.atomic
def _in_template(pk: int, old: str, new: str, user: User | None) -> bool:
    template = Template.objects.select_for_update().filter(pk=pk).first()
    if template is None or old not in template.source:
        return False
    template.source = template.source.replace(old, new)
    template.save(update_fields=["source", "updated_at"])
    revisions.change(template, by=user)
    return True


@transaction.atomic
def _in_draft(campaign: Campaign, old: str, new: str, user: User | None) -> bool:
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.status != CampaignStatus.DRAFT or locked.content_id is None:
        return False
    current = Content.objects.select_related("template").get(pk=locked.content_id)
    # Versions that were put away come back when somebody switches to them.
    others = campaign.versions.filter(frozen_at=None).exclude(pk=current.pk)
    for version in others.filter(Q(source__contains=old) | Q(text__contains=old)):
        version.source = version.source.replace(old, new)
        version.text = version.text.replace(old, new)
        Content.objects.filter(pk=version.pk, frozen_at=None).update(
            source=version.source, text=version.text, updated_at=timezone.now()
        )
    if current.frozen_at is not None or old not in current.source + current.text:
        return False
    written = drafts.writing(current)
    changed = replace(
        written, source=written.source.replace(old, new), text=written.text.replace(old, new)
    )
    drafts.save(locked, changed, by=user)
    return True


def _drafts(picture: Picture) -> list[Campaign]:
    found = Campaign.objects.filter(
        Q(versions__source__contains=picture.file) | Q(versions__text__contains=picture.file),
        workspace_id=picture.workspace_id,
        status=CampaignStatus.DRAFT,
    )
    return list(found.distinct())


def _contents(picture: Picture) -> Iterator[tuple[int, str, str, bool, bool]]:
    """Yield campaign, its name and status, whether this version is current, whether it is open."""
    written = (
        Q(source__contains=picture.file)
        | Q(text__contains=picture.file)
        | Q(frozen_with__template__icontains=picture.file)
    )
    found = Content.objects.filter(written, campaign__workspace_id=picture.workspace_id)
    rows = found.order_by("-campaign_id", "-version").values_list(
        "campaign_id",
        "campaign__name",
        "campaign__status",
        "pk",
        "frozen_at",
        "campaign__content_id",
    )
    for campaign_id, name, status, pk, frozen_at, current in rows[: 10 * SHOWN]:
        is_open = status == CampaignStatus.DRAFT and frozen_at is None
        yield campaign_id, name, status, pk == current, is_open
