"""What an SMTP connection needs to know: where to, how protected, who, how long to wait."""

import math
import ssl
from dataclasses import dataclass, field
from enum import Enum
from typing import Self


class Tls(Enum):
    """How the connection is protected; what is asked for is required, never given up."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds to wait for each answer: RFC 5321 §4.5.3.2, with a shorter one to connect.

    ``total`` is for one `send` as a whole: then it ends, whatever the server is about to say.
    """

    connect: float = 30.0
    handshake: float = 30.0
    banner: float = 300.0
    command: float = 300.0  # EHLO, AUTH, MAIL, RCPT, RSET
    data: float = 120.0  # the answer to DATA
    block: float = 180.0  # until a piece of the body is taken
    final_dot: float = 600.0
    quit: float = 2.0  # a goodbye is worth no wait
    total: float = math.inf

    @classmethod
    def within(cls, seconds: float) -> Self:
        """Make timeouts for a few mails that somebody waits for, ``seconds`` for all of it."""
        stage = seconds / 2
        return cls(
            connect=seconds / 3,
            handshake=stage,
            banner=stage,
            command=stage,
            data=stage,
            block=stage,
            final_dot=seconds,
            quit=0.5,
            total=seconds,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpSettings:
    """One server and how to use it.

    ``client_name`` is what we call ourselves in EHLO (a full domain name; empty: the connection's
    own address, RFC 5321 §4.1.3). ``dsn``: ask for failures only, headers only (RFC 3461).
    ``trusted``: a PEM text of certificates to trust besides the machine's own.
    """

    host: str
    port: int
    tls: Tls = Tls.STARTTLS
    verify_certificate: bool = True
    username: str = ""
    password: str = field(default="", repr=False)
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")  # best first
    client_name: str = ""
    max_connections: int = 8
    messages_per_connection: int = 500
    idle_seconds: float = 30.0
    dsn: bool = False
    trusted: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)

    def tls_context(self) -> ssl.SSLContext:
        """Make the TLS settings: version 1.2 or newer (RFC 8996), certificate and name checked."""
        context = ssl.create_default_context(cadata=self.trusted or None)
        if self.trusted:
            context.load_default_certs()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
