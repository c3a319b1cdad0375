"""Where we answer, and under which names."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config import addresses


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 80, "http://localhost:80"),
        ("::1", 8000, "http://[::1]:8000"),
    ],
)
def test_the_public_address_follows_host_and_port(host: str, port: int, url: str) -> None:
    assert addresses.default_url(host, port) == url


@pytest.mark.parametrize(
    ("host", "site_url", "is_given", "names"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", False, ["127.0.0.1", "[::1]", "localhost"]),
        ("0.0.0.0", "http://localhost:8000", False, ["*"]),
        (
            "0.0.0.0",
            "https://news.example.com",
            True,
            ["127.0.0.1", "[::1]", "localhost", "news.example.com"],
        ),
    ],
)
def test_only_names_that_are_ours_are_answered_to(
    host: str, site_url: str, *, is_given: bool, names: list[str]
) -> None:
    assert addresses.allowed_hosts(host=host, site_url=site_url, is_given=is_given) == names


def test_the_sandbox_keeps_its_port_and_moves_when_it_is_taken(tmp_path: Path) -> None:
    assert addresses.kept_port(tmp_path) == 2525
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        (tmp_path / "sandbox_port").write_text(f"{taken}\n")
        chosen = addresses.choose_port(tmp_path)
        assert chosen != taken
    assert addresses.kept_port(tmp_path) == chosen
    assert addresses.choose_port(tmp_path) == chosen


def test_a_command_beside_the_product_knows_its_address(tmp_path: Path) -> None:
    assert addresses.kept_url(tmp_path) == ""
    addresses.keep_url(tmp_path, "http://127.0.0.1:8101")
    script = "from config import settings; print(settings.SITE_URL)"

    def site_url(**environment: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", script],
            env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return result.stdout.strip()

    assert site_url() == "http://127.0.0.1:8101"
    assert site_url(PORT="8200") == "http://127.0.0.1:8200"
    assert site_url(LOG_PART="run") == "http://127.0.0.1:8000"  # the product itself, started anew
    assert site_url(SITE_URL="https://news.example") == "https://news.example"
