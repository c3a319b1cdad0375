"""About how many people fit rules, by asking some of them; docs/decisions/0078.

People are drawn one by one, each as likely as every other, however many gaps their keys have: a key
is drawn from the blocks of keys in which the workspace has anybody (`SearchBlock`, `SearchMark`),
and drawn again where nobody has it. So people who came together, and are alike, are not drawn
together. The rules are asked of those people alone, with the very condition that counting uses.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10, sqrt
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, F, Func, QuerySet, Value

from accounts.models import Workspace
from subscribers.models import Subscriber
from subscribers.people import search
from subscribers.segments import members
from subscribers.segments.kinds import Scope
from subscribers.segments.tree import RuleGroup

MANY: Final = 20_000  # people; fewer are counted at once
DRAWN: Final = 2_000  # people asked
PROBES: Final = 40_000  # keys looked up to find them; only where few of a block's keys are used
MILLISECONDS: Final = 1_000  # for asking them; in a second the exact count may have come as well
_SURE: Final = 1.96  # of a normal distribution's deviations: 95 %
_BLOCK: Final = 1 << search.BLOCK_BITS

# Both are read from their indexes alone. A block that has been emptied costs a few draws.
_BLOCKS: Final = """
SELECT block FROM subscribers_searchblock WHERE workspace_id = %(workspace)s
UNION SELECT block FROM subscribers_searchmark WHERE workspace_id = %(workspace)s
"""
_PRESENT: Final = """
SELECT id FROM subscribers_subscriber WHERE workspace_id = %(workspace)s AND id = ANY(%(keys)s)
"""
# Two thousand people are looked up one by one in what the rules ask about. No whole set is read.
_SETTINGS: Final = """
SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off
"""
_DEFAULTS: Final = """
SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT;
SET LOCAL enable_seqscan TO DEFAULT
"""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How many people probably fit, of how many: 19 of 20 such ranges hold the true number.

    The numbers are as round as the range allows. ``examples`` are keys of people who fit.
    """

    value: int
    low: int
    high: int
    of: int
    asked: int
    examples: tuple[int, ...] = ()


class _IsAmong(Func):
    """Whether a key is one of an array: one parameter, however many keys."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def estimate(scope: Scope, group: RuleGroup, *, seed: str = "") -> Estimate | None:
    """Estimate how many people fit; None: it is counted at once, being small or of everybody.

    The same people are asked all day, so that the same rules have the same answer and similar ones
    can be compared, and others the day after. Another ``seed`` draws others.

    Raises:
        TooMuch: asking even these few takes too long.
    """
    whole = members.size(scope.workspace)
    if whole < MANY or not group.rules:
        return None
    seed = seed or f"{scope.workspace.pk} {scope.today}"
    with members.in_time(milliseconds=MILLISECONDS):
        keys = draw(scope.workspace, whole=whole, seed=seed)
        if not keys:
            return None
        fitting = among(members.people(scope, group), keys)
    found = scaled(len(fitting), asked=len(keys), whole=whole)
    return replace(found, examples=tuple(sorted(fitting, reverse=True)[: members.SAMPLES]))


def among(people: QuerySet[Subscriber], keys: Sequence[int]) -> list[int]:
    """Return which of some people are among ``people``, looking each of them up.

    Raises:
        TooMuch: even that takes too long.
    """
    given = _IsAmong(F("pk"), Value(list(keys), output_field=ArrayField(BigIntegerField())))
    with members.in_time(milliseconds=MILLISECONDS):
        with connection.cursor() as cursor:
            cursor.execute(_SETTINGS)
        found = list(people.filter(given).values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(_DEFAULTS)
    return found


def draw(workspace: Workspace, *, whole: int, seed: str, share: float = 1) -> list[int]:
    """Draw about `DRAWN` people at random, without drawing anybody twice; returns their keys.

    More of them where only a ``share`` is of interest, so that about as many of those are drawn.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, {"workspace": workspace.pk})
        blocks = sorted(block for (block,) in cursor.fetchall())
        places = len(blocks) * _BLOCK
        wanted = min(ceil(DRAWN * places / max(whole * share, 1)), PROBES, places)
        keys = [
            blocks[place // _BLOCK] * _BLOCK + place % _BLOCK
            for place in chance.sample(range(places), wanted)
        ]
        cursor.execute(_PRESENT, {"workspace": workspace.pk, "keys": sorted(keys)})
        return [key for (key,) in cursor.fetchall()]


def scaled(fitting: int, *, asked: int, whole: int) -> Estimate:
    """Return what ``fitting`` of ``asked`` people say about the whole.

    The range is Wilson's with a continuity correction (Newcombe, Statistics in Medicine 17, 1998,
    method 4), which keeps its promise also where hardly anybody fits; Wilson's own does not. It
    never contradicts what was seen.
    """
    share = fitting / asked
    low, high = whole * _lowest(share, asked), whole * (1 - _lowest(1 - share, asked))
    least, most = fitting, whole - (asked - fitting)
    unit = 10 ** max(0, floor(log10(max(high - low, 1) / 10)))
    low, high = floor(low / unit) * unit, ceil(high / unit) * unit
    return Estimate(
        value=min(max(round(share * whole / unit) * unit, least), most),
        low=min(max(low, least), most),
        high=max(min(high, most), least),
        of=whole,
        asked=asked,
    )


def _lowest(share: float, asked: int) -> float:
    if share == 0:
        return 0
    z, misses = _SURE, 1 - share
    root = sqrt(z * z - 2 - 1 / asked + 4 * share * (asked * misses + 1))
    return max(0, (2 * asked * share + z * z - 1 - z * root) / (2 * (asked + z * z)))
