"""Mails that were built to cost time or memory, one at a time.

``python -m benchmarks._hostile_mails NAME…`` reads them and prints for each what that took.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from time import process_time

_HEAD = (
    b"From: MAILER-DAEMON@mx.example\r\nTo: news@example.com\r\n"
    b"Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
)
_MIXED = _HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
_HTML = _HEAD + b"Content-Type: text/html\r\n\r\n"
_DSN = b"Final-Recipient: rfc822; u%d@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"


def _nested(depth: int) -> bytes:
    levels = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(depth)
    )
    return _HEAD + b"".join(levels) + b"Content-Type: text/plain\r\n\r\nx"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "100 MB in a line": lambda: _HEAD + b"\r\n" + b"a" * 100_000_000,
    "100 MB of @": lambda: _HEAD + b"\r\n" + b"@" * 100_000_000,
    "100 MB of header": lambda: b"X-A: " + b"b" * 100_000_000,
    "10,000 parts": lambda: (
        _MIXED + b"--x\r\nContent-Type: text/plain\r\n\r\n<a@b.example>: 550 no\r\n" * 10_000
    ),
    "10,000 levels": lambda: _nested(10_000),
    "levels with one boundary": lambda: (
        _HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 20_000
    ),
    "10,000 mails in mails": lambda: _HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 10_000,
    "a million fields": lambda: b"X-A: b\r\n" * 1_000_000 + b"\r\nbody",
    "an endless field": lambda: b"Subject: x\r\n" + b" y\r\n" * 2_000_000 + b"\r\n",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?" * 100_000 + b"\r\n\r\n",
    "tags that never end": lambda: _HTML + b"<" * 900_000,
    "styles that never end": lambda: _HTML + b"<style" * 150_000,
    "addresses": lambda: _HEAD + b"\r\n" + b"<a@b.example>: 550 user unknown\r\n" * 30_000,
    "long addresses": lambda: _HEAD + b"\r\n" + (b"a" * 127 + b"@b ") * 8_000,
    "12,000 recipients": lambda: (
        _MIXED
        + b"--x\r\nContent-Type: message/delivery-status\r\n\r\n"
        + b"".join(_DSN % number for number in range(12_000))
    ),
    "codes": lambda: _HEAD + b"\r\n" + b"550 5.1.1 " * 90_000,
    "half phrases": lambda: _HEAD + b"\r\n" + b"user mailbox account " * 45_000,
    "fields in the text": lambda: _HEAD + b"\r\n" + b"a:\n" * 300_000,
    "brackets in JSON": lambda: _HEAD + b'\r\n{"notificationType":' + b"[" * 400_000,
    "zero bytes": lambda: b"\0" * 1_000_000,
    "noise": lambda: os.urandom(1_000_000),
    "a charset that is none": lambda: (
        _HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" * 400_000
    ),
    "parameters": lambda: _HEAD + b"Content-Type: text/plain;" + b" a=b;" * 100_000 + b"\r\n\r\n",
}


def main() -> None:
    """Read some and print CPU seconds, and megabytes beyond the mail itself, a line for each."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from delivery.bounces.reading import read

    read(_HEAD + b"\r\n<a@b.example>: 550 user unknown")
    for name in sys.argv[1:]:
        raw = HOSTILE[name]()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = process_time()
        reading = read(raw)
        result = {
            "name": name,
            "reports": len(reading.reports),
            "seconds": process_time() - start,
            "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        }
        print(json.dumps(result), flush=True)  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
