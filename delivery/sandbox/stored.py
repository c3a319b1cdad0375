"""A kept mail's bytes: read to a bound, or handed on piece by piece."""

from collections.abc import Iterator
from typing import Final

from django.db.models import BinaryField, F, Func, Value

from delivery.models import SandboxMessage
from delivery.sandbox import parts

PIECE: Final = 4 * 1024 * 1024  # bytes in memory at once while a whole mail is handed on


def beginning(message_id: int, *, most: int = parts.MOST_BYTES) -> bytes:
    """Return the first bytes of a mail; none of one that is gone."""
    return _slice(message_id, 0, most)


def read(mail: SandboxMessage, *, most: int = parts.MOST_BYTES) -> parts.Mail:
    """Read a kept mail as far as ``most`` bytes."""
    return parts.read(beginning(mail.pk, most=most), is_cut=mail.size > most)


def pieces(mail: SandboxMessage) -> Iterator[bytes]:
    """Yield the whole mail as it came."""
    at = 0
    while piece := _slice(mail.pk, at, PIECE):
        yield piece
        at += len(piece)
        if len(piece) < PIECE:
            return


def _slice(message_id: int, start: int, length: int) -> bytes:
    piece = Func(
        F("raw"),
        Value(start + 1),
        Value(length),
        function="substring",
        output_field=BinaryField(),
    )
    found = SandboxMessage.objects.filter(pk=message_id).values_list(piece, flat=True).first()
    return bytes(found) if found is not None else b""
