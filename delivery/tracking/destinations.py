"""Where clicks lead, in the memory of a web process: read once, then without any database.

A message's number says its campaign: a block of numbers holds a few campaigns, each in one stretch
(where several were planned at once, small blocks say it for each number). Links of a campaign never
change their number; so what is here stays right, and is read anew in the background after a while,
for what a paused campaign adds. While the database is away, what is not here is taken from a copy
in Redis that some process left there.
"""

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import redis
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from campaigns.rendering import isolation
from campaigns.rendering.errors import ContentError
from delivery.tracking import hits

log = logging.getLogger(__name__)

LARGE, SMALL = 16, 10  # bits of a number within a block
BLOCKS_KEPT = 4_000
CAMPAIGNS_KEPT = 2_000
MOST_STRETCHES = 64  # of a large block
FRESH_SECONDS = 60.0
AGAIN_SECONDS = 2.0  # before a number that is not there is looked for once more
COPY_SECONDS = 30 * 86_400
ELSEWHERE = b""  # known, but to be answered with the person's values, or not at all

_STRETCHES = """
SELECT min(id), max(id), campaign_id FROM delivery_message WHERE id BETWEEN %s AND %s
GROUP BY campaign_id ORDER BY 1
"""
_EACH = """
SELECT id, id, campaign_id FROM delivery_message WHERE id BETWEEN %s AND %s ORDER BY id
"""
_LINKS = "SELECT ordinal, url FROM campaigns_link WHERE campaign_id = %s"

Stretch = tuple[int, int, int]  # first and last message, campaign
Block = tuple[int, int]  # bits, number


@dataclass(slots=True)
class _Campaign:
    read_at: float
    targets: dict[int, bytes]  # by ordinal


class Destinations:
    """What one web process knows of messages and links. Asked on its loop, filled in threads."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[Block, Sequence[Stretch]] = OrderedDict()
        self._campaigns: OrderedDict[int, _Campaign] = OrderedDict()
        self.stale: set[int] = set()  # messages whose campaigns are to be read anew

    def known(self, message_id: int, ordinal: int) -> bytes | None:
        """Return where a link leads; `ELSEWHERE`: not to be said here; None: read it first."""
        block = self._blocks.get((LARGE, message_id >> LARGE)) or self._blocks.get(
            (SMALL, message_id >> SMALL), ()
        )
        campaign_id = _campaign(block, message_id)
        kept = self._campaigns.get(campaign_id)
        if kept is None:
            return None
        target = kept.targets.get(ordinal)
        age = time.monotonic() - kept.read_at
        if target is None:
            return None if age > AGAIN_SECONDS else ELSEWHERE
        if age > FRESH_SECONDS:
            self.stale.add(message_id)
        return target

    def load(self, message_id: int) -> None:
        """Read a message's campaign and its links; in a thread.

        Raises:
            LookupError: neither the database nor Redis knows.
        """
        close_old_connections()
        try:
            self._load(message_id)
        except (DatabaseError, InterfaceError):
            self.load_copy(message_id)
        finally:
            close_old_connections()

    def _load(self, message_id: int) -> None:
        with connection.cursor() as cursor:
            for bits, statement in ((LARGE, _STRETCHES), (SMALL, _EACH)):
                number = message_id >> bits
                first = number << bits
                cursor.execute(statement, [first, first + (1 << bits) - 1])
                stretches: list[Stretch] = cursor.fetchall()
                if bits == SMALL or _are_apart(stretches):
                    break
            campaign_id = _campaign(stretches, message_id)
            if not campaign_id:
                raise LookupError(message_id)
            cursor.execute(_LINKS, [campaign_id])
            urls = dict(cursor.fetchall())
        self._keep((bits, number), stretches, campaign_id, urls)
        _copy((bits, number), stretches, campaign_id, urls)

    def load_copy(self, message_id: int) -> None:
        """Read the same from the copy in Redis; in a thread.

        Raises:
            LookupError: it isn't there, or Redis is away.
        """
        client = hits.client()
        try:
            for block in ((LARGE, message_id >> LARGE), (SMALL, message_id >> SMALL)):
                stretches = [
                    tuple(one) for one in json.loads(client.get(_block_key(block)) or "[]")
                ]
                campaign_id = _campaign(stretches, message_id)
                if campaign_id:
                    break
            links = json.loads(client.get(_links_key(campaign_id)) or "null")
        except (redis.RedisError, ValueError) as error:
            raise LookupError(message_id) from error
        if not campaign_id or links is None:
            raise LookupError(message_id)
        urls = {int(ordinal): url for ordinal, url in links.items()}
        self._keep(block, stretches, campaign_id, urls)

    def _keep(
        self, block: Block, stretches: Sequence[Stretch], campaign_id: int, urls: dict[int, str]
    ) -> None:
        targets = {ordinal: _target(url) for ordinal, url in urls.items()}
        self._campaigns[campaign_id] = _Campaign(time.monotonic(), targets)
        self._campaigns.move_to_end(campaign_id)
        self._blocks[block] = stretches
        self._blocks.move_to_end(block)
        while len(self._campaigns) > CAMPAIGNS_KEPT:
            self._campaigns.popitem(last=False)
        while len(self._blocks) > BLOCKS_KEPT:
            self._blocks.popitem(last=False)


def _campaign(block: Sequence[Stretch], message_id: int) -> int:
    """Return the campaign of a message, 0 when it is not there."""
    for first, last, campaign_id in block:
        if first <= message_id <= last:
            return campaign_id
    return 0


def _are_apart(stretches: Sequence[Stretch]) -> bool:
    """Say whether no campaign's messages lie among another's; ``stretches`` are in their order."""
    ends = [last for _first, last, _campaign in stretches]
    starts = [first for first, _last, _campaign in stretches[1:]]
    return len(stretches) <= MOST_STRETCHES and all(
        end < start for end, start in zip(ends, starts, strict=False)
    )


def _copy(
    block: Block, stretches: Sequence[Stretch], campaign_id: int, urls: dict[int, str]
) -> None:
    try:
        with hits.client().pipeline(transaction=False) as pipe:
            pipe.set(_block_key(block), json.dumps(stretches), ex=COPY_SECONDS)
            pipe.set(_links_key(campaign_id), json.dumps(urls), ex=COPY_SECONDS)
            pipe.execute()
    except redis.RedisError:
        log.warning("links are not copied: Redis is away")


def _block_key(block: Block) -> str:
    return f"tracking:block:{block[0]}:{block[1]}"


def _links_key(campaign_id: int) -> str:
    return f"tracking:links:{campaign_id}"


def _target(url: str) -> bytes:
    if "{" in url:
        return ELSEWHERE
    try:
        return isolation.link_target(url, {}).encode("ascii")
    except (ContentError, UnicodeEncodeError):
        return ELSEWHERE
