"""A mail server in a process of its own that writes down every mail before it accepts it.

``python -m tests.faults.recorder PORT LOG [option …]``; options: ``greylist`` (451 for each
person's first attempt), ``drop=N`` (hangs up in the middle of one body in N, by chance),
``refuse=N`` (550 to every Nth person), ``slow=SECONDS`` (before the answer to the final dot),
``mute`` (never answers a final dot), ``auth=N`` (takes the password N times, then refuses it).
LOG.trace gets a line for each connection and each mail: "open" or "mail", the time, and how many
connections are open at that moment.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path


class Rules:
    """What this server does besides accepting mail."""

    def __init__(self, log: Path, options: list[str]) -> None:
        words = dict(option.partition("=")[::2] for option in options)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.trace = os.open(f"{log}.trace", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.open = 0
        self.greylist = "greylist" in words
        self.mute = "mute" in words
        self.drop = int(words.get("drop", 0))
        self.refuse = int(words.get("refuse", 0))
        self.slow = float(words.get("slow", 0))
        self.auth = int(words["auth"]) if "auth" in words else None
        self.seen: set[str] = set()
        self.chance = random.SystemRandom()

    def accept(self, person: str) -> None:
        """Write a mail down; it survives the server's end."""
        os.write(self.log, f"{person}\n".encode())
        self.note("mail")

    def note(self, what: str) -> None:
        """Write down what happened, and when."""
        os.write(self.trace, f"{what} {time.time():.6f} {self.open}\n".encode())


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rules: Rules) -> None:
    """Speak SMTP with one client."""
    rules.open += 1
    rules.note("open")
    try:
        await converse(reader, writer, rules)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        rules.open -= 1
        writer.close()


async def converse(  # noqa: C901, PLR0912 - one branch per command
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rules: Rules
) -> None:
    """Answer until the client leaves."""
    writer.write(b"220 recorder ESMTP\r\n")
    person = ""
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"EHLO":
            offers = b"250-AUTH PLAIN\r\n" if rules.auth is not None else b""
            writer.write(b"250-recorder\r\n" + offers + b"250-PIPELINING\r\n250 8BITMIME\r\n")
        elif verb == b"AUTH":
            if rules.auth is not None and rules.auth <= 0:
                writer.write(b"535 5.7.8 wrong password\r\n")
            else:
                rules.auth = (rules.auth or 1) - 1
                writer.write(b"235 2.7.0 welcome\r\n")
        elif verb == b"RCPT":
            address = line.partition(b"<")[2].partition(b">")[0].decode()
            number = int("".join(filter(str.isdigit, address)) or 0)
            if rules.greylist and address not in rules.seen:
                rules.seen.add(address)
                writer.write(b"451 4.7.1 greylisted\r\n")
            elif rules.refuse and number % rules.refuse == 0:
                writer.write(b"550 5.1.1 no such user\r\n")
            else:
                person = address
                writer.write(b"250 2.1.5 ok\r\n")
        elif verb == b"DATA":
            if not person:
                writer.write(b"503 5.5.1 no valid recipients\r\n")
                await writer.drain()
                continue
            writer.write(b"354 go on\r\n")
            await writer.drain()
            if rules.drop and rules.chance.randrange(rules.drop) == 0:
                await reader.readexactly(500)
                return
            await reader.readuntil(b"\r\n.\r\n")
            rules.accept(person)
            person = ""
            if rules.mute:
                await asyncio.sleep(3600)
            if rules.slow:
                await asyncio.sleep(rules.slow)
            writer.write(b"250 2.0.0 ok\r\n")
        elif verb == b"QUIT":
            writer.write(b"221 2.0.0 bye\r\n")
            return
        else:  # MAIL, RSET, NOOP
            person = ""
            writer.write(b"250 2.0.0 ok\r\n")
        if not reader._buffer:  # type: ignore[attr-defined]
            await writer.drain()


async def main(port: int, log: Path, options: list[str]) -> None:
    """Serve until killed."""
    rules = Rules(log, options)
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, rules),
        "127.0.0.1",
        port,
        limit=2**20,
        backlog=512,
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
