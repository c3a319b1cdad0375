"""One editor's drafts that never come to an end, beside somebody else's pages."""

import http.cookiejar
import re
import signal
import urllib.parse
import urllib.request
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

from tests.runtime.conftest import Checkout

PREPARE = """
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from campaigns import lifecycle
for name in ("hostile", "peaceful"):
    workspace = Workspace.objects.create(name=name, slug=name, postal_address="Here 1")
    user = User.objects.create_user(f"{name}@example.org", "kopi-senja-di-teras-9", name=name)
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    for number in range(4 if name == "hostile" else 1):
        source = "*a **b " * 140_000 if name == "hostile" else "Hello"
        campaign = lifecycle.create(
            workspace, name="x", subject="x", source=f"{number} {source}"
        )
        print(name, campaign.pk)
"""
TOO_LONG = "takes too long or grows too large"
BUSY = "Other drafts are being prepared"


@dataclass
class Browser:
    """Somebody who is signed in."""

    base: str
    email: str

    def __post_init__(self) -> None:
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get("/sign-in/"))
        assert token is not None
        fields = {
            "login": self.email,
            "password": "kopi-senja-di-teras-9",
            "csrfmiddlewaretoken": token[1],
        }
        data = urllib.parse.urlencode(fields).encode()
        with self.opener.open(f"{self.base}/sign-in/", data, timeout=120) as page:
            assert page.status == 200

    def get(self, path: str) -> str:
        """Load a page."""
        with self.opener.open(f"{self.base}{path}", timeout=300) as page:
            return str(page.read().decode())


def test_another_members_pages_and_previews_come_meanwhile(checkout: Checkout) -> None:
    process = checkout.start()
    made = checkout.manage("shell", "--no-imports", "-c", PREPARE)
    assert made.returncode == 0, made.stderr
    drafts = [line.split() for line in made.stdout.splitlines() if " " in line]
    hostile = [pk for name, pk in drafts if name == "hostile"]
    (peaceful,) = (pk for name, pk in drafts if name == "peaceful")
    base = f"http://127.0.0.1:{checkout.port}"
    attacker, neighbour = (Browser(base, f"{name}@example.org") for name in ("hostile", "peaceful"))
    address = "/campaigns/{}/preview/"
    assert "Hello" in neighbour.get(address.format(peaceful))  # everything is warm

    with ThreadPoolExecutor(len(hostile)) as threads:
        under_way = [threads.submit(attacker.get, address.format(pk)) for pk in hostile]
        wait(under_way, return_when=FIRST_COMPLETED)  # whoever may not even wait is told so
        assert "Hello" in neighbour.get(address.format(peaceful) + "?view=text")
        assert neighbour.get("/")
        assert not all(one.done() for one in under_way)  # these are still being rendered
        wait(under_way)
    said = [one.result()[:2_000] for one in under_way]
    assert [page for page in said if TOO_LONG not in page and BUSY not in page] == []
    assert any(TOO_LONG in page for page in said)
    assert neighbour.get("/")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    assert checkout.left_after(20) == {}
