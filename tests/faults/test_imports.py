"""Kill an import and its undo again and again: every row once, and nothing left behind."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import _dirty
from tests.faults.product import BASE, Product

pytestmark = pytest.mark.faults
ROWS = int(os.environ.get("FAULTS_IMPORT_ROWS", "120000"))
KILLS = 6
BEGIN = "import django; django.setup();"
PREPARE = """
import sys
from accounts.models import Workspace
from subscribers.imports import files, steps
from subscribers.models import MailingList
workspace = Workspace.objects.create(name="W", slug="w")
weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
path, size = files.store([open(sys.argv[1], "rb").read()])
record = steps.take_file(workspace, path=path, size=size, filename="dirty.csv")
steps.set_consent(record, steps.Consent(lists=[weekly], tags=["fair"]))
steps.start_run(record)
print(record.pk)
"""
RUN = "import sys; from subscribers.imports import run; run.run(int(sys.argv[1]))"
START_UNDO = """
import sys
from subscribers.imports import undo
from subscribers.models import Import
undo.start(Import.objects.get(pk=sys.argv[1]))
"""
UNDO = "import sys; from subscribers.imports import undo; undo.run(int(sys.argv[1]))"
LEFT = """
SELECT (SELECT count(*) FROM subscribers_subscriber),
    (SELECT count(DISTINCT subscriber_id) FROM subscribers_tagging),
    (SELECT count(*) FROM subscribers_subscription),
    (SELECT count(*) FROM subscribers_consentevent), (SELECT count FROM subscribers_subscribertally)
"""


def test_an_import_and_its_undo_survive_being_killed(data_dir: Path) -> None:
    from config.runtime import embedded

    product = Product(data_dir, DJANGO_SETTINGS_MODULE="config.settings")
    file = data_dir / "dirty.csv"
    kinds = _dirty.write(file, ROWS)
    with embedded.services(data_dir):
        product.manage("migrate", "--verbosity", "0")
        key = _start(product, PREPARE, str(file)).communicate()[0].decode().strip()
        _kill_and_finish(product, RUN, key, until="done")
        good = kinds["good"] + kinds["without"]
        assert product.query(
            "SELECT rows, created, updated, unchanged, suppressed, invalid, duplicates"
            " FROM subscribers_import"
        ) == [
            (
                *(ROWS - kinds["blank"], good, 0, 0, 0),
                *(kinds["invalid"] + kinds["duplicate"], kinds["duplicate"]),
            )
        ]
        assert product.query(LEFT) == [(good,) * 5]
        _start(product, START_UNDO, key).communicate()
        _kill_and_finish(product, UNDO, key, until="undone")
        assert product.query(LEFT) == [(0,) * 5]
        assert product.query("SELECT (undo->>'removed')::int FROM subscribers_import") == [(good,)]


def _start(product: Product, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", BEGIN + program, *arguments],
        cwd=BASE,
        env=product.environment,
        stdout=subprocess.PIPE,
    )


def _kill_and_finish(product: Product, program: str, key: str, *, until: str) -> None:
    """Kill the program at random moments while it works, then let it finish."""
    chance = random.SystemRandom()
    for _kill in range(KILLS):
        process = _start(product, program, key)
        time.sleep(2 + chance.random() * 4)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    deadline = time.monotonic() + 600
    while product.query("SELECT status FROM subscribers_import") != [(until,)]:
        # A backend of the killed process may still hold the lock for a moment.
        assert time.monotonic() < deadline
        _start(product, program, key).communicate()
