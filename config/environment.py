"""Typed readers of the process environment.

Every setting comes from an environment variable, a ``NAME_FILE`` variable that names a file
holding the value (for secrets), or a ``.env`` file beside ``manage.py``. A value of the wrong
shape stops the start with one sentence that names the variable.
"""

import re
import zoneinfo
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from accounts.input import senders

BASE_DIR = Path(__file__).resolve().parent.parent
FLAGS = dict.fromkeys(("true", "yes", "on", "1", "y", "t"), True) | dict.fromkeys(
    ("false", "no", "off", "0", "n", "f", ""), False
)


class Environment(environ.FileAwareEnv):  # type: ignore[misc]  # the library is not typed
    """django-environ's reader, with errors that name the variable and what was expected."""

    ENVIRON = FileAwareMapping(cache=False)  # a file may change while we run

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """Read and cast one variable.

        Raises:
            ImproperlyConfigured: the value is missing or has the wrong shape.
        """
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var} has a wrong value: {error}.") from error
        except OSError as error:
            raise ImproperlyConfigured(
                f"{var}_FILE cannot be read: {error.strerror} ({error.filename})."
            ) from error

    def whole(self, var: str, *, default: int, least: int, most: int) -> int:
        """Read a whole number between two bounds, both allowed."""
        given = self.str(var, default="").strip()
        if not given:
            return default
        if not (given.isascii() and given.isdecimal() and least <= int(given) <= most):
            raise ImproperlyConfigured(
                f"{var} has a wrong value: {given!r} is not a whole number from {least} to {most}."
            )
        return int(given)

    def flag(self, var: str, *, default: bool) -> bool:
        """Read yes or no."""
        given = str(self.str(var, default="")).strip().lower()
        if given not in FLAGS:
            raise ImproperlyConfigured(
                f"{var} has a wrong value: {given!r} is neither true nor false."
            )
        return FLAGS[given] if given else default

    def time_zone(self, var: str, *, default: str) -> str:
        """Read the name of a time zone."""
        given = str(self.str(var, default="")).strip() or default
        try:
            zoneinfo.ZoneInfo(given)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ImproperlyConfigured(
                f"{var} has a wrong value: {given!r} is not a time zone like Asia/Jakarta."
            ) from error
        return given

    def seconds(self, var: str, *, default: list[float]) -> list[float]:
        """Read times in seconds, separated by commas."""
        given = str(self.str(var, default="")).strip()
        if not given:
            return default
        if not re.fullmatch(r"\d+(\.\d+)?(\s*,\s*\d+(\.\d+)?)*", given, re.ASCII):
            raise ImproperlyConfigured(
                f"{var} has a wrong value: {given!r} are not seconds like 60,300,900."
            )
        return [float(part) for part in given.split(",")]

    def one_of(self, var: str, *, default: str, choices: Collection[str]) -> str:
        """Read a word out of a few."""
        given = str(self.str(var, default="")) or default
        if given not in choices:
            raise ImproperlyConfigured(
                f"{var} has a wrong value: {given!r} is none of {', '.join(sorted(choices))}."
            )
        return given

    def service_url(self, var: str, *, schemes: Collection[str], example: str) -> str:
        """Read a URL with one of these schemes, or "". Its value is never shown: secrets."""
        given = str(self.str(var, default="")).strip()
        if not given:
            return ""
        try:
            parts = urlsplit(given)
            fits = parts.scheme in schemes and bool(parts.hostname or parts.path.strip("/"))
            _ = parts.port
        except ValueError:
            fits = False
        if not fits:
            raise ImproperlyConfigured(f"{var} has a wrong value: it must look like {example}.")
        return given

    def storage(self, var: str) -> str:
        """Read a place for files: ``s3://bucket/prefix``, or "" for this machine's disk."""
        given = str(self.str(var, default="")).strip()
        if given and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?", given):
            raise ImproperlyConfigured(
                f"{var} has a wrong value: it must look like s3://bucket/prefix, or be empty."
            )
        return given

    def smtp_url(self, var: str) -> str:
        """Read the URL of an SMTP server, or ""."""
        example = "smtp://user:password@host:587/?tls=starttls (or implicit, or none)"
        given = self.service_url(var, schemes=("smtp", "smtps"), example=example)
        parts = urlsplit(given)
        options = parse_qs(parts.query, keep_blank_values=True)
        tls = options.pop("tls", ["starttls"])
        if given and (
            not parts.hostname
            or parts.path not in ("", "/")
            or options
            or len(tls) != 1
            or tls[0] not in ("starttls", "implicit", "none")
        ):
            raise ImproperlyConfigured(f"{var} has a wrong value: it must look like {example}.")
        return given

    def sender(self, var: str) -> str:
        """Read a sender (``Name <address>`` or an address), or ""."""
        given = str(self.str(var, default="")).strip()
        try:
            return str(senders.understand(given)) if given else ""
        except senders.SenderError as error:
            raise ImproperlyConfigured(
                f"{var} has a wrong value: it must look like "
                "Kopi Senja <news@example.com> or news@example.com."
            ) from error

    def site_url(self, var: str, *, default: str) -> str:
        """Read the public address of this installation, without a slash at the end."""
        given = self.service_url(var, schemes=("http", "https"), example="https://news.example.com")
        given = given or default
        parts = urlsplit(given)
        if not parts.hostname or parts.query or parts.fragment or parts.path.strip("/"):
            raise ImproperlyConfigured(
                f"{var} has a wrong value: it must look like https://news.example.com, no path."
            )
        return f"{parts.scheme}://{parts.netloc}"


env = Environment()
environ.Env.read_env(BASE_DIR / ".env")
