"""Where clicks lead, in the memory of a web process: read once, then without any database.

A message's number says its campaign by blocks of numbers, which mostly belong to one campaign.
Links of a campaign never change their number; so what is here stays right, and is read anew in the
background after a while, for what a paused campaign adds. While the database is away, what is not
here is taken from a copy in Redis that some process left there.
"""

import json
import logging
import time
from array import array
from collections import OrderedDict
from dataclasses import dataclass

import redis
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from campaigns.rendering import isolation
from campaigns.rendering.errors import ContentError
from delivery.tracking import hits

log = logging.getLogger(__name__)

BLOCK_BITS = 12  # 4,096 messages
BLOCKS_KEPT = 2_000  # 16 kB each where campaigns are mixed: 32 MB at most
CAMPAIGNS_KEPT = 2_000
FRESH_SECONDS = 60.0
AGAIN_SECONDS = 2.0  # before a number that is not there is looked for once more
COPY_SECONDS = 30 * 86_400
ELSEWHERE = b""  # known, but to be answered with the person's values, or not at all

_BLOCK = """
SELECT id, campaign_id FROM delivery_message WHERE id BETWEEN %s AND %s ORDER BY id
"""
_LINKS = "SELECT ordinal, url FROM campaigns_link WHERE campaign_id = %s"


@dataclass(slots=True)
class _Campaign:
    read_at: float
    targets: dict[int, bytes]  # by ordinal


class Destinations:
    """What one web process knows of messages and links. Asked on its loop, filled in threads."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, int | array[int]] = OrderedDict()
        self._campaigns: OrderedDict[int, _Campaign] = OrderedDict()
        self.stale: set[int] = set()  # messages whose campaigns are to be read anew

    def known(self, message_id: int, ordinal: int) -> bytes | None:
        """Return where a link leads; `ELSEWHERE`: not to be said here; None: read it first."""
        block = self._blocks.get(message_id >> BLOCK_BITS)
        if block is None:
            return None
        campaign_id = (
            block if isinstance(block, int) else block[message_id & ((1 << BLOCK_BITS) - 1)]
        )
        kept = self._campaigns.get(campaign_id)
        if not campaign_id or kept is None:
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
        number = message_id >> BLOCK_BITS
        first = number << BLOCK_BITS
        with connection.cursor() as cursor:
            cursor.execute(_BLOCK, [first, first + (1 << BLOCK_BITS) - 1])
            block = array("I", bytes(4 << BLOCK_BITS))
            for pk, campaign_id in cursor.fetchall():
                block[pk - first] = campaign_id
            campaign_id = block[message_id - first]
            if not campaign_id:
                raise LookupError(message_id)
            cursor.execute(_LINKS, [campaign_id])
            urls = dict(cursor.fetchall())
        only = set(block)
        is_one = len(only) == 1
        self._keep(number, campaign_id if is_one else block, campaign_id, urls)
        self._copy(number, campaign_id if is_one else block, campaign_id, urls)

    def load_copy(self, message_id: int) -> None:
        """Read the same from the copy in Redis; in a thread.

        Raises:
            LookupError: it isn't there, or Redis is away.
        """
        number = message_id >> BLOCK_BITS
        try:
            raw = hits.client().get(_block_key(number))
            if not isinstance(raw, bytes):
                raise LookupError(message_id)
            block = int(raw) if len(raw) < 4 << BLOCK_BITS else array("I", raw)
            campaign_id = (
                block if isinstance(block, int) else block[message_id - (number << BLOCK_BITS)]
            )
            links = hits.client().get(_links_key(campaign_id))
        except (redis.RedisError, ValueError) as error:
            raise LookupError(message_id) from error
        if not isinstance(links, bytes):
            raise LookupError(message_id)
        urls = {int(ordinal): url for ordinal, url in json.loads(links).items()}
        self._keep(number, block, campaign_id, urls)

    def _keep(
        self, number: int, block: "int | array[int]", campaign_id: int, urls: dict[int, str]
    ) -> None:
        targets = {ordinal: _target(url) for ordinal, url in urls.items()}
        self._campaigns[campaign_id] = _Campaign(time.monotonic(), targets)
        self._campaigns.move_to_end(campaign_id)
        self._blocks[number] = block
        self._blocks.move_to_end(number)
        while len(self._campaigns) > CAMPAIGNS_KEPT:
            self._campaigns.popitem(last=False)
        while len(self._blocks) > BLOCKS_KEPT:
            self._blocks.popitem(last=False)

    def _copy(
        self, number: int, block: "int | array[int]", campaign_id: int, urls: dict[int, str]
    ) -> None:
        text = str(block) if isinstance(block, int) else block.tobytes()
        try:
            with hits.client().pipeline(transaction=False) as pipe:
                pipe.set(_block_key(number), text, ex=COPY_SECONDS)
                pipe.set(_links_key(campaign_id), json.dumps(urls), ex=COPY_SECONDS)
                pipe.execute()
        except redis.RedisError:
            log.warning("links are not copied: Redis is away")


def _block_key(number: int) -> str:
    return f"tracking:block:{number}"


def _links_key(campaign_id: int) -> str:
    return f"tracking:links:{campaign_id}"


def _target(url: str) -> bytes:
    if "{" in url:
        return ELSEWHERE
    try:
        return isolation.link_target(url, {}).encode("ascii")
    except (ContentError, UnicodeEncodeError):
        return ELSEWHERE
