"""Where clicks lead, in the memory of a web process: read once, then without any database.

A message's number says its campaign: a block of numbers is kept as stretches without a gap (where
several campaigns were planned at once there are many, and small blocks hold them). Campaigns share
one sequence of numbers, so a number that is missing may turn out to be another campaign's: it
belongs to no stretch until it was seen. Links of a campaign never change their number; so what is
here stays right, and is read anew in the background after a while, for what a paused campaign adds.
While the database is away, what is not here is taken from a copy in Redis that some process left
there.
"""

import json
import logging
import threading
import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import redis
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from campaigns.rendering import isolation
from campaigns.rendering.errors import ContentError
from delivery.tracking import hits

log = logging.getLogger(__name__)

LARGE, SMALL = 16, 10  # bits of a number within a block
BLOCKS_BYTES = 32_000_000  # of memory for all blocks
BLOCK_BYTES = 800  # of a block without its stretches
CAMPAIGNS_KEPT = 2_000
MOST_STRETCHES = 64  # of a large block
FRESH_SECONDS = 60.0
AGAIN_SECONDS = 2.0  # before a number that is not there is looked for once more
COPY_SECONDS = 30 * 86_400
ELSEWHERE = b""  # known, but to be answered with the person's values, or not at all

_STRETCHES = """
SELECT min(id), max(id), campaign_id FROM (
    SELECT id, campaign_id, id - row_number() OVER (PARTITION BY campaign_id ORDER BY id) AS run
    FROM delivery_message WHERE id BETWEEN %s AND %s
) AS numbered
GROUP BY campaign_id, run ORDER BY 1 LIMIT %s
"""
_LINKS = "SELECT ordinal, url FROM campaigns_link WHERE campaign_id = %s"

Stretch = tuple[int, int, int]  # first and last message, campaign
Block = tuple[int, int]  # bits, number


class Stretches:
    """Whose messages a block's numbers are, in 24 bytes a stretch.

    Each number within a stretch was there: what was not seen yet, nobody is said to own.
    """

    __slots__ = ("_campaigns", "_firsts", "_lasts")

    def __init__(self, rows: Iterable[Stretch]) -> None:
        ordered = sorted(rows)
        self._firsts = array("q", [first for first, _last, _campaign in ordered])
        self._lasts = array("q", [last for _first, last, _campaign in ordered])
        self._campaigns = array("q", [campaign for _first, _last, campaign in ordered])

    @property
    def size(self) -> int:
        """Bytes of memory, rounded up."""
        return BLOCK_BYTES + 24 * len(self._firsts)

    def campaign(self, message_id: int) -> int:
        """Return the campaign of a message, 0 when it is not there."""
        place = bisect_right(self._firsts, message_id) - 1
        if place < 0 or message_id > self._lasts[place]:
            return 0
        return self._campaigns[place]

    def rows(self) -> list[Stretch]:
        """Return first and last message and campaign of each, in order."""
        return list(zip(self._firsts, self._lasts, self._campaigns, strict=True))


@dataclass(slots=True)
class _Campaign:
    read_at: float
    targets: dict[int, bytes]  # by ordinal


class Destinations:
    """What one web process knows of messages and links. Asked on its loop, filled in threads."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[Block, Stretches] = OrderedDict()
        self._bytes = 0  # of all blocks
        self._keeping = threading.Lock()
        self._campaigns: OrderedDict[int, _Campaign] = OrderedDict()
        self.stale: set[int] = set()  # messages whose campaigns are to be read anew

    def known(self, message_id: int, ordinal: int) -> bytes | None:
        """Return where a link leads; `ELSEWHERE`: not to be said here; None: read it first."""
        campaign_id = 0
        for block in _blocks_of(message_id):
            stretches = self._blocks.get(block)
            campaign_id = stretches.campaign(message_id) if stretches else 0
            if campaign_id:
                break
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
            for bits, most in ((LARGE, MOST_STRETCHES), (SMALL, 1 << SMALL)):
                number = message_id >> bits
                first = number << bits
                cursor.execute(_STRETCHES, [first, first + (1 << bits) - 1, most + 1])
                rows: list[Stretch] = cursor.fetchall()
                if len(rows) <= most:
                    break
            stretches = Stretches(rows)
            campaign_id = stretches.campaign(message_id)
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
            for block in _blocks_of(message_id):
                stretches = Stretches(json.loads(client.get(_block_key(block)) or "[]"))
                campaign_id = stretches.campaign(message_id)
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
        self, block: Block, stretches: Stretches, campaign_id: int, urls: dict[int, str]
    ) -> None:
        targets = {ordinal: _target(url) for ordinal, url in urls.items()}
        with self._keeping:  # threads add; the loop only looks
            self._campaigns[campaign_id] = _Campaign(time.monotonic(), targets)
            self._campaigns.move_to_end(campaign_id)
            while len(self._campaigns) > CAMPAIGNS_KEPT:
                self._campaigns.popitem(last=False)
            if block[0] == SMALL:
                self._drop(_around(block))
            self._drop(block)
            self._blocks[block] = stretches
            self._bytes += stretches.size
            while self._bytes > BLOCKS_BYTES:
                self._drop(next(iter(self._blocks)))

    def _drop(self, block: Block) -> None:
        stretches = self._blocks.pop(block, None)
        if stretches is not None:
            self._bytes -= stretches.size


def _blocks_of(message_id: int) -> tuple[Block, Block]:
    """Return the blocks that may say a message's campaign, the one to ask first before."""
    return (SMALL, message_id >> SMALL), (LARGE, message_id >> LARGE)


def _around(block: Block) -> Block:
    """Return the large block that a small one lies in."""
    return LARGE, block[1] >> (LARGE - SMALL)


def _copy(block: Block, stretches: Stretches, campaign_id: int, urls: dict[int, str]) -> None:
    try:
        with hits.client().pipeline(transaction=False) as pipe:
            if block[0] == SMALL:
                pipe.delete(_block_key(_around(block)))
            pipe.set(_block_key(block), json.dumps(stretches.rows()), ex=COPY_SECONDS)
            pipe.set(_links_key(campaign_id), json.dumps(urls), ex=COPY_SECONDS)
            pipe.execute()
    except redis.RedisError:
        log.warning("links are not copied: Redis is away")


def _block_key(block: Block) -> str:
    return f"tracking:stretches:{block[0]}:{block[1]}"


def _links_key(campaign_id: int) -> str:
    return f"tracking:links:{campaign_id}"


def _target(url: str) -> bytes:
    if "{" in url:
        return ELSEWHERE
    try:
        return isolation.link_target(url, {}).encode("ascii")
    except (ContentError, UnicodeEncodeError):
        return ELSEWHERE
