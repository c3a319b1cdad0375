"""One client at the test server: commands in, answers out, as its behaviour wants (RFC 5321)."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final, cast

from delivery.sandbox import certificates, smtp_sasl
from delivery.sandbox.smtp_behaviour import rule_for
from delivery.sandbox.smtp_record import Received
from delivery.sandbox.smtp_speaker import Speaker
from delivery.sandbox.smtp_state import ServerState

_PATH: Final = re.compile(rb"(?:FROM|TO):[ ]*<([^>\r\n]*)>(.*)", re.IGNORECASE | re.DOTALL)
_END: Final = b"\r\n.\r\n"
LONGEST_COMMAND: Final = 12_288
LARGEST_MAIL: Final = 64 * 1024 * 1024


class Session(Speaker):
    """Speaks with one client."""

    def __init__(self, server: ServerState) -> None:
        super().__init__(server)
        self.number = server.next_session()
        self.user = ""
        self.secure = False
        self._rest = b""
        self._body: list[bytes] | None = None  # pieces of a mail that is coming in
        self._body_size = 0
        self._sender: str | None = None
        self._people: list[str] = []
        self._treatment = ""  # of the open mail
        self._proving: smtp_sasl.Proving | None = None
        self._greeted = False
        self._accepted = 0
        self._holds = False  # a mail of this client is being stored

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        is_new = self._transport is None
        self._transport = cast("asyncio.Transport", transport)
        if not is_new:  # TLS has begun
            return
        self.server.sessions.add(self)
        behaviour = self.server.behaviour
        if behaviour.tls == "implicit":
            self.secure = True
        most = behaviour.most_connections
        if behaviour.busy or (most and len(self.server.sessions) > most):
            self._say("421 4.3.2 too busy, come back later", stage="banner")
            self._end()
        elif not self._cut("banner"):
            self._say("220 test.example ESMTP", stage="banner")
        self._flush()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget this client."""
        self._over = True
        self.server.sessions.discard(self)
        if self._speaking is not None:
            self._speaking.cancel()

    def data_received(self, data: bytes) -> None:
        """Work through what has come."""
        if self._over:
            return
        if self._rest:
            data = self._rest + data
            self._rest = b""
        while data and not self._over and not self._holds:
            data = self._take_body(data) if self._body is not None else self._take_line(data)
        self._flush()

    # --- coming in

    def _take_line(self, data: bytes) -> bytes:
        line, end, rest = data.partition(b"\n")
        if not end:
            if len(data) > LONGEST_COMMAND:
                self._say("500 5.5.2 line too long")
                self._end()
                return b""
            self._rest = data
            return b""
        line = line.removesuffix(b"\r")
        if self._proving is not None:
            self._go_on_proving(line)
            return rest
        verb, _, argument = line.partition(b" ")
        name = verb.upper().decode("ascii", "replace")
        command = self._COMMANDS.get(name)
        if command is None:
            self._say("500 5.5.2 not understood")
            return rest
        stage = "EHLO" if name == "HELO" else name
        if not self._cut(stage):
            command(self, argument.strip())
        if name == "STARTTLS" and self.server.behaviour.tls == "starttls":
            return b""  # what was sent ahead of the handshake is thrown away (RFC 3207 §4)
        return rest

    def _take_body(self, data: bytes) -> bytes:
        """Take a piece of a mail; return what comes after its end."""
        pieces = self._body
        if pieces is None:
            return data
        if not pieces and self._cut("BODY"):  # once per mail, when it has begun to come
            return b""
        if not pieces and data.startswith(b".\r\n"):
            return self._end_body(b"", data[3:])
        if len(data) < len(_END) and len(data) < 3:  # noqa: PLR2004 - too short to tell
            self._rest = data
            return b""
        end = data.find(_END)
        if end < 0:
            keep = len(_END) - 1  # the end may be cut in two
            pieces.append(data[:-keep])
            self._body_size += len(data) - keep
            self._rest = data[-keep:]
            if self._body_size > (self.server.behaviour.size or LARGEST_MAIL):
                self._say("552 5.3.4 too large")
                self._end()
            return b""
        pieces.append(data[: end + 2])
        return self._end_body(b"".join(pieces), data[end + len(_END) :])

    def _end_body(self, body: bytes, rest: bytes) -> bytes:
        self._body = None
        self._body_size = 0
        sender, people = self._sender or "", tuple(self._people)
        self._sender, self._people = None, []
        if not people:
            self._say("554 5.5.1 no valid recipients", stage="DOT")
            return rest
        forced = self.server.behaviour.replies.get("DOT")
        if forced:
            self._say(forced, stage="DOT")
            return rest
        if body.rfind(b"\n..") >= 0 or body.startswith(b".."):
            body = (b"\r\n" + body).replace(b"\r\n..", b"\r\n.")[2:]
        verdict = self.server.keep(
            Received(
                envelope_from=sender,
                envelope_to=people,
                data=body,
                user=self.user,
                session=self.number,
                secure=self.secure,
            )
        )
        if isinstance(verdict, str):
            self._answer_mail(verdict)
            return rest
        # Nothing more is read from this client until its mail is safe.
        self._rest = rest
        self._holds = True
        self._transport.pause_reading()
        verdict.add_done_callback(self._go_on)
        return b""

    def _go_on(self, verdict: "asyncio.Future[str]") -> None:
        self._holds = False
        if self._over or verdict.cancelled():
            return
        self._answer_mail(verdict.result())
        self._transport.resume_reading()
        self.data_received(b"")

    def _answer_mail(self, refusal: str) -> None:
        if refusal:
            self._say(refusal, stage="DOT")
            return
        self._accepted += 1
        self.server.count += 1
        if self._treatment == "hang_up":
            self.hang_up()
        elif not self._cut("DOT"):
            behaviour = self.server.behaviour
            slow = behaviour.slow_delay if self._treatment == "slow" else 0.0
            self._say("250 2.0.0 ok", stage="DOT", delay=behaviour.dot_delay + slow)

    # --- commands

    def _helo(self, _argument: bytes) -> None:
        self._greeted = True
        self._sender, self._people = None, []
        self._answer("EHLO", "250 test.example")

    def _ehlo(self, _argument: bytes) -> None:
        behaviour = self.server.behaviour
        if behaviour.helo_only:
            self._say("502 5.5.1 not known here", stage="EHLO")
            return
        self._greeted = True
        self._sender, self._people = None, []
        offers = ["test.example"]
        offers += ["PIPELINING"] * behaviour.pipelining
        offers += ["8BITMIME"] * behaviour.eight_bit
        offers += ["SMTPUTF8"] * behaviour.smtputf8
        offers += ["ENHANCEDSTATUSCODES"] * behaviour.enhanced
        offers += ["DSN"] * behaviour.dsn
        offers += [f"SIZE {behaviour.size}"] if behaviour.size else []
        offers += ["STARTTLS"] if behaviour.tls == "starttls" and not self.secure else []
        if self.server.wants_users and (self.secure or behaviour.clear_text_auth):
            offers.append("AUTH " + " ".join(behaviour.mechanisms))
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self._answer("EHLO", "\r\n".join(lines))

    def _starttls(self, _argument: bytes) -> None:
        behaviour = self.server.behaviour
        if behaviour.tls != "starttls" or self.secure:
            self._say("502 5.5.1 not known here", stage="STARTTLS")
            return
        more = "\r\n250 injected" if behaviour.words_after_starttls else ""
        forced = behaviour.replies.get("STARTTLS")
        self._say((forced or "220 2.0.0 go ahead") + more, stage="STARTTLS")
        self._flush()
        if not forced:
            self._transport.pause_reading()  # what comes now is the handshake's
            task = asyncio.ensure_future(self._begin_tls())
            self.server.remember(task)

    async def _begin_tls(self) -> None:
        loop = asyncio.get_running_loop()
        context = certificates.context(self.server.behaviour.certificate)
        self._greeted = False
        # Until the handshake is done nothing may be written: commands can come in before this
        # coroutine gets to know the new transport.
        plain, self._transport = self._transport, None
        self.secure = True
        try:
            self._transport = await loop.start_tls(
                plain, self, context, server_side=True, ssl_handshake_timeout=20
            )
        except (OSError, asyncio.CancelledError):
            self._over = True
            plain.abort()
            return
        self._flush()

    def _auth(self, argument: bytes) -> None:
        behaviour = self.server.behaviour
        name, _, first = argument.partition(b" ")
        mechanism = name.upper().decode("ascii", "replace")
        forced = behaviour.replies.get("AUTH")
        if forced or mechanism not in behaviour.mechanisms or not self.server.wants_users:
            self._say(forced or "504 5.5.4 no such mechanism", stage="AUTH")
            return
        proving = smtp_sasl.begin(mechanism, self.server.password_of)
        if proving is None:
            self._say("504 5.5.4 no such mechanism", stage="AUTH")
            return
        challenge = next(proving)
        self._proving = proving
        if first:
            self._go_on_proving(b"" if first == b"=" else first)
        else:
            self._say(smtp_sasl.challenge_line(challenge), stage="AUTH")

    def _go_on_proving(self, line: bytes) -> None:
        proving, self._proving = self._proving, None
        answer = smtp_sasl.decoded(line)
        if proving is None or answer is None:
            self._say("501 5.5.2 cancelled", stage="AUTH")
            return
        try:
            challenge = proving.send(answer)
        except StopIteration as end:
            refused = -1 < self.server.behaviour.refuse_auth_after <= self.server.count
            if end.value and not refused:
                self.user = end.value
                self._say("235 2.7.0 welcome", stage="AUTH")
            else:
                self._say("535 5.7.8 user name or password wrong", stage="AUTH")
            return
        self._proving = proving
        self._say(smtp_sasl.challenge_line(challenge), stage="AUTH")

    def _mail(self, argument: bytes) -> None:
        behaviour = self.server.behaviour
        found = _PATH.fullmatch(argument)
        if behaviour.close_after and self._accepted >= behaviour.close_after:
            self._say("421 4.7.0 enough for one connection", stage="MAIL")
            self._end()
        elif found is None:
            self._say("501 5.1.7 no address", stage="MAIL")
        elif self._sender is not None:
            self._say("503 5.5.1 one mail at a time", stage="MAIL")
        elif not self._greeted:
            self._say("503 5.5.1 who are you", stage="MAIL")
        elif self.server.wants_users and not self.user:
            self._say("530 5.7.0 sign in first", stage="MAIL")
        elif "MAIL" in behaviour.replies:
            self._say(behaviour.replies["MAIL"], stage="MAIL")
        else:
            self._sender = found[1].decode("utf-8", "replace")
            self._treatment = ""
            self._say("250 2.1.0 ok", stage="MAIL")

    def _rcpt(self, argument: bytes) -> None:
        behaviour = self.server.behaviour
        found = _PATH.fullmatch(argument)
        if found is None or not found[1]:
            self._say("501 5.1.3 no address", stage="RCPT")
            return
        person = found[1].decode("utf-8", "replace")
        refusal = behaviour.replies.get("RCPT") or rule_for(behaviour.refuse, person)
        treatment = rule_for(behaviour.treat, person)
        greylists = behaviour.greylist or treatment == "greylist"
        if self._sender is None:
            self._say("503 5.5.1 MAIL first", stage="RCPT")
        elif refusal:
            self._say(refusal, stage="RCPT")
        elif greylists and self.server.is_grey(person, time.monotonic()):
            self._say("451 4.7.1 greylisted, come back later", stage="RCPT")
        else:
            self._people.append(person)
            self._treatment = treatment or self._treatment
            self._say("250 2.1.5 ok", stage="RCPT")

    def _data(self, _argument: bytes) -> None:
        forced = self.server.behaviour.replies.get("DATA")
        if forced and not forced.startswith("354"):
            self._say(forced, stage="DATA")
        elif not self._people and not forced:
            self._say("554 5.5.1 no valid recipients", stage="DATA")
        else:
            self._body = []
            self._say("354 end with a dot", stage="DATA")

    def _rset(self, _argument: bytes) -> None:
        self._sender, self._people = None, []
        self._say("250 2.0.0 ok")

    def _noop(self, _argument: bytes) -> None:
        self._say("250 2.0.0 ok")

    def _quit(self, _argument: bytes) -> None:
        self._say("221 2.0.0 goodbye")
        self._end()

    _COMMANDS: Final[dict[str, Callable[["Session", bytes], None]]] = {
        "HELO": _helo,
        "EHLO": _ehlo,
        "STARTTLS": _starttls,
        "AUTH": _auth,
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data,
        "RSET": _rset,
        "NOOP": _noop,
        "QUIT": _quit,
    }

    def _answer(self, stage: str, words: str) -> None:
        self._say(self.server.behaviour.replies.get(stage, words), stage=stage)
