"""Asks the web server for many addresses, as a member's browser and as a program."""

import http.client
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

AT_ONCE = 8
PATIENCE = 120.0  # seconds after which nobody answered at all
TOKEN = "a" * 32


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A signed-in member whose browser prefers Indonesian, with a key for programs."""

    port: int
    cookies: Mapping[str, str]
    key: str

    def ask(self, path: str, *, method: str = "GET", body: Any = None) -> Answer:
        """Send one request; the API is asked as a program does."""
        headers = {"Host": "news.example", "Accept-Language": "id", "Connection": "close"}
        if path.startswith("/api/"):
            headers |= {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            sent = json.dumps(body or {}) if method != "GET" else None
        else:
            cookies = {**self.cookies, "warta_csrf": TOKEN}
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
            headers |= {"X-CSRFToken": TOKEN, "Content-Type": "application/x-www-form-urlencoded"}
            sent = body or "" if method != "GET" else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body=sent, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return Answer(
                status=answer.status,
                headers={name.lower(): value for name, value in answer.getheaders()},
                body=text,
            )
        finally:
            connection.close()

    def walk(
        self, paths: Iterable[str], *, method: str = "GET", at_once: int = AT_ONCE
    ) -> dict[str, Answer]:
        """Ask for each address, a few at once."""
        paths = list(paths)
        with ThreadPoolExecutor(at_once) as threads:
            found = threads.map(lambda path: self.ask(path, method=method), paths)
            return dict(zip(paths, found, strict=True))
