"""`make run` with real processes: it starts, says how to sign in, restarts, and leaves nothing."""

import http.cookiejar
import os
import re
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Callable

import pytest

from tests.runtime.conftest import Checkout


def browser() -> urllib.request.OpenerDirector:
    jar = http.cookiejar.CookieJar()
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))


def sign_in(checkout: Checkout) -> str:
    """Sign in as the greeting says, and return the address one lands on."""
    found = re.search(r"User +(\S+)\n +Password +(\S+)", checkout.words())
    assert found is not None
    opener = browser()
    address = f"http://127.0.0.1:{checkout.port}/sign-in/"
    with opener.open(address, timeout=300) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    assert token is not None
    fields = {"login": found[1], "password": found[2], "csrfmiddlewaretoken": token[1]}
    with opener.open(address, urllib.parse.urlencode(fields).encode(), timeout=300) as page:
        assert page.status == 200
        return str(page.url)


def test_it_runs_stops_and_runs_again_with_its_data(checkout: Checkout) -> None:
    process = checkout.start()
    assert not sign_in(checkout).endswith("/sign-in/")
    checkout.wait_for("sending   ready", process)
    password = re.search(r"Password +(\S+)", checkout.words())
    assert password is not None
    kept = checkout.path / "var" / "administrator"
    assert kept.stat().st_mode & 0o777 == 0o600
    # One tidy log: the greeting, and lines of "time  part  message".
    lines = checkout.words().split("Ctrl-C stops everything.")[1].strip().splitlines()
    assert [line for line in lines if not re.match(r"\d\d:\d\d:\d\d  \w+ +\S", line)] == []
    assert not any("@" in line for line in lines)

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=600) == 0
    assert checkout.left_after(1) == {}

    process = checkout.start()
    assert f"Password  {password[1]} " in checkout.words()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=600) == 0
    assert checkout.left_after(1) == {}


def test_killing_the_supervisor_leaves_no_process_and_a_start_that_works(
    checkout: Checkout,
) -> None:
    process = checkout.start()
    process.kill()
    process.wait()
    assert checkout.left_after(30) == {}
    checkout.start()
    sign_in(checkout)


def test_a_part_that_dies_is_started_again_and_said(checkout: Checkout) -> None:
    process = checkout.start()
    checkout.wait_for("sending   ready", process)
    mains = [pid for pid, name in checkout.processes().items() if "--queues=sending" in name]
    os.kill(min(mains), signal.SIGKILL)
    checkout.wait_for("sending was killed by signal 9; starting it again in 1 s", process)
    deadline = time.monotonic() + 600
    while checkout.words().count("sending   ready") < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert checkout.words().count("sending   ready") == 2
    process.terminate()
    assert process.wait(timeout=600) == 0
    assert checkout.left_after(1) == {}


def test_two_checkouts_run_side_by_side_and_the_port_is_the_only_thing_to_choose(
    make_checkout: Callable[[], Checkout],
) -> None:
    one, two = make_checkout(), make_checkout()
    one.start()
    two.start()
    sign_in(one)
    sign_in(two)
    assert (one.path / "var" / "secret_key").read_text() != (
        two.path / "var" / "secret_key"
    ).read_text()


PHASES = [
    "starting the embedded services",
    "bringing the schema up to date",
    "collecting static files",
    "looking after the first user and the settings",
    "filling the demo workspace",
]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_can_be_stopped_while_it_still_starts(
    checkout: Checkout, stop: signal.Signals, phase: str
) -> None:
    process = checkout.begin(DEMO="true")
    checkout.wait_for(phase, process)
    process.send_signal(stop)
    process.wait(timeout=60)
    # A phase that was over when the signal came had the start go on to its end.
    assert "was stopped while it was starting" in checkout.words() or "stopping" in checkout.words()
    assert checkout.left_after(30) == {}


def test_it_can_be_stopped_before_it_says_anything(checkout: Checkout) -> None:
    process = checkout.begin()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    assert checkout.left_after(30) == {}


def test_the_start_after_one_that_was_stopped_goes_on(checkout: Checkout) -> None:
    for phase in PHASES[1:]:
        process = checkout.begin(DEMO="true")
        checkout.wait_for(phase, process)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        assert checkout.left_after(30) == {}
    checkout.start(DEMO="true")
    sign_in(checkout)
    asked = checkout.manage("load_demo")
    assert "is already there" in asked.stderr
