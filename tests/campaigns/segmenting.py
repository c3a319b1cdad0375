"""Segments for the tests of audiences: their rules are conditions of the ORM, given here."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db.models import Q, QuerySet

from accounts.models import Workspace
from subscribers.models import Segment, Subscriber
from subscribers.segments import members

MakeSegment = Callable[[Workspace, str, Q], Segment]


@pytest.fixture
def make_segment(monkeypatch: pytest.MonkeyPatch) -> MakeSegment:
    """Return a function that makes a segment of the people who fit a condition."""
    conditions: dict[int, Q] = {}

    def people(segment: Segment, *, at: datetime | None = None) -> QuerySet[Subscriber]:
        everybody = Subscriber.objects.filter(workspace_id=segment.workspace_id)
        if segment.pk not in conditions:
            raise ValueError(segment.pk)
        return everybody.filter(conditions[segment.pk])

    monkeypatch.setattr(members, "members", people)

    def make(workspace: Workspace, name: str, condition: Q) -> Segment:
        segment = Segment.objects.create(workspace=workspace, name=name)
        conditions[segment.pk] = condition
        return segment

    return make
