"""How well and how fast returned mails are read: ``python -m benchmarks.bounces``.

Against verdicts of others where `WARTA_TEST_DATA` has them, for two halves (the rules were written
on the first, and corrected once by the second); and against mails that were built to cost time and
memory, each in a process of its own.
"""

import json
import os
import subprocess
import sys
from typing import Any

import django

PERCENT = 100


def main() -> None:
    """Print one JSON line per figure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    _corpus()
    _hostile()


def _corpus() -> None:
    from benchmarks import _bounce_corpus as corpus

    if not corpus.FOLDER.exists():
        print(f"no mails in {corpus.FOLDER}: set WARTA_TEST_DATA", file=sys.stderr)  # noqa: T201
        return
    corpus.judge()  # warm
    halves = corpus.judge()
    for name, scores in {
        **{half: [halves[half]] for half in halves},
        "all": [*halves.values()],
    }.items():
        mails = sum(score.mails for score in scores)
        verdicts = sum(score.verdicts for score in scores)
        label = f"bounces_{name.replace(' ', '_')}"
        exact = PERCENT * sum(score.exact for score in scores) / mails
        right = PERCENT * sum(score.right for score in scores) / verdicts
        _print(f"{label}_mails", mails, "mails")
        _print(f"{label}_recipient_sets_exact", exact, "percent")
        _print(f"{label}_effects_right", right, "percent")
        _print(f"{label}_false_hards", sum(score.false_hards for score in scores), "mails")
        _print(
            f"{label}_soft_called_hard", sum(score.soft_called_hard for score in scores), "verdicts"
        )
        _print(f"{label}_read", mails / sum(score.seconds for score in scores), "mails/s")
        _print(f"{label}_slowest", 1_000 * max(score.slowest for score in scores), "milliseconds")


def _hostile() -> None:
    from benchmarks._hostile_mails import HOSTILE

    worst = {"seconds": 0.0, "megabytes": 0.0}
    for name in HOSTILE:
        ran = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "benchmarks._hostile_mails", name],
            check=True,
            capture_output=True,
        )
        result: dict[str, Any] = json.loads(ran.stdout)
        label = f"bounces_hostile_{'_'.join(name.lower().replace(',', '').split())}"
        _print(f"{label}_time", 1_000 * result["seconds"], "milliseconds")
        worst = {figure: max(before, result[figure]) for figure, before in worst.items()}
    _print("bounces_hostile_worst_time", 1_000 * worst["seconds"], "milliseconds")
    _print("bounces_hostile_worst_memory", worst["megabytes"], "MB")


def _print(name: str, value: float, unit: str) -> None:
    line = {"name": name, "value": round(value, 2), "unit": unit}
    print(json.dumps(line), flush=True)  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
