"""The installation's secret: SECRET_KEY, or made on the first start and kept in DATA_DIR."""

import os
import secrets
from pathlib import Path

from config.environment import Environment


def load(env: Environment, data_dir: Path) -> str:
    """Return SECRET_KEY from the environment, else the key kept in ``data_dir/secret_key``."""
    given = env.str("SECRET_KEY", default="")
    if given:
        return str(given)
    path = data_dir / "secret_key"
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(48)
    try:
        # O_EXCL: of two processes that start at once, one writes and the other reads.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key
