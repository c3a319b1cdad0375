"""What several commands ask for: a workspace by slug, a list by name."""

from django.core.management.base import CommandError

from accounts.models import Workspace
from accounts.workspaces import workspaces
from subscribers.models import MailingList


def workspace(slug: str | None) -> Workspace:
    """Return the workspace of this slug, or the first one; says which there are otherwise."""
    if slug is None:
        first = Workspace.objects.order_by("id").first()
        if first is None:
            raise CommandError("There is no workspace yet. Start the product once, or load_demo.")
        return first
    found = workspaces.find(slug)
    if found is None:
        known = ", ".join(Workspace.objects.values_list("slug", flat=True)[:20])
        raise CommandError(f"There is no workspace “{slug}”. There are: {known}.")
    return found


def mailing_list(
    owner: Workspace,
    name: str,
    *,
    create: bool,
    visibility: str = MailingList.Visibility.PRIVATE,
) -> MailingList:
    """Return the list of this name, made if wanted; says which there are otherwise."""
    found = MailingList.objects.filter(workspace=owner, name=name).first()
    if found:
        return found
    if create:
        return MailingList.objects.create(workspace=owner, name=name, visibility=visibility)
    names = MailingList.objects.filter(workspace=owner).values_list("name", flat=True)[:20]
    raise CommandError(
        f"There is no list “{name}”. There are: {', '.join(names) or 'none'}. "
        "Add --create-list to make it."
    )
