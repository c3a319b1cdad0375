"""Templates: which is the default, copies, and leaving none behind that is needed."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.input.once import under_free_name
from campaigns.models import Campaign, Template
from campaigns.states import CONFIRMED


@transaction.atomic
def make_default(template: Template) -> None:
    """Let new campaigns start with this template."""
    siblings = Template.objects.select_for_update().filter(workspace_id=template.workspace_id)
    list(siblings.order_by("pk").values_list("pk", flat=True))  # locked in one order
    siblings.exclude(pk=template.pk).update(is_default=False)
    siblings.filter(pk=template.pk).update(is_default=True)


def duplicate(template: Template) -> Template:
    """Copy a template under a free name."""
    return create(
        template.workspace_id,
        name=_("Copy of %(name)s") % {"name": template.name[:100]},
        description=template.description,
        source=template.source,
    )


def create(workspace_id: int, *, name: str, **fields: Any) -> Template:
    """Make a template under this name, with a number if it is taken."""
    names = Template.objects.filter(workspace_id=workspace_id).values_list("name", flat=True)
    return under_free_name(
        name,
        taken=lambda: set(names.all()),
        make=lambda free: Template.objects.create(workspace_id=workspace_id, name=free, **fields),
    )


class InUseError(Exception):
    """Campaigns that were confirmed stand in the template."""


@transaction.atomic
def delete(template: Template) -> None:
    """Delete a template; drafts in it keep their writing and stand in the plain frame.

    The default passes to the next by name, so that a workspace has one as long as it has any.

    Raises:
        InUseError: a campaign that is scheduled, being sent or paused stands in it.
    """
    Template.objects.select_for_update().get(pk=template.pk)
    if Campaign.objects.filter(content__template=template, status__in=CONFIRMED).exists():
        raise InUseError
    workspace_id, was_default = template.workspace_id, template.is_default
    template.delete()
    heir = Template.objects.filter(workspace_id=workspace_id).order_by("name").first()
    if was_default and heir is not None:
        make_default(heir)
