"""Keeps `PersonDevice`: what people read our mail with and where, by their own opens and clicks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from delivery.models import PersonDevice, UserAgent
from delivery.states import AgentClass, Device
from delivery.tracking import devices, position

_ADD = """
INSERT INTO delivery_persondevice AS known (subscriber_id, devices, country)
SELECT seen.id, seen.devices, seen.country
FROM unnest(%(ids)s::bigint[], %(devices)s::smallint[], %(countries)s::text[])
    AS seen (id, devices, country)
ORDER BY seen.id
ON CONFLICT (subscriber_id) DO UPDATE SET
    devices = known.devices | EXCLUDED.devices,
    country = CASE WHEN EXCLUDED.country = '' THEN known.country ELSE EXCLUDED.country END
WHERE known.devices | EXCLUDED.devices <> known.devices
    OR EXCLUDED.country NOT IN ('', known.country)
"""
_FROM_EVENTS = """
INSERT INTO delivery_persondevice (subscriber_id, devices, country)
SELECT event.subscriber_id, coalesce(bit_or(1 << agent.device), 0),
    coalesce((array_agg(event.country ORDER BY event.at DESC)
        FILTER (WHERE event.country IS NOT NULL))[1], '')
FROM delivery_event event
JOIN subscribers_subscriber person ON person.id = event.subscriber_id
LEFT JOIN delivery_useragent agent ON agent.id = event.user_agent_id AND agent.device > 0
WHERE event.kind IN (4, 5) AND event.agent = %(human)s
    AND (agent.id IS NOT NULL OR event.country IS NOT NULL)
GROUP BY 1
"""


@dataclass(slots=True)
class Seen:
    """What one person was seen with; ``devices``: bits 1 << `states.Device`."""

    devices: int = 0
    country: str = ""
    at: datetime | None = None

    def add(self, device: int, country: str, at: datetime) -> None:
        """Note one more open or click."""
        if device:
            self.devices |= 1 << device
        if country and (self.at is None or at >= self.at):
            self.country, self.at = country, at


def add(people: Mapping[int, Seen]) -> None:
    """Add what was seen of people who are still there, inside the transaction of the events."""
    rows = sorted((pk, seen) for pk, seen in people.items() if seen.devices or seen.country)
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            {
                "ids": [pk for pk, _ in rows],
                "devices": [seen.devices for _, seen in rows],
                "countries": [seen.country for _, seen in rows],
            },
        )


def rebuild() -> int:
    """Make every row anew from the events; returns how many there are."""
    name_devices(UserAgent.objects.all().iterator())
    with transaction.atomic(), connection.cursor() as cursor:
        position.take(wait=True)
        PersonDevice.objects.all().delete()
        cursor.execute(_FROM_EVENTS, {"human": AgentClass.HUMAN.value})
    return PersonDevice.objects.count()


def name_devices(agents: Iterable[UserAgent]) -> None:
    """Store what device each program runs on, where that is not known or known otherwise."""
    changed = []
    for agent in agents:
        device: Device = devices.device_of(agent.text)
        if agent.device != device:
            agent.device = device
            changed.append(agent)
    UserAgent.objects.bulk_update(changed, ["device"], batch_size=1_000)
