"""A server that takes returned mails by SMTP: ``python -m config.run bounces``.

The MX of a return-path domain leads here, or a mail server in front hands its mails on. It takes
mail only for addresses with a token of ours and for return-path domains that one workspace alone
has named, so nobody can relay by it. How much it takes is bounded for each network, workspace and
email; of what no token proves, little is kept, and little a day. A mail is acknowledged once it is
recorded; while the database is away the other side is asked to come again (RFC 5321 §4.2.5).
"""

import asyncio
import os
import signal
import ssl
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import django
from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST: Final = 8 * 1024 * 1024  # bytes of one mail
LONGEST_LINE: Final = 256 * 1024  # mails have longer lines than the 1,000 bytes of RFC 5321
MOST_CONNECTIONS: Final = 32
MOST_OF_AN_ADDRESS: Final = 8
MOST_RECIPIENTS: Final = 20
SILENT_SECONDS: Final = 120.0
SESSION_SECONDS: Final = 600.0
STOP_SECONDS: Final = 10.0
DOMAINS_SECONDS: Final = 30.0
UNPROVEN_BYTES: Final = 64 * 1024  # kept of a mail that no token proves
AWAY: Final = "451 4.3.0 cannot take mail just now, try again"
NO_RELAY: Final = "550 5.7.1 no such address here"
TOO_MANY: Final = "452 4.5.3 too many recipients"
TOO_MUCH: Final = "452 4.3.1 too many emails, try again later"
BUSY: Final = b"421 4.7.0 too many connections, try again\r\n"
TAKEN: Final = "250 2.0.0 taken"


class Listener(SMTP):
    """aiosmtpd's server, bounded in connections and in the length of a session."""

    line_length_limit = LONGEST_LINE
    _connected: "Counter[str]" = Counter()

    def connection_made(self, transport: Any) -> None:
        """Take a connection, unless there are too many."""
        if not hasattr(self, "_address"):  # STARTTLS makes a connection once more
            self._address = str((transport.get_extra_info("peername") or ["?"])[0])
            counts = self._connected
            if counts.total() >= MOST_CONNECTIONS or counts[self._address] >= MOST_OF_AN_ADDRESS:
                self._address = ""
                transport.write(BUSY)
                transport.close()
                return
            counts[self._address] += 1
            self._end = self.loop.call_later(SESSION_SECONDS, transport.abort)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Make room."""
        if not getattr(self, "_address", ""):
            return  # it was not taken
        self._end.cancel()
        self._connected[self._address] -= 1
        self._address = ""
        super().connection_lost(error)


class TooMuchError(Exception):
    """More mails than are taken within that time; the other side keeps them."""


class Handler:
    """Says whom mail may be for, and records it."""

    def __init__(self) -> None:
        self._domains: dict[str, int | None] = {}
        self._looked_at = float("-inf")
        # A few threads: each has a database connection of its own.
        self.threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bounces")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take recipients that are ours."""
        del server, session
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        from accounts.background import set_aside

        try:
            is_ours = await self._in_thread(self.is_ours, address)
        except set_aside.AWAY:
            return AWAY
        if not is_ours:
            return NO_RELAY
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        """Record a mail for each workspace that it is for."""
        del server
        from accounts.background import set_aside

        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            peer = str((session.peer or ["?"])[0])
            await self._in_thread(self.take, content, list(envelope.rcpt_tos), peer)
        except TooMuchError:
            return TOO_MUCH
        except set_aside.AWAY:
            return AWAY
        except Exception as error:  # noqa: BLE001 - the other side keeps it, and comes again
            await self._in_thread(_note, error)
            return AWAY
        return TAKEN

    def is_ours(self, address: str) -> bool:
        """Say whether mail to an address is taken."""
        from delivery.bounces import proof

        token = proof.token_of_address(address)
        if token and proof.number(token) is not None:
            return True
        return self._workspace_of_domain(address) is not None

    def take(self, content: bytes, addresses: list[str], peer: str) -> None:
        """Record a mail, once for each workspace.

        Raises:
            TooMuchError: not for all of them: too many came from there, or for one of them.
        """
        from accounts.models import Workspace
        from delivery.bounces import intake, proof, smtp_quotas
        from delivery.states import FeedbackSource

        if not smtp_quotas.may_come(peer):
            raise TooMuchError
        found: dict[int, tuple[str, int | None]] = {}
        for address in addresses:
            proven = proof.message([proof.token_of_address(address)])
            if proven:
                found[proven.workspace_id] = (address, proven.message_id)
            elif (key := self._workspace_of_domain(address)) is not None:
                found.setdefault(key, (address, None))
        is_too_much = False
        for workspace in Workspace.objects.filter(pk__in=found):
            address, message_id = found[workspace.pk]
            if not smtp_quotas.may_take(workspace.pk, message_id):
                is_too_much = True  # the others have it; when it comes again, they know it
                continue
            intake.take(
                content if message_id is not None else content[:UNPROVEN_BYTES],
                workspace=workspace,
                source=FeedbackSource.BOUNCE_MAIL,
                envelope_to=address,
                size=len(content),
            )
        if is_too_much:
            raise TooMuchError

    def _workspace_of_domain(self, address: str) -> int | None:
        """Return whose return-path domain this is; None: nobody's, or several workspaces'."""
        domain = address.strip().strip("<>").rpartition("@")[2].lower().rstrip(".")
        if time.monotonic() - self._looked_at > DOMAINS_SECONDS:
            self._domains = _domains()
            self._looked_at = time.monotonic()
        return self._domains.get(domain)

    async def _in_thread(self, work: Any, *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, _with_fresh_connection, work, args)


def _domains() -> dict[str, int | None]:
    from delivery.models import SendingAccount

    named = SendingAccount.objects.exclude(return_path_domain="")
    found: dict[str, int | None] = {}
    for domain, workspace in named.values_list("return_path_domain", "workspace").distinct():
        key = domain.lower()
        # Nobody has proven that the domain is theirs, so of two workspaces neither gets it.
        found[key] = workspace if found.get(key, workspace) == workspace else None
    return found


def _with_fresh_connection(work: Any, args: tuple[Any, ...]) -> Any:
    from django.db import close_old_connections

    close_old_connections()
    try:
        return work(*args)
    finally:
        close_old_connections()


def _note(error: Exception) -> None:
    from accounts.background import set_aside

    set_aside.note("returned mail", subject="by SMTP", error=error)


def context() -> ssl.SSLContext | None:
    """Return how STARTTLS is spoken; None: it is not offered."""
    from django.conf import settings

    if not settings.BOUNCE_CERTIFICATE:
        return None
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(settings.BOUNCE_CERTIFICATE, settings.BOUNCE_KEY or None)
    return found


async def listen(host: str, port: int, handler: Handler) -> asyncio.Server:
    """Begin to listen.

    Raises:
        OSError: the port is taken, or the certificate cannot be read.
    """
    loop = asyncio.get_running_loop()
    tls = context()

    def session() -> Listener:
        return Listener(
            handler,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            hostname="warta",
            ident="Warta",
            timeout=SILENT_SECONDS,
            tls_context=tls,
            auth_exclude_mechanism=["PLAIN", "LOGIN"],
            loop=loop,
        )

    return await loop.create_server(session, host, port)


async def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; what is being recorded then is recorded."""
    handler = Handler()
    server = await listen(host, port, handler)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    server.close()
    handler.threads.shutdown(wait=True)


def main() -> int:
    """Run as a process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_PART", "bounces")
    django.setup()
    from django.conf import settings

    if not settings.BOUNCE_PORT:
        sys.stderr.write("Nothing to do: set BOUNCE_PORT to take bounces by SMTP.\n")
        return 1
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(settings.BOUNCE_LISTEN, settings.BOUNCE_PORT))
    except OSError as error:
        sys.stderr.write(
            f"The server for bounces cannot use {settings.BOUNCE_LISTEN} port "
            f"{settings.BOUNCE_PORT} or its certificate: {error.strerror or error}. Look at "
            "BOUNCE_LISTEN, BOUNCE_PORT, BOUNCE_CERTIFICATE and BOUNCE_KEY.\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
