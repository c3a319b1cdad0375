"""The installation's secret: SECRET_KEY, or made on the first start and kept in DATA_DIR."""

import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment


def load(env: Environment, data_dir: Path) -> str:
    """Return SECRET_KEY from the environment, else the key kept in ``data_dir/secret_key``.

    Raises:
        ImproperlyConfigured: DATA_DIR cannot be written, or the kept key cannot be read.
    """
    given = env.str("SECRET_KEY", default="")
    if given:
        return str(given)
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            _make(path)
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR {data_dir} cannot be used: {error.strerror} ({error.filename})."
        ) from error


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
