"""How a test server says things: at once, slowly, byte by byte, not at all, or by hanging up."""

import asyncio
from typing import Any

from delivery.sandbox.smtp_state import ServerState


class Speaker(asyncio.Protocol):
    """One client's side that is written to; answers stay in order whatever the behaviour."""

    def __init__(self, server: ServerState) -> None:
        self.server = server
        self._transport: Any = None
        self._out: list[bytes] = []
        self._speaking: asyncio.Task[None] | None = None
        self._to_say: asyncio.Queue[tuple[float, bytes]] | None = None
        self._over = False
        self._mute = False

    def hang_up(self) -> None:
        """Cut the connection without a further word; what was answered before still leaves."""
        self._over = True
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _cut(self, stage: str) -> bool:
        if self.server.behaviour.drop_at == stage and self.server.cuts_now():
            self.hang_up()
            return True
        return False

    def _say(self, words: str, *, stage: str = "", delay: float = 0.0) -> None:
        behaviour = self.server.behaviour
        self._mute = self._mute or bool(stage and behaviour.silent_at == stage)
        if self._mute:
            return
        if stage and behaviour.junk_at == stage:
            words = "<html>what?</html>"
        line = words.encode() + b"\r\n"
        delay += behaviour.tarpit
        if not delay and not behaviour.byte_delay and self._to_say is None:
            self._out.append(line)
            return
        self._say_slowly(delay, line)

    def _flush(self) -> None:
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def _end(self) -> None:
        """Hang up once everything is said."""
        self._over = True
        if self._to_say is None:
            self._flush()
            if self._transport is not None:
                self._transport.close()
        else:
            self._to_say.put_nowait((0.0, b""))

    def _say_slowly(self, delay: float, line: bytes) -> None:
        """Say it after all that was to be said before."""
        self._flush()
        if self._to_say is None:
            self._to_say = asyncio.Queue()
            self._speaking = asyncio.ensure_future(self._speak(self._to_say))
        self._to_say.put_nowait((delay, line))

    async def _speak(self, lines: "asyncio.Queue[tuple[float, bytes]]") -> None:
        while True:
            delay, line = await lines.get()
            if not line:
                self._transport.close()
                return
            await asyncio.sleep(delay)
            pause = self.server.behaviour.byte_delay
            if not pause:
                self._transport.write(line)
                continue
            for byte in line:
                self._transport.write(bytes([byte]))
                await asyncio.sleep(pause)
