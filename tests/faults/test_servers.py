"""The mail server misbehaves."""

import os
import time
from pathlib import Path

import pytest

from tests.faults.accounting import CONNECTIONS, LETTER, PEOPLE, begun, check
from tests.faults.conftest import Recorder, Run

pytestmark = pytest.mark.faults
DOWN_SECONDS = float(os.environ.get("FAULTS_DOWN", "60"))


def test_everybody_is_greylisted(run: Run, recorder: Recorder) -> None:
    recorder.start("greylist")
    with run(RETRY_AFTER="3,5,5") as product:
        product.people(PEOPLE, port=recorder.port)
        check(product, recorder, product.campaign(LETTER), doubt=0)


def test_the_server_is_down_for_a_while(run: Run, recorder: Recorder) -> None:
    with run(RETRY_AFTER="2,3,5") as product:
        campaign = begun(product, recorder)
        recorder.stop()
        time.sleep(DOWN_SECONDS)
        assert product.states(campaign).get("failed", 0) == 0
        recorder.start()
        # A killed server may have taken a mail and not answered: those alone are in doubt.
        check(product, recorder, campaign, doubt=CONNECTIONS)


def test_the_password_is_refused_halfway(run: Run, recorder: Recorder) -> None:
    recorder.start("auth=4")
    with run(RETRY_AFTER="2,3,5") as product:
        product.people(PEOPLE, port=recorder.port, per_connection=max(100, PEOPLE // 12))
        product.query("UPDATE delivery_sendingaccount SET username = 'kopi', host = 'localhost'")
        campaign = product.campaign(LETTER)
        product.until(
            lambda: "password" in product.command("campaign_status", str(campaign))["explanation"],
            seconds=60,
            every=1,
        )
        assert product.states(campaign).get("failed", 0) == 0
        assert 0 < len(recorder.mails()) < PEOPLE
        recorder.start("auth=1000000")
        check(product, recorder, campaign, doubt=CONNECTIONS)


@pytest.mark.quick
def test_the_server_hangs_up_in_the_middle_of_mails(run: Run, recorder: Recorder) -> None:
    """In doubt is only what was under way at the first time; then dots are held back."""
    recorder.start("drop=50")
    with run(RETRY_AFTER="2,3,5") as product:
        product.people(PEOPLE, port=recorder.port)
        campaign = product.campaign(LETTER)
        check(product, recorder, campaign, doubt=CONNECTIONS)


def test_a_server_that_never_answers_stops_nobody_else(
    run: Run, recorder: Recorder, data_dir: Path
) -> None:
    """Two workspaces share one sending process; one of them has such a server."""
    mute = Recorder(data_dir / "mute.log")
    mute.start("mute")
    try:
        with run(sending=1) as product:
            product.people(500, workspace=2, port=mute.port)
            product.people(PEOPLE, port=recorder.port)
            other = product.campaign(LETTER, workspace=2)
            product.until(lambda: len(mute.mails()) > 0, seconds=30)
            check(product, recorder, product.campaign(LETTER), doubt=0)
            assert product.status(other) == "sending"
            # One on each connection; then, now and then, one on one to find out if it answers.
            tries = product.query(
                "SELECT trouble_count FROM delivery_sendingaccount WHERE workspace_id = 2"
            )[0][0]
            assert len(mute.mails()) <= CONNECTIONS + tries
    finally:
        mute.stop()


def test_a_server_that_never_answers_stops_no_other_account_of_its_workspace(
    run: Run, recorder: Recorder, data_dir: Path
) -> None:
    mute = Recorder(data_dir / "mute.log")
    mute.start("mute")
    try:
        with run(sending=1) as product:
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
