"""The installation's secret: SECRET_KEY, or made on the first start and kept in DATA_DIR."""

import os
import secrets
import tempfile
import zlib
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment

SHORTEST = 32
FEWEST_LETTERS = 8
LEAST_CONTENT = 28  # bytes, compressed: what 32 random hexadecimal digits still have


def load(env: Environment, data_dir: Path) -> str:
    """Return SECRET_KEY from the environment, else the key kept in ``data_dir/secret_key``.

    Raises:
        ImproperlyConfigured: the key can be guessed, DATA_DIR cannot be written, or the kept key
            cannot be read.
    """
    given = str(env.str("SECRET_KEY", default=""))
    if given:
        if is_weak(given):
            raise ImproperlyConfigured(
                "SECRET_KEY can be guessed, and who knows it can sign in as anybody: give at least "
                f"{SHORTEST} random letters and digits, as “openssl rand -base64 48” prints them."
            )
        return given
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            _make(path)
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR {data_dir} cannot be used: {error.strerror} ({error.filename})."
        ) from error


def is_weak(key: str) -> bool:
    """Say whether a key is short, or long by repeating itself."""
    if len(key) < SHORTEST or len(set(key)) < FEWEST_LETTERS:
        return True
    return len(zlib.compress(key.encode(), 9)) < LEAST_CONTENT


def _make(path: Path) -> None:
    """Write a new key whole, then link it to its name: of two first starts, one key wins."""
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secret_key.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()
