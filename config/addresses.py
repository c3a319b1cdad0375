"""Where this installation can be reached: its own public address and the sandbox's port."""

import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

SANDBOX_PORT = 2525
ANY_HOST = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


def default_url(host: str, port: int) -> str:
    """Return the public address when SITE_URL is not set."""
    if host in ANY_HOST:
        host = "localhost"
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}"


def keep_url(data_dir: Path, url: str) -> None:
    """Keep the public address of the running web server, for commands typed beside it."""
    (data_dir / "site_url").write_text(f"{url}\n", encoding="utf-8")


def kept_url(data_dir: Path) -> str:
    """Return the public address of the web server that ran here last, "" if none did."""
    with suppress(OSError, ValueError):
        return (data_dir / "site_url").read_text(encoding="utf-8").strip()
    return ""


def allowed_hosts(*, host: str, site_url: str, is_given: bool) -> list[str]:
    """Return the host names to answer to when ALLOWED_HOSTS is not set.

    ``is_given`` says whether SITE_URL was set. Listening everywhere without it, we cannot know
    the names that people use, so any will do.
    """
    if host in ANY_HOST and not is_given:
        return ["*"]
    names = {urlsplit(site_url).hostname or "", host, "localhost", "127.0.0.1", "::1"}
    return sorted(f"[{name}]" if ":" in name else name for name in names - {*ANY_HOST})


def kept_port(data_dir: Path) -> int:
    """Return the sandbox's port: the one chosen by `choose_port`, else 2525."""
    with suppress(OSError, ValueError):
        return int((data_dir / "sandbox_port").read_text(encoding="ascii"))
    return SANDBOX_PORT


def choose_port(data_dir: Path) -> int:
    """Choose a port for the sandbox that is free, the kept one first, and keep it."""
    for port in (kept_port(data_dir), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                port = int(probe.getsockname()[1])  # noqa: PLW2901 - 0 becomes a real number
                (data_dir / "sandbox_port").write_text(f"{port}\n", encoding="ascii")
                return port
    return SANDBOX_PORT
