"""Which templates and campaigns use a custom field's merge tag, and which campaigns a list."""

import re
from collections.abc import Iterator

from django.db.models import Q

from accounts.models import Workspace
from campaigns.models import Campaign, Template
from campaigns.rendering.values import tag_of
from campaigns.states import CampaignStatus
from subscribers.models import MailingList
from subscribers.usage import Use

FINISHED = (CampaignStatus.SENT, CampaignStatus.CANCELLED)


def find(workspace: Workspace, key: str) -> Iterator[Use]:
    """Yield the templates, and the campaigns that are still to be sent, in which the tag stands.

    What only looks like it (the word in a sentence) is named too: better once too often.
    """
    word = rf"\y{re.escape(tag_of(key))}\y"
    templates = Template.objects.filter(workspace=workspace, source__regex=word)
    for pk, name in templates.values_list("pk", "name"):
        yield Use(name=name, kind="template", route="template_edit", pk=pk)
    written = Q()
    for part in ("subject", "preheader", "source", "text"):
        written |= Q(**{f"content__{part}__regex": word})
    campaigns = Campaign.objects.filter(written, workspace=workspace)
    unsent = campaigns.exclude(status__in=FINISHED)
    for pk, name in unsent.values_list("pk", "name"):
        yield Use(name=name, kind="campaign", route="campaign_open", pk=pk)


def of_list(mailing_list: MailingList) -> list[Use]:
    """Return the campaigns that go, or went, to a list or leave its people out."""
    used = Q(include_lists=mailing_list) | Q(exclude_lists=mailing_list)
    campaigns = Campaign.objects.filter(used).distinct().order_by("-id")
    return [
        Use(name=name, kind="campaign", route="campaign_open", pk=pk)
        for pk, name in campaigns.values_list("pk", "name")
    ]
