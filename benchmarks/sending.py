"""Sending, end to end: plan → claim → render → SMTP → recorded in the ledger.

Real worker processes, PostgreSQL and Valkey; an 18 kB two-part mail with ten tracked links and an
open pixel to everybody, into Postfix's smtp-sink on loopback. AUDIENCE (default 100,000) and
PROCESSES (default: one per core) choose the size; both may be lists ("10000,100000,1000000" and
"1,2"), of which every pair is measured in a product of its own.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks import _machine
from benchmarks._content import newsletter
from benchmarks._machine import figure
from tests.faults.product import Product

AUDIENCES = [int(word) for word in os.environ.get("AUDIENCE", "100000").split(",")]
CORES = len(os.sched_getaffinity(0))
PROCESSES = [int(word) or CORES for word in os.environ.get("PROCESSES", "0").split(",")]
SIZE = 18_000


def measure(product: Product, port: int, *, audience: int, processes: int) -> None:
    """Send one campaign to everybody and print what it took."""
    product.people(audience, port=port)
    workers = [worker.pid for worker in product.workers]
    postgres, valkey = _machine.postmaster(product.data_dir), _machine.valkey(product.data_dir)
    before = {
        "workers": sum(map(_machine.cpu_seconds, workers)),
        "postgres": _machine.cpu_seconds(postgres),
        "valkey": _machine.cpu_seconds(valkey),
    }
    campaign = product.campaign(newsletter(size=SIZE))
    product.until(lambda: product.status(campaign) == "sent", seconds=3600, every=0.25)
    cpu = {
        "workers": sum(map(_machine.cpu_seconds, workers)) - before["workers"],
        "postgres": _machine.cpu_seconds(postgres) - before["postgres"],
        "valkey": _machine.cpu_seconds(valkey) - before["valkey"],
    }
    states = product.states(campaign)
    if states != {"sent": audience} or states != product.tallies(campaign):
        raise SystemExit(f"not everybody was sent to: {states}")
    ((first, sending, planning),) = product.query(
        """
        SELECT extract(epoch FROM min(message.attempted_at) - campaign.started_at)::float,
            extract(epoch FROM max(message.attempted_at) - campaign.started_at)::float,
            extract(epoch FROM dispatch.planning_done_at - campaign.started_at)::float
        FROM campaigns_campaign campaign
        JOIN delivery_dispatch dispatch ON dispatch.campaign_id = campaign.id
        JOIN delivery_message message ON message.campaign_id = campaign.id
        WHERE campaign.id = %s GROUP BY campaign.id, dispatch.id
        """,
        campaign,
    )
    rate = audience / sending
    name = f"sending_{audience}" + (f"_by_{processes}" if processes != CORES else "")
    figure(f"{name}_messages_per_second", rate, "1/s")
    figure(f"{name}_first_recorded_after", first, "s")
    figure(f"{name}_planned_after", planning, "s")
    for part, seconds in cpu.items():
        figure(f"{name}_cpu_{part}_per_100000", seconds * 100_000 / audience, "s")
    both = cpu["workers"] + cpu["postgres"]
    figure(f"{name}_cpu_workers_and_postgres_per_100000", both * 100_000 / audience, "s")
    memory = max(map(_machine.peak_megabytes, product.senders()))
    figure(f"{name}_peak_memory_of_a_sending_process", memory, "MB")
    source = _machine.smtp_source(port, messages=min(audience, 100_000), size=SIZE)
    figure("smtp_source_messages_per_second", source, "1/s")
    figure(f"{name}_ratio_to_smtp_source", rate / source, "1")


def main() -> None:
    """Measure each size, in a folder of its own."""
    for audience in AUDIENCES:
        for processes in PROCESSES:
            folder = Path(tempfile.mkdtemp(prefix="bench-", dir=_base()))
            product = Product(folder)
            try:
                with _machine.sink() as port, product.running(sending=processes):
                    time.sleep(1)
                    measure(product, port, audience=audience, processes=processes)
            finally:
                if not os.environ.get("KEEP"):
                    shutil.rmtree(folder, ignore_errors=True)


def _base() -> Path:
    base = Path(__file__).parent.parent / "var"
    base.mkdir(exist_ok=True)
    return base


if __name__ == "__main__":
    main()
