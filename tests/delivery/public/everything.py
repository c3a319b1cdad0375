"""A picture of the whole database, to see that nothing has changed."""

from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session

from accounts.models import Installation

# What every page may touch: sessions of people who sign in, and the pulse by which a restored
# database is noticed.
IGNORED = {Session, Installation}


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    return {
        model._meta.label: sorted(map(repr, model._base_manager.order_by("pk").values_list()))
        for model in apps.get_models()
        if model not in IGNORED
    }
