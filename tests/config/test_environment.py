"""A setting of the wrong shape is named, with what was expected, and without its secret."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import env

Reader = Callable[[], Any]
READERS: dict[str, Reader] = {
    "PORT": lambda: env.whole("PORT", default=8000, least=1, most=65535),
    "SMTP_URL": lambda: env.smtp_url("SMTP_URL"),
    "DEFAULT_FROM": lambda: env.sender("DEFAULT_FROM"),
    "SITE_URL": lambda: env.site_url("SITE_URL", default="http://127.0.0.1:8000"),
    "REDIS_URL": lambda: env.service_url(
        "REDIS_URL", schemes=("redis", "unix"), example="redis://host:6379/0"
    ),
    "TIME_ZONE": lambda: env.time_zone("TIME_ZONE", default="UTC"),
    "DEBUG": lambda: env.flag("DEBUG", default=False),
    "RETRY_AFTER": lambda: env.seconds("RETRY_AFTER", default=[60]),
    "LOG_FORMAT": lambda: env.one_of("LOG_FORMAT", default="json", choices=("console", "json")),
}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "0", "'0' is not a whole number from 1 to 65535."),
        ("PORT", "8000x", "'8000x' is not a whole number from 1 to 65535."),
        ("PORT", "-1", "'-1' is not a whole number from 1 to 65535."),
        ("PORT", "٣", "'٣' is not a whole number from 1 to 65535."),
        ("SMTP_URL", "nonsense", "it must look like smtp://user:password@host:587/"),
        ("SMTP_URL", "smtp://u:s3cret@h:25/?tls=maybe", "it must look like smtp://"),
        ("SMTP_URL", "smtp://u:s3cret@h:99999/", "it must look like smtp://"),
        ("SMTP_URL", "smtp://u:s3cret@h/path", "it must look like smtp://"),
        ("SMTP_URL", "http://h/", "it must look like smtp://"),
        ("DEFAULT_FROM", "nobody", "it must look like Kopi Senja <news@example.com>"),
        ("DEFAULT_FROM", "A <a@b.example>\nBcc: x@y.example", "it must look like"),
        ("SITE_URL", "news.example.com", "it must look like https://news.example.com"),
        ("SITE_URL", "https://news.example.com/path", "it must look like https://"),
        ("SITE_URL", "javascript://x", "it must look like https://"),
        ("REDIS_URL", "s3cret", "it must look like redis://host:6379/0."),
        ("TIME_ZONE", "Mars/Base", "'Mars/Base' is not a time zone like Asia/Jakarta."),
        ("TIME_ZONE", "../../etc/passwd", "is not a time zone like Asia/Jakarta."),
        ("DEBUG", "perhaps", "'perhaps' is neither true nor false."),
        ("RETRY_AFTER", "60,soon", "'60,soon' are not seconds like 60,300,900."),
        ("LOG_FORMAT", "xml", "'xml' is none of console, json."),
    ],
)
def test_wrong_values(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        READERS[name]()
    assert str(caught.value).startswith(f"{name} has a wrong value: ")
    assert sentence in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "", 8000),
        ("PORT", " 8080 ", 8080),
        ("SMTP_URL", "", ""),
        ("SMTP_URL", "smtp://u:p@h:587/?tls=none", "smtp://u:p@h:587/?tls=none"),
        ("SMTP_URL", "smtps://h", "smtps://h"),
        ("DEFAULT_FROM", "Kopi Senja <n@k.example>", "Kopi Senja <n@k.example>"),
        ("SITE_URL", "https://news.example.com/", "https://news.example.com"),
        ("SITE_URL", "", "http://127.0.0.1:8000"),
        ("REDIS_URL", "unix:///run/v.sock?db=1", "unix:///run/v.sock?db=1"),
        ("TIME_ZONE", "Asia/Jakarta", "Asia/Jakarta"),
        ("DEBUG", "Yes", True),
        ("DEBUG", "0", False),
        ("DEBUG", "", False),
        ("RETRY_AFTER", "", [60]),
        ("RETRY_AFTER", "1, 2.5", [1.0, 2.5]),
        ("LOG_FORMAT", "", "json"),
    ],
)
def test_right_values(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert READERS[name]() == expected


def test_a_value_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("smtp://u:p@h:587/")
    monkeypatch.delenv("SMTP_URL", raising=False)
    monkeypatch.setenv("SMTP_URL_FILE", str(tmp_path / "url"))
    assert READERS["SMTP_URL"]() == "smtp://u:p@h:587/"
