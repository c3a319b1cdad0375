"""Hits as rows of the ledger's events, many in one COPY, and what they say of people's devices."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from delivery.states import AgentClass, EventKind, MessageState
from delivery.tracking import classify, devices, networks, person_devices
from delivery.tracking.classify import Visit
from delivery.tracking.hits import Hit

COPY = """
COPY delivery_event (campaign_id, message_id, subscriber_id, kind, agent, at, link_ordinal,
    user_agent_id, ip, reason, evidence, country) FROM STDIN
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The message that a hit is about."""

    message_id: int
    campaign_id: int
    subscriber_id: int
    state: MessageState
    handed_over_at: datetime | None
    is_known: bool  # False: the person was erased


class Writing:
    """Rows that are gathered, and then written."""

    def __init__(self, agent_ids: Mapping[str, int]) -> None:
        self._agent_ids = agent_ids
        self._rows: list[tuple[Any, ...]] = []
        self._people: dict[int, person_devices.Seen] = defaultdict(person_devices.Seen)

    def individual(self, hit: Hit, target: Target) -> AgentClass:
        """Add a hit with all that was seen; returns who made it."""
        evidence = classify.observe(visit(hit, target))
        verdict = classify.decide(hit.kind, evidence)
        country = networks.country(hit.ip)
        self._rows.append(
            (
                target.campaign_id,
                target.message_id,
                target.subscriber_id,
                hit.kind.value,
                verdict.value,
                hit.at,
                hit.ordinal,
                self._agent_ids.get(hit.user_agent),
                # Who was erased leaves no new trace.
                (hit.ip or None) if target.is_known else None,
                0,
                evidence,
                country or None,
            )
        )
        if verdict is AgentClass.HUMAN and target.is_known:
            device = devices.device_of(hit.user_agent)
            if device or country:
                self._people[target.subscriber_id].add(device, country, hit.at)
        return verdict

    def anonymous(self, hit: Hit, target: Target) -> AgentClass:
        """Add a hit without whose it was, from where, by what program, or at what minute."""
        evidence = classify.observe(visit(hit, target))
        verdict = classify.decide(hit.kind, evidence)
        hour = hit.at.replace(minute=0, second=0, microsecond=0)
        seen = (hit.kind.value, verdict.value, hour, hit.ordinal)
        self._rows.append((target.campaign_id, None, None, *seen, None, None, 0, evidence, None))
        return verdict

    def write(self) -> None:
        """Write all of them."""
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in self._rows:
                copy.write_row(row)
        person_devices.add(self._people)


def visit(hit: Hit, target: Target) -> Visit:
    """Return what a hit shows of its maker."""
    since = target.handed_over_at
    return Visit(
        kind=hit.kind,
        user_agent=hit.user_agent,
        ip=hit.ip,
        is_head=hit.is_head,
        names_language=hit.names_language,
        seconds_after=(hit.at - since).total_seconds() if since else None,
        is_prefetch=hit.is_prefetch,
        names_accept=hit.names_accept,
        is_hidden_link=hit.kind == EventKind.CLICKED and hit.ordinal == 0,
    )
