"""People and senders change their mind while mail goes out."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.accounting import LETTER, PEOPLE, begun, check, everyone
from tests.faults.conftest import Recorder, Run
from tests.faults.product import BASE, Product

pytestmark = pytest.mark.faults
PAUSES = 10


def test_pause_and_resume_ten_times(run: Run, recorder: Recorder) -> None:
    with run() as product:
        # So slow that it can't be over before it was paused often enough, however long that takes.
        campaign = begun(product, recorder, per_second=max(10, PEOPLE // 400))
        for _ in range(PAUSES):
            assert product.command("pause_campaign", str(campaign))["status"] == "paused"
            time.sleep(1.5)
            before = len(recorder.mails())
            time.sleep(0.5)
            assert len(recorder.mails()) == before < PEOPLE
            product.command("resume_campaign", str(campaign))
        assert product.status(campaign) == "sending"
        product.query("UPDATE delivery_sendingaccount SET per_second = NULL")
        check(product, recorder, campaign, doubt=0)


def test_who_left_or_was_suppressed_after_planning_gets_nothing(
    run: Run, recorder: Recorder
) -> None:
    with run() as product:
        product.people(PEOPLE, port=recorder.port, per_minute=1)  # one mail, then it waits
        campaign = product.campaign(LETTER)
        product.until(
            lambda: product.query(
                "SELECT 1 FROM delivery_dispatch WHERE planning_done_at IS NOT NULL"
            ),
            seconds=60,
        )
        product.until(lambda: len(recorder.mails()) > 0, seconds=30)
        first = {int("".join(filter(str.isdigit, name.split("@")[0]))) for name in recorder.mails()}
        left, suppressed, deleted = [
            [n for n in range(start, start + 20) if n not in first]
            for start in (PEOPLE - 100, PEOPLE - 70, PEOPLE - 40)
        ]
        _change(product, _LEAVE, left)
        _change(product, _SUPPRESS, suppressed)
        _change(product, _MOVE_AWAY, deleted)
        product.query("UPDATE delivery_sendingaccount SET per_minute = NULL")
        product.query("UPDATE delivery_claim SET not_before = NULL")
        gone = len(left) + len(suppressed) + len(deleted)
        check(product, recorder, campaign, skipped=gone)
        mails = set(recorder.mails())
        assert not mails & {f"reader{n}@example.net" for n in left + suppressed + deleted}
        assert dict(product.query(_SKIPPED_BY_REASON, campaign)) == {
            _reason("UNSUBSCRIBED"): len(left),
            _reason("SUPPRESSED"): len(suppressed),
            _reason("GONE"): len(deleted),
        }


def test_a_content_that_fails_for_many_pauses_the_campaign(run: Run, recorder: Recorder) -> None:
    """Whose mail could not be filled in stays planned, and gets it once the content is mended."""
    with run() as product:
        product.people(PEOPLE, port=recorder.port)
        product.query("UPDATE subscribers_subscriber SET last_name = '' WHERE id %% 3 = 0")
        campaign = product.campaign("<p>{{ 10 // (last_name|length) }}</p>")
        product.until(lambda: product.status(campaign) == "paused", seconds=60)
        assert product.states(campaign).get("skipped", 0) == 0
        found = product.command("campaign_status", str(campaign))
        assert "could not be filled in" in found["explanation"]
        product.query("UPDATE subscribers_subscriber SET last_name = 'x' WHERE last_name = ''")
        product.command("resume_campaign", str(campaign))
        check(product, recorder, campaign)


def test_commands_alone_bring_up_what_they_need(recorder: Recorder, data_dir: Path) -> None:
    product = Product(data_dir)
    from config.runtime import embedded

    with embedded.services(data_dir):
        product.manage("migrate", "--verbosity", "0")
        product.people(500, port=recorder.port)
    path = data_dir / "letter.html"
    path.write_text(LETTER)
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "send_campaign", "--list", "Everybody"),
            *("--subject", "Hi", "--html", str(path), "--wait", "--json"),
        ],
        cwd=BASE,
        env=product.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"sent": 500' in done.stdout
    assert recorder.mails() == dict.fromkeys(everyone(500), 1)


def _change(product: Product, sql: str, people: list[int]) -> None:
    product.query(sql, [f"reader{n}@example.net" for n in people])


def _reason(name: str) -> int:
    from delivery.states import Reason

    return Reason[name].value


_LEAVE = """
UPDATE subscribers_subscription SET status = 'unsubscribed' WHERE subscriber_id IN
    (SELECT id FROM subscribers_subscriber WHERE email = ANY(%s))
"""
_SUPPRESS = """
INSERT INTO subscribers_suppression
    (workspace_id, address_hash, email_key, reason, detail, created_at)
SELECT 1, address_hash, email_key, 'manual', '', now() FROM subscribers_subscriber
WHERE email = ANY(%s)
"""
_MOVE_AWAY = """
DELETE FROM subscribers_subscription WHERE subscriber_id IN
    (SELECT id FROM subscribers_subscriber WHERE email = ANY(%s))
"""
_SKIPPED_BY_REASON = """
SELECT reason, count(*) FROM delivery_message WHERE campaign_id = %s AND state = 8 GROUP BY 1
"""
