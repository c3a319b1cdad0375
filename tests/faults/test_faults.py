"""Kill and cut whatever can be killed and cut while mail goes out; then count.

Nobody is missing, nobody has it twice, in doubt are at most the mails that were on a killed
process's connections, the maintained counts equal the ledger, and the campaign ends by itself.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Recorder
from tests.faults.product import BASE, Product

pytestmark = pytest.mark.faults
chance = random.SystemRandom()

PEOPLE = int(os.environ.get("FAULTS_PEOPLE", "20000"))
LETTER = "<p>Halo {{ first_name }}, <a href='https://x.example/a'>a</a></p>" + "<p>kopi</p>" * 300
CONNECTIONS = 8  # of the account, so of all workers together

Make = Callable[..., Product]


def everyone(count: int = PEOPLE) -> set[str]:
    return {f"reader{number}@example.net" for number in range(1, count + 1)}


def check(
    product: Product, recorder: Recorder, campaign: int, *, doubt: int = 0, seconds: float = 240
) -> None:
    """Wait for the end and compare what the server took with what the ledger says."""
    try:
        product.until(lambda: product.status(campaign) == "sent", seconds=seconds, every=0.25)
    except TimeoutError:
        pytest.fail(str(product.command("campaign_status", str(campaign))))
    states, mails = product.states(campaign), recorder.mails()
    assert states == product.tallies(campaign)
    unknown = states.pop("unknown", 0)
    assert unknown <= doubt
    assert states == {"sent": PEOPLE - unknown}
    assert [person for person, count in mails.items() if count > 1] == []
    sent = product.query(
        "SELECT person.email FROM delivery_message message JOIN subscribers_subscriber person"
        " ON person.id = message.subscriber_id WHERE campaign_id = %s AND state = 4",
        campaign,
    )
    assert {email for (email,) in sent} <= set(mails)
    assert len(everyone() - set(mails)) <= unknown


def begun(product: Product, recorder: Recorder, **account: Any) -> int:
    """Send to everybody and wait until some have it."""
    product.people(PEOPLE, port=recorder.port, **account)
    campaign = product.campaign(LETTER)
    product.until(lambda: len(recorder.mails()) > PEOPLE // 20, seconds=60, every=0.05)
    return campaign


def test_sending_processes_are_killed_again_and_again(
    make_product: Make, recorder: Recorder
) -> None:
    with make_product().running() as product:
        campaign = begun(product, recorder)
        kills = 0
        while kills < 10 and product.status(campaign) != "sent":
            time.sleep(chance.uniform(0.1, 0.6))
            senders = product.senders()
            if senders:
                product.kill(chance.choice(senders))
                kills += 1
        check(product, recorder, campaign, doubt=kills * CONNECTIONS)


def test_all_workers_are_killed_at_once(make_product: Make, recorder: Recorder) -> None:
    with make_product().running() as product:
        campaign = begun(product, recorder)
        product.kill_workers()
        product.start_beat() if product.beat and product.beat.poll() is not None else None
        product.worker("sending", processes=2)
        product.worker("events,default", processes=1)
        check(product, recorder, campaign, doubt=CONNECTIONS)


def test_everything_is_killed_databases_too(
    make_product: Make, recorder: Recorder, data_dir: Path
) -> None:
    product = make_product()
    with product.running():
        campaign = begun(product, recorder)
        for service in ("postgres", "valkey"):
            name = "postmaster.pid" if service == "postgres" else "valkey.pid"
            pid = int((data_dir / service / name).read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
        product.kill_workers()
        assert product.beat is not None
        product.beat.kill()
        product.beat.wait()
        product.until(lambda: _answers(product), seconds=60)
        product.start()
        check(product, recorder, campaign, doubt=CONNECTIONS)


def _answers(product: Product) -> bool:
    try:
        return bool(product.query("SELECT 1") and product.redis().ping())
    except Exception:  # noqa: BLE001 - whatever it is, it does not answer yet
        return False


def test_sigterm_drains_and_loses_nothing(make_product: Make, recorder: Recorder) -> None:
    with make_product().running() as product:
        campaign = begun(product, recorder)
        for _ in range(3):
            started = time.monotonic()
            for worker in list(product.workers):
                worker.terminate()
            for worker in list(product.workers):
                assert worker.wait(timeout=30) == 0
            assert time.monotonic() - started < 15
            product.workers.clear()
            product.worker("sending", processes=2)
            product.worker("events,default", processes=1)
            product.wait_for_workers()
        check(product, recorder, campaign, doubt=0)


def test_redis_is_flushed(make_product: Make, recorder: Recorder) -> None:
    with make_product().running() as product:
        campaign = begun(product, recorder)
        for _ in range(5):
            product.redis().flushall()
            time.sleep(0.7)
        check(product, recorder, campaign, doubt=0)


def test_redis_is_restarted(make_product: Make, recorder: Recorder, data_dir: Path) -> None:
    with make_product().running() as product:
        campaign = begun(product, recorder)
        for _ in range(2):
            os.kill(int((data_dir / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)
            time.sleep(3)
        check(product, recorder, campaign, doubt=0)


def test_postgresql_is_restarted(make_product: Make, recorder: Recorder, data_dir: Path) -> None:
    with make_product().running() as product:
        campaign = begun(product, recorder)
        for how in (signal.SIGINT, signal.SIGQUIT):
            pid = (data_dir / "postgres" / "postmaster.pid").read_text().split()[0]
            os.kill(int(pid), how)
            product.until(lambda: _answers(product), seconds=60)
            time.sleep(2)
        check(product, recorder, campaign, doubt=0)


def test_database_connections_are_cut(make_product: Make, recorder: Recorder) -> None:
    with make_product().running() as product:
        product.people(PEOPLE, port=recorder.port)
        campaign = product.campaign(LETTER)
        while len(recorder.mails()) < PEOPLE // 2:
            product.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            time.sleep(1)
        check(product, recorder, campaign, doubt=0)


def test_beat_is_killed(make_product: Make, recorder: Recorder) -> None:
    with make_product().running() as product:
        campaign = begun(product, recorder)
        assert product.beat is not None
        product.beat.kill()
        product.beat.wait()
        time.sleep(3)
        product.start_beat()
        check(product, recorder, campaign, doubt=0)


def test_everybody_is_greylisted(make_product: Make, recorder: Recorder) -> None:
    recorder.start("greylist")
    with make_product(RETRY_AFTER="3,5,5").running() as product:
        product.people(PEOPLE, port=recorder.port)
        check(product, recorder, product.campaign(LETTER), doubt=0)


def test_the_server_is_down_for_a_while(make_product: Make, recorder: Recorder) -> None:
    with make_product(RETRY_AFTER="2,3,5").running() as product:
        campaign = begun(product, recorder)
        recorder.stop()
        time.sleep(20)
        assert product.states(campaign).get("failed", 0) == 0
        recorder.start()
        # A killed server may have taken a mail and not answered: those alone are in doubt.
        check(product, recorder, campaign, doubt=CONNECTIONS)


def test_the_password_is_refused_halfway(make_product: Make, recorder: Recorder) -> None:
    recorder.start("auth=4")
    with make_product(RETRY_AFTER="2,3,5").running() as product:
        product.people(PEOPLE, port=recorder.port)
        product.query("UPDATE delivery_sendingaccount SET username = 'kopi', host = 'localhost'")
        campaign = product.campaign(LETTER)
        product.until(
            lambda: "password" in product.command("campaign_status", str(campaign))["explanation"],
            seconds=60,
            every=1,
        )
        assert product.states(campaign).get("failed", 0) == 0
        recorder.start("auth=1000000")
        check(product, recorder, campaign, doubt=CONNECTIONS)


def test_the_server_hangs_up_in_the_middle_of_mails(make_product: Make, recorder: Recorder) -> None:
    recorder.start("drop=50")
    with make_product(RETRY_AFTER="2,3,5").running() as product:
        product.people(PEOPLE, port=recorder.port)
        # The final dot is in the same write as the body: what the server had read of it when it
        # hung up, nobody can know. Those mails, and no others, are in doubt.
        check(product, recorder, product.campaign(LETTER), doubt=PEOPLE // 50 + 1)


def test_pause_and_resume_ten_times(make_product: Make, recorder: Recorder) -> None:
    recorder.start("slow=0.02")  # so that it is not over before it was paused often enough
    with make_product().running() as product:
        campaign = begun(product, recorder)
        pauses = 0
        while pauses < 10 and product.status(campaign) == "sending":
            try:
                assert product.command("pause_campaign", str(campaign))["status"] == "paused"
            except AssertionError:
                assert product.status(campaign) == "sent"  # it was over just then
                break
            pauses += 1
            time.sleep(1.5)
            before = len(recorder.mails())
            time.sleep(0.5)
            assert len(recorder.mails()) == before
            product.command("resume_campaign", str(campaign))
        assert pauses >= 2
        check(product, recorder, campaign, doubt=0)


def test_tasks_are_delivered_twice_and_late(make_product: Make, recorder: Recorder) -> None:
    code = (
        "from delivery import tasks\n"
        "for n in range(30):\n"
        "    tasks.start_due_campaigns.delay(); tasks.keep_sending.delay()\n"
        "    tasks.plan_campaign.delay({0}); tasks.plan_campaign.delay({0})\n"
        "    tasks.sweep_up.delay(); tasks.sweep_up.delay()\n"
        "    tasks.send_slice.delay(0, 'another release'); tasks.send_slice.delay(n, 'old')\n"
    )
    with make_product().running() as product:
        product.people(PEOPLE, port=recorder.port)
        campaign = product.campaign(LETTER)
        product.manage("shell", "-v", "0", "-c", code.format(campaign))
        check(product, recorder, campaign, doubt=0)


def test_workers_of_two_hosts(make_product: Make, recorder: Recorder) -> None:
    with make_product().running() as product:
        product.worker("sending", processes=2, host="another")
        campaign = begun(product, recorder)
        product.kill(chance.choice(product.senders()))
        check(product, recorder, campaign, doubt=CONNECTIONS)


def test_a_server_that_never_answers_stops_nobody_else(
    make_product: Make, recorder: Recorder, data_dir: Path
) -> None:
    mute = Recorder(data_dir / "mute.log")
    mute.start("mute")
    try:
        with make_product().running(sending=1) as product:
            product.people(PEOPLE, port=recorder.port)
            product.query(
                "INSERT INTO delivery_sendingaccount (workspace_id, name, kind, host, port, tls,"
                " verify_certificate, username, encrypted_password, from_domains, default_from,"
                " position, max_connections, messages_per_connection, trouble_count,"
                " broken_reason, created_at) SELECT workspace_id, 'Mute', kind, host, %s, tls,"
                " verify_certificate, '', '', '{mute.example}', '', 1, 8, 500, 0, '', now()"
                " FROM delivery_sendingaccount",
                mute.port,
            )
            path = data_dir / "mute.html"
            path.write_text(LETTER)
            product.command(
                *("send_campaign", "--list", "Everybody", "--subject", "Mute"),
                *("--html", str(path), "--from", "Mute <a@mute.example>"),
            )
            product.until(lambda: len(mute.mails()) > 0, seconds=30)
            check(product, recorder, product.campaign(LETTER), doubt=0)
    finally:
        mute.stop()


def test_commands_alone_bring_up_what_they_need(
    make_product: Make, recorder: Recorder, data_dir: Path
) -> None:
    product = make_product()
    from config import embedded

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
