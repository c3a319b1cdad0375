"""Rules that say what the filters of a list of people say."""

from typing import Any

from accounts.models import Workspace
from subscribers.directory.directory import Filters
from subscribers.models import MailingList
from subscribers.people import search
from subscribers.segments import tree
from subscribers.states import SubscriptionStatus


def rules(filters: Filters, workspace: Workspace) -> dict[str, Any]:
    """Return rules that leave the same people as the filters."""
    found: list[dict[str, Any]] = []
    for word in search.words(filters.search):
        part = {"operator": "contains", "text": word}
        either = [{"subject": "name", **part}, {"subject": "address", **part}]
        found.append({"match": "any", "rules": either})
    if filters.list_id is not None or filters.status:
        everything = MailingList.objects.filter(workspace=workspace).values_list("pk", flat=True)
        lists = [filters.list_id] if filters.list_id is not None else list(everything)
        known = filters.status in SubscriptionStatus.values
        operator = filters.status if known else "ever"
        found.append({"subject": "list", "operator": operator, "lists": lists})
    if filters.tag_id is not None:
        found.append({"subject": "tag", "operator": "any", "tags": [filters.tag_id]})
    if filters.segment_id is not None:
        found.append({"subject": "segment", "operator": "in", "segment": filters.segment_id})
    return {"version": tree.VERSION, "match": "all", "rules": found}
