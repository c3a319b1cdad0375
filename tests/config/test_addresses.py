"""Where we answer, and under which names."""

import socket
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
