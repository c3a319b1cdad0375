"""Rows of the workspace in a page's address: the one way in which views look one up."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404

from accounts.access.permissions import MemberRequest

M = TypeVar("M", bound=Model)


def own(request: MemberRequest, rows: "type[M] | QuerySet[M]", key: int | None) -> M:
    """Return the row with this key, if it belongs to the request's workspace.

    ``rows``: a model with a field ``workspace``, or a queryset of one that narrows or joins.

    Raises:
        Http404: there is none, or it is another workspace's.
    """
    return get_object_or_404(rows, workspace=request.workspace, pk=key)
