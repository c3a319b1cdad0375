"""The floor of tracking: our web server's connections, answering a constant and noting nothing.

``python -m benchmarks._constant PORT``
"""

import asyncio
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: image/gif\r\ncontent-length: 43\r\n"
    b"cache-control: no-store, no-cache, must-revalidate, private\r\n\r\n" + b"\0" * 43
)


class Constant(HttpToolsProtocol):
    """Reads a request's head and writes the constant."""

    def on_headers_complete(self) -> None:
        """Answer."""
        self.transport.write(ANSWER)

    def on_message_complete(self) -> None:
        """Wait for the next one."""


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Take the place of an application."""


def main() -> None:
    """Serve until SIGTERM."""
    config = uvicorn.Config(
        nothing,
        port=int(sys.argv[1]),
        http=Constant,
        loop="uvloop",
        lifespan="off",
        log_config=None,
    )
    asyncio.set_event_loop(None)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
