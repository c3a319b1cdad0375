"""Management commands work alone and beside a running product, and keep stdout to themselves."""

import json
import subprocess
import sys

from tests.runtime.conftest import ROOT, Checkout, clean_environment

COUNT = (
    "import json; from accounts.models import User; print(json.dumps({'n': User.objects.count()}))"
)


def test_a_command_alone_makes_the_database_and_leaves_nothing_running(checkout: Checkout) -> None:
    done = checkout.manage("shell", "--no-imports", "-c", COUNT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"n": 0}
    assert done.stderr == "Making the database, which takes a few seconds.\n"
    assert checkout.left_after(1) == {}
    again = checkout.manage("shell", "--no-imports", "-c", COUNT)
    assert (json.loads(again.stdout), again.stderr) == ({"n": 0}, "")


def test_a_command_beside_the_running_product_uses_its_database(checkout: Checkout) -> None:
    process = checkout.start()
    done = checkout.manage("shell", "--no-imports", "-c", COUNT)
    assert (json.loads(done.stdout), done.stderr) == ({"n": 1}, "")
    process.terminate()
    process.wait(timeout=600)
    assert checkout.left_after(1) == {}


def test_a_command_that_outlives_the_product_keeps_its_database(checkout: Checkout) -> None:
    process = checkout.start()
    slow = subprocess.Popen(
        [
            sys.executable,
            "manage.py",
            "shell",
            "--no-imports",
            "-c",
            f"print('up', flush=True); input(); {COUNT}",
        ],
        cwd=checkout.path,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert slow.stdout is not None
    assert slow.stdout.readline() == "up\n"
    process.terminate()
    process.wait(timeout=600)
    output, _ = slow.communicate("\n", timeout=600)
    assert json.loads(output) == {"n": 1}
    assert checkout.left_after(1) == {}


def test_background_processes_run_for_the_length_of_a_command(checkout: Checkout) -> None:
    words = (
        "from config.runtime import background\n"
        "assert not background.is_running()\n"
        "with background.running():\n"
        "    assert background.is_running()\n"
        "assert not background.is_running()\n"
        "print('done')\n"
    )
    done = checkout.manage("shell", "--no-imports", "-c", words, WORKERS="1")
    assert done.stdout == "done\n", done.stderr
    assert checkout.left_after(1) == {}


def test_a_wrong_setting_is_a_sentence_here_too() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env=clean_environment(WORKERS="many"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "WORKERS has a wrong value: 'many' is not a whole number from 0 to 256.\n"
    )
