"""Throttled sending: how much of its limit an account reaches, and what that costs.

Judged by the log of the server: mails a second between the first and the last, the most within any
stretch of the limit's length (from the very first mail on), people and messages read in PostgreSQL
for each mail, and CPU. Real workers (two sending processes), PostgreSQL and Valkey. SECONDS
(default 20) is how long each case sends; CASES (default: all) names some of them: ``1/s``,
``10/s``, ``100/s``, ``120/min``, ``300/h`` (counted, not spread: an hour's worth goes at once and
then nothing), ``two`` accounts, ``twenty`` campaigns that share one. LATENCY is how many seconds
the server takes for an answer (default 0).
"""

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import _machine
from benchmarks._machine import figure
from tests.faults.conftest import Recorder
from tests.faults.product import Product

SECONDS = float(os.environ.get("SECONDS", "20"))
LATENCY = float(os.environ.get("LATENCY", "0"))
CONTENT = "<p>Halo {{ first_name }}</p>" + "<p>kopi</p>" * 300

_READ = """
SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
WHERE relname IN ('delivery_message', 'subscribers_subscriber')
"""
_BY_CAMPAIGN = """
SELECT campaign_id, count(*) FILTER (WHERE state = 4) FROM delivery_message GROUP BY 1
"""
_PLANNING = "SELECT FROM delivery_dispatch WHERE planning_done_at IS NULL"
_SEND = """
from django.core.management import call_command
from pathlib import Path
for number in range({count}):
    call_command("send_campaign", list=["Everybody"], subject=f"Panen {{number}}",
        html=Path("{path}"), **{{"from": "Kopi Senja <kabar@kopisenja.example>"}})
"""


@dataclass(frozen=True)
class Case:
    """A limit (so many per so many seconds), on so many accounts, for so many campaigns."""

    name: str
    column: str
    permits: int
    period: float
    accounts: int = 1
    campaigns: int = 1


CASES = (
    Case("1/s", "per_second", 1, 1.0),
    Case("10/s", "per_second", 10, 1.0),
    Case("100/s", "per_second", 100, 1.0),
    Case("120/min", "per_minute", 120, 60.0),
    Case("300/h", "per_hour", 300, 3600.0),
    Case("two", "per_second", 10, 1.0, accounts=2),
    Case("twenty", "per_second", 40, 1.0, campaigns=20),
)


def most_within(times: list[float], seconds: float) -> int:
    """Return the most mails within any stretch of that length."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def measure(product: Product, recorders: list[Recorder], case: Case) -> None:
    """Send for a while and print what the servers saw and what it cost."""
    rate = case.permits / case.period
    people = max(20_000, int(rate * SECONDS * 3))  # a table that no plan reads as a whole
    if case.campaigns > 1:
        people = max(2_000, int(people / case.campaigns))
    for number, recorder in enumerate(recorders, 1):
        limit = {case.column: case.permits}
        product.people(people, workspace=number, port=recorder.port, **limit)
    if case.campaigns > 1:
        path = product.data_dir / "campaign.html"
        path.write_text(CONTENT)
        code = _SEND.format(count=case.campaigns, path=path)
        product.manage("shell", "-v", "0", "-c", code)
    else:
        for number in range(1, case.accounts + 1):
            product.campaign(CONTENT, workspace=number)
    product.until(lambda: all(recorder.mail_times for recorder in recorders), seconds=60)
    product.until(lambda: not product.query(_PLANNING), seconds=300, every=1.0)
    time.sleep(3.0)  # the first second after a pause, and planning, are no part of it
    roots = [worker.pid for worker in product.workers]
    roots.append(_machine.postmaster(product.data_dir))
    # Whoever is counted by campaign is read in PostgreSQL too: before and after the rows are.
    by_campaign = dict(product.query(_BY_CAMPAIGN))
    time.sleep(1.5)  # until a backend has said what it read
    cpu, rows, began = (
        sum(map(_machine.cpu_seconds, roots)),
        dict(product.query(_READ)),
        time.time(),
    )
    time.sleep(SECONDS)
    ended = time.time()
    cpu = sum(map(_machine.cpu_seconds, roots)) - cpu
    time.sleep(1.5)
    read = {name: count - rows[name] for name, count in product.query(_READ)}
    gained = [
        count - by_campaign.get(campaign, 0) for campaign, count in product.query(_BY_CAMPAIGN)
    ]
    times = [recorder.mail_times for recorder in recorders]
    within = [[at for at in each if began <= at < ended] for each in times]
    mails = sum(map(len, within))
    name = f"throttled_{case.name.replace('/', '_per_')}"
    figure(f"{name}_load", os.getloadavg()[0], "1")
    figure(f"{name}_limit", case.permits, "1")
    figure(f"{name}_most_within_the_period", max(most_within(t, case.period) for t in times), "1")
    if case.period < SECONDS * 6:
        spans = [(len(each) - 1) / (each[-1] - each[0]) / rate for each in within]
        figure(f"{name}_share_of_the_limit", min(spans), "1")
    figure(f"{name}_cpu_share_of_a_core", cpu / (ended - began), "1")
    if mails:
        for table, count in read.items():
            figure(f"{name}_{table}_rows_read_per_mail", count / mails, "1")
        figure(f"{name}_cpu_per_1000", cpu / mails * 1000, "s")
    if case.campaigns > 1:
        fair = sum(gained) / len(gained)
        figure(f"{name}_least_served_campaign_of_its_share", min(gained) / fair, "1")
        figure(f"{name}_most_served_campaign_of_its_share", max(gained) / fair, "1")


def main() -> None:
    """Measure each case in a product of its own."""
    wanted = os.environ.get("CASES", "").split(",")
    base = Path(__file__).parent.parent / "var"
    base.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=base))
    try:
        cluster = _migrated(home)
        for case in CASES:
            if wanted == [""] or case.name in wanted:
                run(case, base, cluster)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    sys.stdout.flush()


def _migrated(folder: Path) -> Path:
    """Make a PostgreSQL cluster with an empty database, of which each case gets a copy."""
    from config.runtime import embedded

    with embedded.services(folder):
        Product(folder).manage("migrate", "--verbosity", "0")
    return embedded.places(folder).home / "postgres"


def run(case: Case, base: Path, cluster: Path) -> None:
    """Measure one case."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=base))
    recorders = [Recorder(folder / f"mails-{n}.log") for n in range(case.accounts)]
    try:
        for recorder in recorders:
            recorder.start(*([f"slow={LATENCY}"] if LATENCY else []))
        with Product(folder).running(sending=2, cluster=cluster) as product:
            measure(product, recorders, case)
    finally:
        for recorder in recorders:
            recorder.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
