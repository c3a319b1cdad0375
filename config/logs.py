"""Logging: one line per event, as JSON or for people, and never with personal data.

Code logs events with ids (``structlog.get_logger().info("campaign started", campaign=7)``). As a
safety net everything that looks like a mail or network address is masked on its way out, inside
tracebacks too, and so is what the database quotes of a row when it refuses it.
"""

import logging
import logging.config
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

EventDict = MutableMapping[str, Any]
# Each word is looked at once, from its begin, or a long one would cost the square of its length.
MAIL_ADDRESS = re.compile(r"(?<![^\s<>\"'(),:;=@])[^\s<>\"'(),:;=@]++@[\w-]++(?:\.[\w-]++)++")
NETWORK_ADDRESS = re.compile(
    r"\b(?!127\.)(?!0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){3,7}:?[0-9a-f]{1,4}\b"
    # IPv6 with its longest run of zeros left out: 2001:db8::1, fe80::1
    r"|\b(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4}::(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{0,4}\b",
    re.IGNORECASE,
)
# What PostgreSQL quotes of a row behind an error's first line, to where another error begins.
ROW_VALUES = re.compile(
    r"^([ \t|]*+)(DETAIL|CONTEXT|QUERY|STATEMENT|WHERE|LINE [0-9]{1,9}+):.*?"
    r"(?=^[ \t|]*+(?:HINT:|Traceback \(most|The above exception was|During handling of the above)"
    r"|\Z)",
    re.MULTILINE | re.DOTALL,
)
# … and in the first line itself.
QUOTED_VALUE = re.compile(r"(invalid (?:input|value|byte)[^\n:]{0,200}+: |out of range: ?)\"[^\n]*")
# Words that libraries log at every turn, and that say nothing to the reader of the log.
QUIET = {
    "celery.app.trace": "ERROR",
    "celery.apps.worker": "WARNING",
    "celery.beat": "WARNING",
    "celery.worker": "WARNING",
    "celery.pool": "WARNING",
    "celery.bootsteps": "WARNING",
    "kombu": "WARNING",
    "django.request": "ERROR",
    "django.security": "ERROR",
    "uvicorn.error": "ERROR",
    "urllib3": "WARNING",
    "imapclient": "WARNING",
    "mail.log": "WARNING",  # aiosmtpd, which names senders and recipients
    "asyncio": "WARNING",
}


def mask(value: Any) -> Any:
    """Return ``value`` without the mail and network addresses in its text, and rows' values."""
    if isinstance(value, str):
        value = ROW_VALUES.sub(r"\1\2: [values]\n", value)
        value = QUOTED_VALUE.sub(r"\1[value]", value)
        return NETWORK_ADDRESS.sub("[ip]", MAIL_ADDRESS.sub("[address]", value))
    if isinstance(value, Mapping):
        return {mask(key): mask(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(item) for item in value]
    if isinstance(value, bool | int | float | None):
        return value
    return mask(str(value))


def mask_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Mask a whole event (a structlog processor)."""
    return {key: value if key.startswith("_") else mask(value) for key, value in event.items()}


def add_part(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Say which part of the system speaks: LOG_PART of the process (a structlog processor)."""
    event.setdefault("part", os.environ.get("LOG_PART", "warta"))
    return event


def name_failed_request(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace the path in Django's own message, which may hold a token, by its route."""
    record = event.get("_record")
    request = getattr(record, "request", None)
    if request is not None:
        from config.middleware import safe_path

        event["event"] = "request failed"
        event["path"] = safe_path(request)
    return event


def line(_logger: Any, _method: str, event: EventDict) -> str:
    """Render one event as "time  part  message key=value …" (a structlog processor)."""
    return render(event, colours=sys.stderr.isatty() and not os.environ.get("NO_COLOR"))


def render(event: Mapping[str, Any], *, colours: bool) -> str:
    """Render one event for people; the part is padded so that messages stand in one column."""
    rest = dict(event)
    time = str(rest.pop("time", ""))[11:19]
    part = str(rest.pop("part", "")).ljust(8)
    level = str(rest.pop("level", "info"))
    message = str(rest.pop("event", ""))
    rest.pop("logger", None)
    exception = rest.pop("exception", None)
    details = " ".join(f"{key}={value}" for key, value in rest.items())
    if level in ("warning", "error", "critical"):
        message = f"{level}: {message}"
    if colours:
        colour = {"warning": 33, "error": 31, "critical": 31}.get(level)
        message = f"\x1b[{colour}m{message}\x1b[0m" if colour else message
        time, part = f"\x1b[2m{time}\x1b[0m", f"\x1b[36m{part}\x1b[0m"
        details = f"\x1b[2m{details}\x1b[0m" if details else ""
    text = f"{time}  {part}  {message}" + (f"  {details}" if details else "")
    return f"{text}\n{exception}" if exception else text


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=False, key="time"),
    add_part,
]


def settings(log_format: str) -> dict[str, Any]:
    """Return Django's LOGGING for ``json`` or ``console``."""
    last = structlog.processors.JSONRenderer(ensure_ascii=False) if log_format == "json" else line
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [
                    name_failed_request,
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    mask_event,
                    last,
                ],
            }
        },
        "handlers": {"events": {"class": "logging.StreamHandler", "formatter": "events"}},
        "root": {"handlers": ["events"], "level": "INFO"},
        "loggers": {name: {"level": level} for name, level in QUIET.items()},
    }


def configure(config: dict[str, Any]) -> None:
    """Set up logging from Django's LOGGING (this is the setting LOGGING_CONFIG)."""
    logging.config.dictConfig(config)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
