"""How well returned mails are read, judged by verdicts that others gave (`WARTA_TEST_DATA`).

The mails are never copied. What is counted: recipient sets that are exactly those of the verdict,
effects on its side ("hard": the address or host is permanently bad), and *false hards*: an address
called bad by an automatic answer, a delay, or no bounce at all.
"""

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from delivery.bounces.reading import MailKind, Reading, Report, read
from delivery.states import Effect, EventKind

ROOT = Path(__file__).parents[1]
FOLDER = Path(os.environ.get("WARTA_TEST_DATA", ROOT / "../shared/data")) / "bounces"
# The rules were written on the first half, and corrected once by the second.
HALVES = ("first half", "second half")
_HIDDEN = ("redacted", "undisclosed")  # how others name recipients that a complaint hides
_ANSWERS = frozenset({MailKind.AUTO_REPLY, MailKind.CHALLENGE})
_HARMLESS = frozenset({"autoreply", "notbounce", "soft(delayed)", "unknown"})


@dataclass
class Score:
    """Counts of one half."""

    mails: int = 0
    exact: int = 0
    verdicts: int = 0
    right: int = 0
    false_hards: int = 0
    soft_called_hard: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)


def half_of(file: str) -> str:
    """Return which half a mail is in: by its name, so that it stays there."""
    return HALVES[sha256(Path(file).name.encode()).digest()[0] % 2]


def judge() -> dict[str, Score]:
    """Read all mails that somebody gave a verdict of; return the score of each half."""
    scores = {half: Score() for half in HALVES}
    for file, rows in _verdicts():
        score = scores[half_of(file)]
        raw = (FOLDER / file).read_bytes()
        start = perf_counter()
        reading = read(raw)
        took = perf_counter() - start
        score.seconds += took
        score.slowest = max(score.slowest, took)
        _count(score, file, rows, reading)
    return scores


def _verdicts() -> Iterator[tuple[str, list[dict[str, str]]]]:
    by_file: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (FOLDER / "expected.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if not row["authority"].startswith("none"):  # nobody says what is right
                by_file[row["file"]].append(row)
    return iter(sorted(by_file.items()))


def _count(score: Score, file: str, rows: list[dict[str, str]], reading: Reading) -> None:
    wanted = {_plain(row["recipient"]) for row in rows} - {""}
    # Whoever answers by a machine is no recipient that failed.
    named = () if reading.kind in _ANSWERS else reading.reports
    found = {report.recipient.lower() for report in named} - {""}
    score.mails += 1
    score.exact += wanted == found
    if wanted != found:
        score.wrong.append(f"{file}: recipients {sorted(found)}, not {sorted(wanted)}")
    for row in rows:
        report = _report_on(_plain(row["recipient"]), reading)
        is_hard = report is not None and report.effect is Effect.ADDRESS_INVALID
        is_right = _is_right(row["class"], report, reading, is_hard=is_hard)
        score.verdicts += 1
        score.right += is_right
        score.false_hards += is_hard and row["class"] in _HARMLESS
        score.soft_called_hard += is_hard and row["class"] == "soft"
        if not is_right:
            cause = report.cause.name if report else "nothing"
            score.wrong.append(f"{file}: {cause}, not {row['class']} {row['reason']}")


def _plain(recipient: str) -> str:
    recipient = recipient.lower().replace('\\"', '"')
    return "" if recipient.startswith(_HIDDEN) else recipient


def _report_on(recipient: str, reading: Reading) -> Report | None:
    for report in reading.reports:
        if report.recipient.lower() == recipient:
            return report
    return reading.reports[0] if len(reading.reports) == 1 else None


def _is_right(verdict: str, report: Report | None, reading: Reading, *, is_hard: bool) -> bool:
    kind = report.kind if report else None
    return {
        "hard": is_hard,
        "soft": report is not None and not is_hard,
        "hard(failed)": kind is EventKind.BOUNCED,
        "soft(delayed)": kind is EventKind.DELAYED,
        "complaint": reading.kind is MailKind.COMPLAINT,
        "autoreply": reading.kind is MailKind.AUTO_REPLY,
        "notbounce": reading.kind not in {MailKind.BOUNCE, MailKind.COMPLAINT},
    }.get(verdict, not is_hard)
