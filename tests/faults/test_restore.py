"""A dump is restored while nobody looks: nobody gets mail until somebody says go, and then once."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.backups import clients
from config.runtime import embedded
from tests.faults.accounting import LETTER, PEOPLE, begun, check, pace
from tests.faults.conftest import Recorder, Run
from tests.faults.product import Product

pytestmark = pytest.mark.faults


def tool(name: str) -> str:
    return str(next(iter(clients.folders(18))) / name)


def dump(product: Product, path: Path) -> None:
    subprocess.run(
        [tool("pg_dump"), "--format=custom", f"--file={path}", *where(product)], check=True
    )


def load(product: Product, path: Path) -> None:
    command = [tool("pg_restore"), "--clean", "--if-exists", "--no-owner", "--exit-on-error"]
    subprocess.run([*command, *where(product), str(path)], check=True)


def where(product: Product) -> list[str]:
    settings = embedded.database_settings(product.data_dir)
    return [f"--host={settings['HOST']}", "--username=postgres", f"--dbname={settings['NAME']}"]


def is_held(product: Product) -> bool:
    rows = product.query("SELECT held_since FROM accounts_installation")
    return bool(rows and rows[0][0])


def stays_quiet(product: Product, recorder: Recorder) -> None:
    """Wait until workers and beat have had many turns; nobody may get anything meanwhile."""
    before = recorder.mails()
    product.until(lambda: is_held(product), seconds=60)
    for _ in range(4):
        product.wait_for_workers()
    assert recorder.mails() == before


def nothing(_product: Product) -> None:
    """Let Redis and DATA_DIR be as they are."""


def empty_redis(product: Product) -> None:
    product.redis().flushall()


def empty_all(product: Product) -> None:
    product.redis().flushall()
    for name in ("installation", "installation.pulse"):
        (product.data_dir / name).unlink(missing_ok=True)


@pytest.mark.parametrize(
    "meanwhile",
    [pytest.param(nothing, marks=pytest.mark.quick), empty_redis, empty_all],
)
def test_a_dump_of_the_middle_of_a_campaign(
    run: Run, recorder: Recorder, data_dir: Path, meanwhile: Callable[[Product], None]
) -> None:
    recorder.start(pace(6))
    with run() as product:
        campaign = begun(product, recorder)
        dump(product, data_dir / "dump")
        check(product, recorder, campaign)
        product.stop()
        load(product, data_dir / "dump")
        assert product.status(campaign) == "sending"  # what the ledger knew then
        meanwhile(product)
        product.start()
        stays_quiet(product, recorder)
        told = product.command("hold", "--campaign", str(campaign), "--proof", str(recorder.log))
        assert told["proof"]["marked"] + told["proof"]["known"] == PEOPLE
        product.command("hold", "--campaign", str(campaign), "--answer", "send")
        product.command("hold", "--go")
        check(product, recorder, campaign)
        assert sum(recorder.mails().values()) == PEOPLE


@pytest.mark.quick
def test_a_dump_is_loaded_below_running_workers(
    run: Run, recorder: Recorder, data_dir: Path
) -> None:
    """Nothing is stopped, and half of them have got it since the dump was taken."""
    recorder.start(pace(10))
    with run() as product:
        campaign = begun(product, recorder)
        dump(product, data_dir / "dump")
        product.until(lambda: len(recorder.mails()) > PEOPLE // 2)
        product.query("UPDATE campaigns_campaign SET status = 'paused', pause_reason = 'x'")
        product.until(lambda: not product.query("SELECT FROM delivery_claim WHERE state = 2"))
        load(product, data_dir / "dump")
        stays_quiet(product, recorder)
        product.command("hold", "--campaign", str(campaign), "--proof", str(recorder.log))
        product.command("hold", "--campaign", str(campaign), "--answer", "send")
        product.command("hold", "--go")
        check(product, recorder, campaign)


@pytest.mark.quick
def test_a_dump_of_a_scheduled_campaign(run: Run, recorder: Recorder, data_dir: Path) -> None:
    recorder.start()
    with run() as product:
        product.people(PEOPLE, port=recorder.port)
        product.command("hold", "--show")  # as each start of the product does: it notes where it is
        product.stop()
        path = data_dir / "letter.html"
        path.write_text(LETTER)
        found = product.command(
            *("send_campaign", "--list", "Everybody", "--subject", "Panen raya", "--html"),
            *(str(path), "--from", "Kopi Senja <kabar@kopisenja.example>"),
        )
        campaign = int(found["id"])
        assert product.status(campaign) == "scheduled"
        dump(product, data_dir / "dump")
        product.start()
        check(product, recorder, campaign)
        product.stop()
        load(product, data_dir / "dump")
        product.start()
        stays_quiet(product, recorder)
        assert product.status(campaign) == "scheduled"
        product.command("hold", "--go")  # a word for all is no answer about this one
        stays = recorder.mails()
        for _ in range(4):
            product.wait_for_workers()
        assert recorder.mails() == stays
        # Nobody knows who got it: they are listed, and nobody gets it again by itself.
        product.command("hold", "--campaign", str(campaign), "--answer", "leave")
        product.until(lambda: product.states(campaign) == {"unknown": PEOPLE}, seconds=120)
        product.until(lambda: product.status(campaign) == "sent")
        assert recorder.mails() == stays
        assert product.command("campaign_status", str(campaign))["undecided"] == PEOPLE


def test_a_copy_beside_the_original(run: Run, recorder: Recorder, data_dir: Path) -> None:
    """The whole folder is copied in the middle of a campaign; both run."""
    recorder.start(pace(10))
    with run() as product:
        campaign = begun(product, recorder)
        product.query("UPDATE campaigns_campaign SET status = 'paused', pause_reason = 'x'")
        product.until(lambda: not product.query("SELECT FROM delivery_claim WHERE state = 2"))
        product.stop()
    copy = data_dir / "copy"
    copy.mkdir()
    for entry in data_dir.iterdir():
        if entry.name in {"postgres", "valkey", "installation", "installation.pulse"}:
            subprocess.run(["/bin/cp", "-a", entry, copy], check=True)
    original, other = Product(data_dir), Product(copy)
    with embedded.services(data_dir), embedded.services(copy):
        for one in (original, other):
            one.query("UPDATE campaigns_campaign SET status = 'sending', pause_reason = ''")
            one.start()
        try:
            check(original, recorder, campaign)
            assert is_held(other)
            assert not is_held(original)
            assert sum(recorder.mails().values()) == PEOPLE
        finally:
            original.stop()
            other.stop()


@pytest.mark.quick
def test_an_emptied_redis_and_a_restart_hold_nothing(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(5))
    with run() as product:
        campaign = begun(product, recorder)
        product.stop()
        product.redis().flushall()
        product.start()
        assert not is_held(product)
        # What was on the wire is doubtful only where its journal went with Redis.
        check(product, recorder, campaign)
