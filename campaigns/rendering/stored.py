"""Stored contents, rendered by rendering processes with all that belongs to them.

A draft follows its template, the workspace and its fields. What was confirmed does not: it is
compiled from `surroundings` that were written into its row, whatever happens to them later.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from campaigns import queries
from campaigns.findings import Finding
from campaigns.models import Campaign, Content
from campaigns.rendering import isolation, links
from campaigns.rendering.compile import CompiledContent, Writing
from campaigns.rendering.preview import Preview
from campaigns.rendering.values import MergeTags, Person, Untrusted, merge_tags
from campaigns.states import ContentKind, TrackingMode
from subscribers.states import FieldType


def surroundings(content: Content) -> dict[str, Any]:
    """Return, as JSON, what a content is compiled with besides what stands in its own row."""
    workspace = content.campaign.workspace
    tags = merge_tags(workspace)
    return {
        "template": content.template.source if content.template else "",
        "brand": workspace.brand_colour,
        "language": tags.language,
        "constants": dict(tags.constants),
        "fields": {tag: [key, kind.value] for tag, (key, kind) in tags.fields.items()},
    }


def tags_of(content: Content) -> MergeTags:
    """Return the merge tags that a content can use: today's, or those it was confirmed with."""
    kept = content.frozen_with
    if kept is None:
        return merge_tags(content.campaign.workspace)
    return MergeTags(
        fields={tag: (key, FieldType(kind)) for tag, (key, kind) in kept["fields"].items()},
        constants={tag: Untrusted(value) for tag, value in kept["constants"].items()},
        language=kept["language"],
    )


def writing_of(content: Content) -> Writing:
    """Read what an author wrote from its row, and the template that it stands in."""
    kept = content.frozen_with
    if kept is not None:
        template, brand = kept["template"], kept["brand"]
    else:
        template = content.template.source if content.template else ""
        brand = content.campaign.workspace.brand_colour
    return Writing(
        kind=ContentKind(content.kind),
        source=content.source,
        subject=content.subject,
        preheader=content.preheader,
        text=content.text,
        template_source=template,
        brand=brand,
    )


def compile_version(content: Content) -> CompiledContent:
    """Compile a row with what belongs to it; links keep the numbers that are stored already.

    Raises:
        ContentError: the first thing that has to be fixed.
    """
    return _compile(content, links.stored_links(content.campaign))


def _compile(content: Content, known_links: Sequence[str]) -> CompiledContent:
    campaign = content.campaign
    tracking = queries.tracking_of_campaign(campaign)
    tracks = tracking.mode != TrackingMode.OFF
    clicks = campaign.track_clicks and tracks
    with isolation.on_behalf_of(campaign.workspace_id):
        return isolation.compile_content(
            writing_of(content),
            tags_of(content),
            track_opens=campaign.track_opens and tracks,
            track_clicks=clicks,
            known_links=known_links,
            hidden_link=clicks and tracking.hidden_link,
        )


def compile_and_store(content: Content) -> CompiledContent:
    """Compile a row and store its links, so that clicks can be answered. Safe to run twice at once.

    Raises:
        ContentError: the first thing that has to be fixed.
    """
    known = links.stored_links(content.campaign)
    compiled = _compile(content, known)  # takes a moment: nobody has to wait for the row meanwhile
    with transaction.atomic():
        campaigns = Campaign.objects.select_for_update(of=("self",)).select_related("workspace")
        content.campaign = campaigns.get(pk=content.campaign_id)
        stored = links.stored_links(content.campaign)
        if stored != known:  # another version came first, and its numbers stand
            compiled = _compile(content, stored)
        links.store_links(content.campaign, compiled.links)
    return compiled


def preview_content(content: Content, person: Person | None = None) -> Preview:
    """Show a stored content as a person gets it (an example without one)."""
    with isolation.on_behalf_of(content.campaign.workspace_id):
        return isolation.preview(writing_of(content), tags_of(content), person)


def findings_of(content: Content, people: Sequence[Person] = ()) -> list[Finding]:
    """Check a stored content; ``people`` are real subscribers to try it on (a few dozen)."""
    with isolation.on_behalf_of(content.campaign.workspace_id):
        return isolation.findings(writing_of(content), tags_of(content), people)
