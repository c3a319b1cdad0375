"""The product's settings, on services of the test run's own.

DATABASE_URL and REDIS_URL are honoured; without them an embedded pair runs below ``var/``, in a
folder of its own for each test run at a time. Every xdist worker has its own database (by
pytest-django) and its own Redis database.
"""

import fcntl
import os
from pathlib import Path

BASE = Path(__file__).parent.parent / "var"


def _free_data_dir() -> Path:
    """Take the first of ``var/test-1``, ``var/test-2``… that no other test run uses."""
    number = 1
    while True:
        data_dir = BASE / f"test-{number}"
        data_dir.mkdir(parents=True, exist_ok=True)
        # Stays open, and so locked, until this process ends.
        descriptor = os.open(data_dir / "in_use", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            number += 1
        else:
            return data_dir


if "TEST_DATA_DIR" not in os.environ:  # the workers of xdist inherit it
    os.environ["TEST_DATA_DIR"] = str(_free_data_dir())
os.environ["DATA_DIR"] = os.environ["TEST_DATA_DIR"]
for name in ("SITE_URL", "HOST", "PORT", "SMTP_URL", "DEFAULT_FROM", "WORKERS", "DEBUG"):
    os.environ.pop(name, None)

from config import broker, storages  # noqa: E402
from config.settings import *  # noqa: E402, F403
from config.settings import (  # noqa: E402
    CACHES,
    DATA_DIR,
    DATABASES,
    REDIS_URL,
    STATIC_ROOT,
)

_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if _worker:
    # Redis database 0 stays free: a worker's tests flush theirs.
    _number = int(_worker.removeprefix("gw")) + 1
    _base = REDIS_URL.partition("?")[0]
    REDIS_URL = (
        f"{_base}?db={_number}"
        if _base.startswith("unix:")
        else f"{_base.rsplit('/', 1)[0] if _base.count('/') > 2 else _base}/{_number}"
    )
MARKS_DIR = DATA_DIR / f"marks-{_worker or 'alone'}"
MARKS_DIR.mkdir(exist_ok=True)
CACHES["default"]["LOCATION"] = REDIS_URL
CELERY_BROKER_URL = broker.url(REDIS_URL)
DATABASES["default"]["CONN_MAX_AGE"] = 0

STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns where it is missing
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "pictures": storages.pictures("", "", folder=DATA_DIR / "media" / "pictures"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = True  # no collected files needed
WHITENOISE_USE_FINDERS = True
