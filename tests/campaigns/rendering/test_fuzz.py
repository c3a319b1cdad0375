"""Made-up templates, Markdown, HTML and tokens, judged by a clock outside the process.

Each input is answered by a rendering process whose time and memory the kernel bounds: no input of
a few kilobytes may come to that bound, and none may end in anything but a mail or a sentence.
FUZZ_SEED repeats a run, FUZZ_SECONDS makes it longer.
"""

import json
import os
import pickle
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from campaigns.rendering import rendering_process
from campaigns.rendering.compile import Writing
from campaigns.rendering.pool import RenderingPool, StoppedError
from campaigns.states import ContentKind
from tests.campaigns.rendering.test_any_source import FRAGMENTS
from tests.campaigns.rendering.writings import TAGS, Reader

BASE = Path(__file__).parents[3]
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
SECONDS = float(os.environ.get("FUZZ_SECONDS", "10"))
MOST = 4_000  # characters of an input
BOUND = 6.0  # processor seconds; such an input needs some hundredths
# What is only reported as "too long": it was in fact stopped by a bound of its own.
BOUNDED = {b"MemoryError", b"RecursionError"}

PIECES = [
    *FRAGMENTS,
    *("{% macro m(a) %}", "{% endmacro %}", "{{ m(m) }}", "{{ m(a) }}", "{% call m(1) %}"),
    *("{% endcall %}", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}", "{{ loop.length }}"),
    *("{% set a = a ~ a %}", "{% set a %}{{ a }}{{ a }}{% endset %}", "{{ a[::-1] }}"),
    *("{% for a in bio %}", "{% for b in bio %}", "{% with a = bio %}", "{% endwith %}"),
    *("{{ bio|replace('', bio) }}", "{{ bio|join(bio) }}", "{{ bio|urlencode|urlencode }}"),
    *("{{ 9 ** 9 ** 9 }}", "{{ bio * 9 }}", "{{ [[[bio]]] }}", "{{ {'a': bio} }}"),
    *("{{ bio|truncate(9)|date('N') }}", "{{ bio == bio and bio in bio }}", "{{ points / 0 }}"),
    *('<a "', "<a ", '"<a" ', '<a href="{{ bio }}" ', "<!--", "<![CDATA[", "&#x", "&"),
    *("<td><table>", "<style>{", "@media ", "a > b ~ ", "::button[", "](", "[[", "![[", "**a_"),
    *("|", "|-", "> ", "    ", "1. ", "- ", "`", "~~~", "<b", "\\", "http://", "www.", "//"),
]


def made_up(chance: random.Random) -> str:
    """Return pieces in a row, each perhaps repeated and nested: what scanners stumble over."""
    out: list[str] = []
    for _piece in range(chance.randrange(1, 12)):
        some = "".join(chance.choices(PIECES, k=chance.randrange(1, 4)))
        out.append(some * chance.choice([1, 1, 1, 2, 10, 100, 1000]))
        if chance.random() < 0.2:
            out.append("\n" * chance.randrange(1, 3))
    return "".join(out)[:MOST]


def test_no_input_takes_longer_than_it_may():
    chance = random.Random(SEED)  # noqa: S311 - to be repeated
    person = Reader(fields={"bio": "aaaaaaaaab" * 50, "points": 3, "drinks": ["a", "b"]})
    sys.stdout.write(f"FUZZ_SEED={SEED}\n")
    pool = RenderingPool()
    tried, until = 0, time.monotonic() + SECONDS
    try:
        while time.monotonic() < until or not tried:
            tried += 1
            kind, source = chance.choice(list(ContentKind)), made_up(chance)
            writing = Writing(kind=kind, source=source, subject=source[:200])
            work, args = chance.choice(
                [
                    ("preview", (writing, TAGS, person)),
                    ("findings", (writing, TAGS, [person])),
                    ("compile", (writing, TAGS)),
                    ("lint", (writing, TAGS)),
                    ("convert", (writing, chance.choice(list(ContentKind)), "id")),
                ]
            )
            case = f"FUZZ_SEED={SEED} case {tried}: {work} of {kind}: {json.dumps(source)}"
            try:
                reply = pool.ask(pickle.dumps((work, args, {}, "en", BOUND)), seconds=60)
            except StoppedError:
                pytest.fail(f"It had to be stopped. {case}")
            fault = reply[1:] if reply.startswith(rendering_process.FAILED) else b""
            assert not fault or fault in BOUNDED, f"{fault.decode()}. {case}"
    finally:
        pool.close()
    sys.stdout.write(f"{tried} inputs\n")


TOKENS = """
import os, random, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
from django.conf import settings
settings.configure(SECRET_KEY="of-a-test", SECRET_KEY_FALLBACKS=[])
from delivery.mime import tokens
chance = random.Random(int(sys.argv[1]))
letters = "abcXYZ019-_=+/.%\\\\0\\u00e9\\u2028\\U0001f600 \\ud800"
ids = [chance.randrange(1, 2**47) for _purpose in tokens.Purpose]
real = [tokens.make(number, purpose) for number, purpose in zip(ids, tokens.Purpose)]
for number in range(int(sys.argv[2])):
    token = chance.choice(real)
    if chance.random() < 0.5:
        at = chance.randrange(len(token))
        token = token[:at] + chance.choice(letters) + token[at + chance.randrange(2):]
    else:
        token = "".join(chance.choices(letters, k=chance.choice([0, 1, 20, 24, 32, 100_000])))
    for purpose in tokens.Purpose:
        found = tokens.read(token, purpose)
        assert found is None or found in ids, (sys.argv[1], number, token)
"""


def test_made_up_tokens_mean_nothing():
    found = subprocess.run(
        [sys.executable, "-c", TOKENS, str(SEED), "300"],
        cwd=BASE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-2000:]
