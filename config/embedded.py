"""The embedded PostgreSQL and Valkey (placeholder until the runtime slice lands)."""

from pathlib import Path


def database_settings(data_dir: Path) -> dict[str, str]:
    """Return Django's database settings for the embedded PostgreSQL under ``data_dir``."""
    return {"NAME": "warta", "USER": "postgres", "HOST": str(data_dir / "run")}


def redis_url(data_dir: Path) -> str:
    """Return the URL of the embedded Valkey under ``data_dir``."""
    return f"unix://{data_dir / 'run' / 'valkey.sock'}"
