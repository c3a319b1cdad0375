"""What it costs to render one person's mail: ``python -m benchmarks.render``.

The mail: two parts, 18 kB on the wire, ten tracked links, an open pixel, 13 merge tags.
CPU time of one thread, the median of several runs; each person is another one.
"""

import json
import os
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

import django

from benchmarks._content import newsletter

if TYPE_CHECKING:
    from delivery.mime.dkim import Signer
    from delivery.mime.recipient import Recipient
    from delivery.mime.skeleton import CompiledMessage

RUNS = 7
MAILS = 4_000


def main() -> None:
    """Print one JSON line per figure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    plain = _message(signed=False)
    size = len(_data(plain))
    _print("render_message_size", size, "bytes")
    _print("render_18kb_message", _cost(plain, MAILS), "microseconds")
    for name in ("rsa", "ed25519", "both"):
        message = _message(signed=True, algorithm=name)
        cost = _cost(message, MAILS // 20)
        _print(f"render_18kb_message_dkim_{name}", cost, "microseconds")


def _data(message: "CompiledMessage") -> bytes:
    from delivery.mime.render import render

    return render(message, _person(1)).data


def _print(name: str, value: float, unit: str) -> None:
    print(json.dumps({"name": name, "value": round(value, 1), "unit": unit}))  # noqa: T201 - its purpose


def _cost(message: "CompiledMessage", mails: int) -> float:
    from delivery.mime.render import render

    people = [_person(number) for number in range(mails)]
    for person in people[:200]:
        render(message, person)
    runs = []
    for _run in range(RUNS):
        start = process_time()
        for person in people:
            render(message, person)
        runs.append((process_time() - start) / mails * 1e6)
    return median(runs)


def _person(number: int) -> "Recipient":
    from delivery.mime.recipient import Recipient

    return Recipient(
        message_id=number,
        subscriber_id=number,
        email=f"person{number}@example.com",
        first_name=f"Dewi{number}",
        last_name="Anggraini",
        fields={"city": f"Bandung {number % 97}"},
    )


def _message(*, signed: bool, algorithm: str = "rsa") -> "CompiledMessage":
    from campaigns.rendering.compile import Writing, compile_content
    from campaigns.rendering.values import MergeTags, Untrusted
    from campaigns.states import ContentKind
    from delivery.mime.skeleton import compile_message
    from subscribers.states import FieldType

    tags = MergeTags(
        fields={"city": ("city", FieldType.TEXT)},
        constants={
            "workspace_name": Untrusted("Kopi Senja"),
            "postal_address": Untrusted("Jl. Braga 12, Bandung"),
            "website": Untrusted("https://kopisenja.example"),
        },
        language="en",
    )
    content = compile_content(
        Writing(
            kind=ContentKind.HTML,
            source=newsletter(),
            subject="The harvest is in, {{ first_name|default('friend') }}",
        ),
        tags,
    )
    return compile_message(
        content,
        from_email="hello@kopisenja.example",
        from_name="Kopi Senja",
        list_id="letter",
        list_name="Letter",
        feedback_id=("1", "kopi-senja"),
        site_url="https://news.kopisenja.example",
        signer=_signer(algorithm) if signed else None,
    )


def _signer(algorithm: str) -> "Signer":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    from delivery.mime.dkim import Signer, SigningKey

    domain = "kopisenja.example"
    rsa = SigningKey(domain=domain, selector="r", key=generate_private_key(65537, 2048))
    ed25519 = SigningKey(domain=domain, selector="e", key=Ed25519PrivateKey.generate())
    return Signer({"rsa": (rsa,), "ed25519": (ed25519,), "both": (rsa, ed25519)}[algorithm])


if __name__ == "__main__":
    main()
