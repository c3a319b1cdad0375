"""Making what members stored forget a person: texts of actions, segments and imports, and copies.

A member may have searched for an address, or named it in a rule. The text is replaced by one that
nobody has, so that an action or a rule never means more people than before.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from accounts.models import Workspace
from subscribers.models import BulkAction, Import, SearchBlock, Segment, Subscriber
from subscribers.people import search
from subscribers.privacy.scrubbing import NOBODY


def forget(workspace: Workspace, *, people: Sequence[int], names: Sequence[str]) -> None:
    """Forget people by their keys; ``names`` are their addresses and full names."""
    blocks = {key >> search.BLOCK_BITS for key in people}
    SearchBlock.objects.filter(workspace=workspace, block__in=blocks).delete()  # they are marked
    kind = ContentType.objects.get_for_model(Subscriber)
    entries = LogEntry.objects.filter(content_type=kind, object_id__in=[str(key) for key in people])
    for name in names:  # of other things that were named after them, too
        entries |= LogEntry.objects.filter(
            Q(object_repr__icontains=name) | Q(change_message__icontains=name)
        )
    entries.update(object_repr="", change_message="")
    known = "|".join(re.escape(name) for name in names)
    wanted = re.compile(rf"(?<!\w)(?:{known})(?!\w)", re.IGNORECASE)
    for model, columns in (
        (BulkAction, ("filters", "settings")),
        (Segment, ("rules", "description")),
        (Import, ("columns", "filename", "bring_back_reason")),
    ):
        rows = model._default_manager.filter(workspace=workspace)  # noqa: SLF001 - Django's public name for it
        for row in rows.only(*columns).iterator():
            held = {name: getattr(row, name) for name in columns}
            if wanted.search(json.dumps(held, ensure_ascii=False)):
                rows.filter(pk=row.pk).update(
                    **{name: without(value, wanted) for name, value in held.items()}
                )


def without(value: Any, wanted: re.Pattern[str]) -> Any:
    """Return a JSON value with what is wanted replaced by nobody in its texts."""
    if isinstance(value, dict):
        return {key: without(one, wanted) for key, one in value.items()}
    if isinstance(value, list):
        return [without(one, wanted) for one in value]
    return wanted.sub(NOBODY, value) if isinstance(value, str) else value
