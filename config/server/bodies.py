"""Takes a request's body in, whole, before one of the few threads of the web server is given to it.

Nobody has to send a body in time, or at all; a thread that waited would be lost to everybody. Small
bodies stay in memory, larger ones go to a file that has no name and so leaves nothing behind.
"""

import asyncio
from collections.abc import Awaitable, Callable
from tempfile import SpooledTemporaryFile
from typing import Any

from django.conf import settings

REFUSED = "warta.refused"  # in the environ: the status that `config.middleware` answers with
ANYBODY_BYTES = 256 * 1024
KEPT_IN_MEMORY = 256 * 1024
GRACE_SECONDS = 10.0
SLOWEST_SENDER = 4096  # bytes a second, beyond the grace
LINGER_SECONDS = 2.0

Receive = Callable[[], Awaitable[dict[str, Any]]]


class Refused(Exception):  # noqa: N818 - not our error
    """This body is not taken; ``status`` says why in HTTP's terms."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Gone(Exception):  # noqa: N818 - not our error
    """The visitor hung up."""


async def take(
    receive: Receive, *, declared: int | None, larger: Callable[[], Awaitable[int]]
) -> "SpooledTemporaryFile[bytes]":
    """Return the body, from its beginning.

    ``declared`` is the Content-Length, None for a chunked body. ``larger`` is asked once, when a
    body is larger than what anybody may send, how many bytes this visitor may send there.

    Raises:
        Refused: 413, it is too large; 408, it comes too slowly.
        Gone: the connection ended.
    """
    body: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(  # noqa: SIM115 - the caller closes it
        max_size=KEPT_IN_MEMORY, dir=settings.FILE_UPLOAD_TEMP_DIR
    )
    try:
        await _fill(body, receive, declared=declared, larger=larger)
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


async def _fill(
    body: "SpooledTemporaryFile[bytes]",
    receive: Receive,
    *,
    declared: int | None,
    larger: Callable[[], Awaitable[int]],
) -> None:
    most, size, waited = ANYBODY_BYTES, 0, 0.0
    if declared is not None and declared > most:
        most = await larger()
        if declared > most:
            raise Refused(413)
    now = asyncio.get_running_loop().time
    while True:
        started = now()
        try:
            async with asyncio.timeout(GRACE_SECONDS + size / SLOWEST_SENDER - waited):
                message = await receive()
        except TimeoutError as error:
            raise Refused(408) from error
        waited += now() - started
        if message["type"] == "http.disconnect":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most and most == ANYBODY_BYTES:
            most = max(most, await larger())
        if size > most:
            raise Refused(413)
        body.write(chunk)
        if not message.get("more_body"):
            return


async def discard(receive: Receive) -> None:
    """Read what still comes for a moment: hanging up at once would take the answer away, too."""
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        return
