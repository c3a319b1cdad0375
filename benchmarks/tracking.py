"""How many opens and clicks are answered, recorded and counted: ``python -m benchmarks.tracking``.

All of `make run` with its defaults, asked by ``wrk -t1 -c32`` (Debian's package) as a browser asks:
70 % pixels and 30 % clicks over many messages, then clicks alone. Beside it a floor: the same
server answering a constant, before and after. Then everything that was answered must stand in
PostgreSQL, and the tallies must say what the events say. SECONDS (default 10) is for each round,
MESSAGES (default 50,000) is over how many.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks import _machine
from benchmarks._machine import figure
from tests.faults.product import Product

SECONDS = int(os.environ.get("SECONDS", "10"))
MESSAGES = int(os.environ.get("MESSAGES", "50000"))
LINKS = 10
CONNECTIONS = 32

SETUP = """
import sys
from pathlib import Path
from datetime import timedelta
from django.utils import timezone
from campaigns.models import Campaign, Link
from campaigns.states import CampaignStatus
from delivery.mime import tokens
from delivery.models import Dispatch, Message
from delivery.states import MessageState
from subscribers.models import Subscriber
people = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
sent = timezone.now() - timedelta(hours=1)
campaign = Campaign.objects.create(
    workspace_id=1, name="Bench", status=CampaignStatus.SENT, started_at=sent, finished_at=sent)
Dispatch.objects.create(campaign=campaign, workspace_id=1, lists=[], planning_done_at=sent)
for number in range(1, LINKS + 1):
    Link.objects.create(campaign=campaign, ordinal=number, url=f"https://example.com/{number}")
made = Message.objects.bulk_create([
    Message(campaign=campaign, subscriber_id=pk, state=MessageState.SENT, attempted_at=sent)
    for pk in people], batch_size=5000)
Path(OUT).write_text("\\n".join(tokens.make(one.pk, tokens.Purpose.TRACK) for one in made))
"""
SCRIPT = """
local tokens = {{}}
for line in io.lines("{tokens}") do tokens[#tokens + 1] = line end
math.randomseed(os.time())
wrk.headers["Accept"] = "image/avif,image/webp,*/*"
wrk.headers["Accept-Language"] = "en-GB,en;q=0.5"
wrk.headers["Accept-Encoding"] = "gzip, deflate"
wrk.headers["User-Agent"] =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
function request()
  local token = tokens[math.random(#tokens)]
  if math.random() < {pixels} then return wrk.format("GET", "/o/" .. token .. ".gif") end
  return wrk.format("GET", "/c/" .. token .. "/" .. math.random({links}) .. "/")
end
function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  io.write(string.format('{{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "bad": %d}}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, bad))
end
"""
COUNT = "SELECT count(*) FROM delivery_event"
# Ordinal 0 holds what the whole mail got; an open implied by a click is no event.
DIFFERENT = """
SELECT count(*) FROM (
    SELECT kind, agent, link_ordinal, count(*) AS total, count(DISTINCT message_id) AS people
    FROM delivery_event WHERE kind = 5 AND link_ordinal > 0 GROUP BY 1, 2, 3
) said FULL JOIN (
    SELECT * FROM delivery_eventtally WHERE kind = 5 AND link_ordinal > 0
) tally USING (kind, agent, link_ordinal)
WHERE said.total IS DISTINCT FROM tally.total OR said.people IS DISTINCT FROM tally.unique
"""


def main() -> None:
    """Print one JSON line per figure."""
    if shutil.which("wrk") is None:
        sys.exit("benchmarks.tracking needs wrk, which is not here: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="warta-bench-") as name:
        product = Product(Path(name))
        with product.shipped() as root:
            product.people(MESSAGES, port=None)
            tokens = Path(name) / "tokens"
            made = f"LINKS, OUT = {LINKS}, {str(tokens)!r}\n{SETUP}"
            product.manage("shell", "-v", "0", "-c", made)
            product.query("VACUUM ANALYZE")
            measure(product, root, Path(name))


def measure(product: Product, root: int, folder: Path) -> None:
    """Ask, wait until everything is recorded, and print."""
    port = int(product.environment["PORT"])
    (web,) = (pid for pid in _machine.children(root) if "server.web" in _machine.command(pid))
    mixed, clicks = (_script(folder, pixels=share) for share in (0.7, 0.0))
    with _constant() as floor_port:
        floors = [_ask(floor_port, mixed, seconds=3)]
        cpu, began = _machine.cpu_seconds(web), time.monotonic()
        both = _ask(port, mixed, seconds=SECONDS)
        web_cpu = _machine.cpu_seconds(web) - cpu
        recorded_in = _until_recorded(product, both["requests"], since=began)
        only = _ask(port, clicks, seconds=SECONDS)
        floors.append(_ask(floor_port, mixed, seconds=3))
    whole = both["requests"] + only["requests"]
    _until_recorded(product, whole, since=began)
    recorded = product.query(COUNT)[0][0]
    floor = sum(_rate(one) for one in floors) / len(floors)
    figure("tracking_floor", floor, "requests/s")
    figure("tracking", _rate(both), "requests/s")
    figure("tracking_of_floor", 100 * _rate(both) / floor, "%")
    figure("tracking_p50", both["p50"], "ms")
    figure("tracking_p99", both["p99"], "ms")
    figure("tracking_web_cpu", 1e6 * web_cpu / both["requests"], "µs/request")
    figure("tracking_clicks", _rate(only), "requests/s")
    figure("tracking_clicks_p99", only["p99"], "ms")
    figure("tracking_recorded", both["requests"] / recorded_in, "events/s")
    figure("tracking_failed", both["bad"] + only["bad"], "requests")
    figure("tracking_lost", max(0, whole - recorded), "events")
    # wrk leaves without reading the last answer of each connection.
    figure("tracking_too_many", max(0, recorded - whole - 2 * CONNECTIONS), "events")
    figure("tracking_tallies_that_differ", product.query(DIFFERENT)[0][0], "tallies")


def _rate(asked: dict[str, Any]) -> float:
    return float(asked["requests"] / asked["seconds"])


def _until_recorded(product: Product, whole: int, *, since: float) -> float:
    """Return after how many seconds everything was in the database."""
    with suppress(TimeoutError):
        product.until(lambda: product.query(COUNT)[0][0] >= whole, seconds=600, every=0.5)
    return time.monotonic() - since


def _script(folder: Path, *, pixels: float) -> Path:
    path = folder / f"ask-{pixels}.lua"
    path.write_text(SCRIPT.format(tokens=folder / "tokens", pixels=pixels, links=LINKS))
    return path


def _ask(port: int, script: Path, *, seconds: int) -> dict[str, Any]:
    asked = subprocess.run(  # noqa: S603 - our own words
        [
            *("/usr/bin/env", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"),
            *("-s", str(script), f"http://127.0.0.1:{port}"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(asked.stdout.splitlines()[-1]))


@contextmanager
def _constant() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen([sys.executable, "-m", "benchmarks._constant", str(port)])  # noqa: S603
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
