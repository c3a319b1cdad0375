"""Which campaigns and templates use a custom field's merge tag, a list, or a segment."""

import re
from collections.abc import Container, Iterator

from django.db.models import Q, QuerySet

from accounts.models import Workspace
from campaigns.models import Campaign, Template
from campaigns.rendering.values import tag_of
from campaigns.states import CONFIRMED, OVER, CampaignStatus
from subscribers.fields.usage import Use
from subscribers.models import MailingList, Segment


def of_field(workspace: Workspace, key: str) -> Iterator[Use]:
    """Yield the templates, and the campaigns that are still to be sent, in which the tag stands.

    What only looks like it (the word in a sentence) is named too: better once too often.
    """
    word = rf"\y{re.escape(tag_of(key))}\y"
    templates = Template.objects.filter(workspace=workspace, source__regex=word)
    for pk, name in templates.values_list("pk", "name"):
        yield Use(name=name, kind="template", pk=pk)
    written = Q()
    for part in ("subject", "preheader", "source", "text"):
        written |= Q(**{f"content__{part}__regex": word})
    campaigns = Campaign.objects.filter(written, workspace=workspace)
    yield from _uses(campaigns.exclude(status__in=OVER), holding=CONFIRMED)


def of_list(mailing_list: MailingList) -> Iterator[Use]:
    """Yield the campaigns that go, or went, to a list or leave its people out."""
    return _uses(
        Campaign.objects.filter(
            Q(include_lists=mailing_list) | Q(exclude_lists=mailing_list)
        ).distinct()
    )


def of_segment(segment: Segment) -> Iterator[Use]:
    """Yield the campaigns whose audience names this segment; one that is over holds it no more.

    A draft holds it, too: without its segment it would go to everybody of its lists.
    """
    using = Q(include_segments=segment) | Q(exclude_segments=segment)
    return _uses(Campaign.objects.filter(using, workspace_id=segment.workspace_id).distinct())


def _uses(
    campaigns: QuerySet[Campaign], *, holding: Container[str] = frozenset(CampaignStatus) - OVER
) -> Iterator[Use]:
    for pk, name, status in campaigns.order_by("-pk").values_list("pk", "name", "status"):
        yield Use(name=name, kind="campaign", pk=pk, holds=status in holding)
