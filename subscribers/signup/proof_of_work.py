"""Proof of work: what a browser computes once for a sign-up, and a flood would for each.

The protocol is ALTCHA's second version (https://altcha.org, MIT): find the counter for which a
repeated SHA-256 begins as the signed challenge says. The counter is drawn from a bounded range, so
that no visitor has bad luck. A challenge is good for one form, once, for half an hour. Nobody else
is asked anything, and nothing about the visitor is looked at.
"""

import secrets
from dataclasses import dataclass
from functools import cache as memoised
from hashlib import blake2b
from time import time
from typing import Any

import altcha
from django.conf import settings
from django.core.cache import cache

from subscribers.models import SignupForm

ALGORITHM = "SHA-256"
COST = 40  # hashes for each counter
COUNTERS = (4_000, 9_000)  # 160,000 to 360,000 hashes: under a second on a phone
HARDER = 4  # times as much while confirmations go unanswered
GOOD_FOR = 1_800  # seconds
LONGEST = 4_000  # letters of an answer


@dataclass(frozen=True, kw_only=True)
class Keys:
    """One signs challenges, the other their answers."""

    challenge: bytes
    answer: bytes


@memoised
def _keys() -> Keys:
    def key(name: bytes) -> bytes:
        return blake2b(settings.SECRET_KEY.encode(), person=name, digest_size=32).digest()

    return Keys(challenge=key(b"warta-challenge"), answer=key(b"warta-answer"))


def challenge(form: SignupForm, *, is_hard: bool = False) -> dict[str, Any]:
    """Make a challenge for a form, as JSON for `frontend/src/signup`; nothing is stored."""
    least, most = COUNTERS
    counter = least + secrets.randbelow(most - least)
    made = altcha.create_challenge(
        ALGORITHM,
        COST,
        counter=counter * HARDER if is_hard else counter,
        expires_at=int(time()) + GOOD_FOR,
        data={"form": form.public_id},
        hmac_secret=_keys().challenge,
        hmac_key_secret=_keys().answer,
    )
    return dict(made.to_dict())


def is_proof(form: SignupForm, answer: str) -> bool:
    """Say whether an answer solves a challenge of this form, and spend it: a second time it fails.

    Raises:
        redis.RedisError: it can't be spent now.
    """
    if not answer or len(answer) > LONGEST:
        return False
    try:
        payload = altcha.Payload.from_base64(answer)
        found = altcha.verify_solution(payload, _keys().challenge, hmac_key_secret=_keys().answer)
        data = payload.challenge.parameters.data
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    if not found.verified or not isinstance(data, dict) or data.get("form") != form.public_id:
        return False
    return bool(cache.add(f"signup:proof:{payload.challenge.signature}", 1, timeout=GOOD_FOR))
