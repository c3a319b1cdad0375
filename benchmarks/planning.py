"""Planning alone: who gets a campaign, one row per person, by lists and by lists with a segment.

One in a hundred people asked for a pause, another for fewer letters and had one lately, another is
suppressed. No mail leaves: the account's server is not there. AUDIENCE (default 1,000,000) chooses
the size.
"""

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from benchmarks._machine import figure
from tests.faults.product import Product

AUDIENCE = int(os.environ.get("AUDIENCE", "1000000"))

_WISHES = """
UPDATE subscribers_subscriber SET
    paused_until = CASE WHEN id % 100 = 1 THEN now() + interval '30 days' END,
    frequency = CASE WHEN id % 100 = 2 THEN 7 ELSE 0 END
WHERE id % 100 IN (1, 2)
"""
_SUPPRESSED = """
INSERT INTO subscribers_suppression
    (workspace_id, address_hash, email_key, reason, detail, created_at)
SELECT workspace_id, address_hash, email_key, 'manual', '', now()
FROM subscribers_subscriber WHERE id % 100 = 3
"""
_SEGMENT = """
INSERT INTO subscribers_segment
    (workspace_id, name, description, rules, created_at, updated_at)
SELECT id, 'Everyone', '', '{}', now(), now() FROM accounts_workspace ORDER BY id LIMIT 1
"""
_PLANNED = """
SELECT extract(epoch FROM dispatch.planning_done_at - campaign.started_at)::float,
    extract(epoch FROM (
        SELECT min(created_at) FROM delivery_message WHERE campaign_id = campaign.id
    ) - campaign.started_at)::float
FROM campaigns_campaign campaign JOIN delivery_dispatch dispatch
    ON dispatch.campaign_id = campaign.id
WHERE campaign.id = %s AND dispatch.planning_done_at IS NOT NULL
"""


def plan(product: Product, name: str, *audience: str) -> None:
    """Have one campaign planned and print how long it took, and when its first people were."""
    path = product.data_dir / "letter.html"
    path.write_text("<p>Halo {{ first_name }}</p>", encoding="utf-8")
    found = product.command(
        *("send_campaign", "--list", "Everybody", *audience, "--subject", "Panen"),
        *("--html", str(path), "--from", "Kopi Senja <kabar@kopisenja.example>"),
    )
    rows: list[tuple[float, float]] = []
    while not rows:
        time.sleep(0.25)
        rows = product.query(_PLANNED, int(found["id"]))
    ((whole, first),) = rows
    figure(f"planning_{AUDIENCE}_{name}", whole, "s")
    figure(f"planning_{AUDIENCE}_{name}_first_people_after", first, "s")
    states = product.states(int(found["id"]))
    if sum(states.values()) != AUDIENCE:
        raise SystemExit(f"not everybody has a row: {states}")
    product.command("cancel_campaign", str(found["id"]))


def main() -> None:
    """Run it in a folder of its own."""
    base = Path(__file__).parent.parent / "var"
    base.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=base))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    try:
        with Product(folder).running(sending=1) as product:
            product.people(AUDIENCE, port=port)
            with product.connect() as connection:
                connection.execute(_WISHES)
                connection.execute(_SUPPRESSED)
                connection.execute(_SEGMENT)
            with product.connect() as connection:
                connection.autocommit = True
                connection.execute("VACUUM ANALYZE")
            plan(product, "by_a_list")
            plan(product, "by_a_list_and_a_segment", "--segment", "Everyone")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
