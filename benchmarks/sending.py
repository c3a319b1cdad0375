"""Sending as it is shipped: plan → claim → render → SMTP → recorded in the ledger.

All of `make run` with its defaults (web server, beat, all workers, the sandbox, PostgreSQL and
Valkey) and the account that SMTP_URL makes; an 18 kB two-part mail with ten tracked links and an
open pixel to everybody, into Postfix's smtp-sink on loopback. Postfix's smtp-source sends as many
mails of that size to the same sink before and after, while the product stands by: so whatever else
the machine does falls on both alike. AUDIENCE (default 100,000) and PROCESSES (of those that send;
default: one per core) choose the size; both may be lists ("10000,100000" and "1,2"), of which every
pair is measured in a product of its own. ROUNDS (default 1) campaigns are sent by each.
"""

import os
import shutil
import statistics
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
ROUNDS = int(os.environ.get("ROUNDS", "1"))
SIZE = 18_000

# By the ledger: the first and the last answer, the end of planning and "finished".
_TIMES = """
SELECT extract(epoch FROM min(message.attempted_at) - campaign.started_at)::float,
    extract(epoch FROM max(message.attempted_at) - campaign.started_at)::float,
    extract(epoch FROM dispatch.planning_done_at - campaign.started_at)::float,
    extract(epoch FROM campaign.finished_at - max(message.attempted_at))::float
FROM campaigns_campaign campaign
JOIN delivery_dispatch dispatch ON dispatch.campaign_id = campaign.id
JOIN delivery_message message ON message.campaign_id = campaign.id
WHERE campaign.id = %s GROUP BY campaign.id, dispatch.id
"""


def parts(product: Product, root: int) -> dict[str, list[int]]:
    """Return the process ids of what runs, by what they are."""
    postgres, valkey = _machine.postmaster(product.data_dir), _machine.valkey(product.data_dir)
    workers = [pid for pid in _machine.children(root) if "celery" in _machine.command(pid)]
    sending = [pid for pid in workers if "--queues=sending" in _machine.command(pid)]
    others = [pid for pid in _machine.children(root) if pid not in workers]
    return {
        "workers": workers,
        "workers_sending": sending,
        "web_and_sandbox": [
            pid
            for pid in others
            if "config.runtime.service_supervisor" not in _machine.command(pid)
        ],
        "postgres": [postgres],
        "valkey": [valkey],
    }


def cpu_of(found: dict[str, list[int]]) -> dict[str, float]:
    """Return the CPU seconds that each part has used."""
    return {name: sum(map(_machine.cpu_seconds, pids)) for name, pids in found.items()}


def measure(product: Product, root: int, port: int, *, audience: int, processes: int) -> None:
    """Send one campaign to everybody and print what it took."""
    found = parts(product, root)
    sources = [_machine.smtp_source(port, messages=min(audience, 50_000), size=SIZE)]
    before, began = cpu_of(found), time.time()
    campaign = product.campaign(newsletter(size=SIZE))
    product.until(lambda: product.status(campaign) == "sent", seconds=3600, every=0.1)
    whole = time.time() - began
    cpu = {name: seconds - before[name] for name, seconds in cpu_of(found).items()}
    sources.append(_machine.smtp_source(port, messages=min(audience, 50_000), size=SIZE))
    states = product.states(campaign)
    if states != {"sent": audience} or states != product.tallies(campaign):
        raise SystemExit(f"not everybody was sent to: {states}")
    ((first, sending, planning, finishing),) = product.query(_TIMES, campaign)
    rate = audience / sending
    name = f"sending_{audience}" + (f"_by_{processes}" if processes != CORES else "")
    figure(f"{name}_messages_per_second", rate, "1/s")
    figure(f"{name}_from_the_command_to_finished", whole, "s")
    figure(f"{name}_first_recorded_after", first, "s")
    figure(f"{name}_planned_after", planning, "s")
    figure(f"{name}_finished_after_the_last_answer", finishing, "s")
    for part, seconds in cpu.items():
        figure(f"{name}_cpu_{part}_per_100000", seconds * 100_000 / audience, "s")
    both = cpu["workers"] + cpu["postgres"]
    figure(f"{name}_cpu_workers_and_postgres_per_100000", both * 100_000 / audience, "s")
    children = [child for pid in found["workers_sending"] for child in _machine.children(pid)]
    memory = max(map(_machine.peak_megabytes, children))
    figure(f"{name}_peak_memory_of_a_sending_process", memory, "MB")
    figure(f"{name}_memory_of_everything", _machine.megabytes(root), "MB")
    source = statistics.mean(sources)
    figure("smtp_source_messages_per_second", source, "1/s")
    figure(f"{name}_ratio_to_smtp_source", rate / source, "1")
    # What the aim of 24 s is on a machine as fast as this one is now.
    scaled = both * 100_000 / audience * source / 4_600
    figure(f"{name}_cpu_workers_and_postgres_scaled_to_4600", scaled, "s")


def main() -> None:
    """Measure each size, in a folder of its own."""
    for audience in AUDIENCES:
        for processes in PROCESSES:
            folder = Path(tempfile.mkdtemp(prefix="bench-", dir=_base()))
            try:
                with _machine.sink() as port:
                    url = f"smtp://127.0.0.1:{port}?tls=none"
                    product = Product(folder, SMTP_URL=url, WORKERS=str(processes))
                    with product.shipped() as root:
                        product.people(audience, port=None)
                        for _round in range(ROUNDS):
                            measure(product, root, port, audience=audience, processes=processes)
            finally:
                if not os.environ.get("KEEP"):
                    shutil.rmtree(folder, ignore_errors=True)


def _base() -> Path:
    base = Path(__file__).parent.parent / "var"
    base.mkdir(exist_ok=True)
    return base


if __name__ == "__main__":
    main()
