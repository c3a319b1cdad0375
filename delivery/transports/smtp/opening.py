"""The way from a fresh connection to one that takes mail: banner, EHLO, STARTTLS, EHLO, AUTH.

Written once, as a generator that yields what to do next and is sent the server's replies, so that
the sender's selector and the account test walk exactly the same way.
RFC 5321 §3.1-3.2, 3207 (STARTTLS), 8314 §3 (TLS for submission), 4954 (AUTH).
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext as _

from delivery.transports.protocol import ServerTroubleError
from delivery.transports.smtp import auth
from delivery.transports.smtp.reply import Capabilities, Reply, capabilities_of
from delivery.transports.smtp.settings import SmtpSettings, Tls

UNKNOWN_MECHANISM = frozenset({504, 534})
COMMAND_UNKNOWN = frozenset({500, 501, 502, 504})


class OpeningStep(Enum):
    """A stage of the way, in order, as the account test shows them; the opening ends with AUTH."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Write ``command`` (nothing, to wait for the banner) and send back the reply."""

    step: OpeningStep
    command: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Handshake:
    """Begin TLS on the connection now; send back nothing."""


Opening = Generator[Ask | Handshake, Reply | None, Capabilities]


class OpeningError(ServerTroubleError):
    """The server cannot be used as set up; ``step`` is where, ``reply`` what it said.

    ``certificate``: OpenSSL's number of what is wrong with the certificate; 0: nothing.
    """

    def __init__(
        self,
        sentence: str,
        *,
        step: OpeningStep,
        permanent: bool = False,
        reply: Reply | None = None,
        certificate: int = 0,
    ) -> None:
        super().__init__(sentence, permanent=permanent)
        self.certificate = certificate
        self.step = step
        self.reply = reply


def opening(settings: SmtpSettings, *, client_name: str) -> Opening:
    """Walk the way; the generator returns what the server can do.

    Raises:
        OpeningError: the server is not what the settings say, is in trouble, or refuses us.
    """
    if settings.tls is Tls.IMPLICIT:
        yield Handshake()
    banner = yield from _ask(Ask(step=OpeningStep.BANNER))
    if not banner.is_positive:
        raise OpeningError(
            _("%(host)s rejects us: %(words)s") % {"host": settings.host, "words": banner.words},
            step=OpeningStep.BANNER,
            reply=banner,
        )
    server = yield from _hello(settings, client_name)
    if settings.tls is Tls.STARTTLS:
        server = yield from _protect(settings, client_name, server)
    if settings.username:
        yield from _sign_in(settings, server)
    return server


def _ask(question: Ask) -> Generator[Ask | Handshake, Reply | None, Reply]:
    reply = yield question
    if reply is None:
        raise AssertionError("a reply was due")
    return reply


def _hello(
    settings: SmtpSettings, client_name: str
) -> Generator[Ask | Handshake, Reply | None, Capabilities]:
    """EHLO, or HELO where that is all the server knows (RFC 5321 §3.2)."""
    name = client_name.encode("ascii")
    reply = yield from _ask(Ask(step=OpeningStep.EHLO, command=b"EHLO " + name + b"\r\n"))
    if reply.is_positive:
        return capabilities_of(reply)
    if reply.code in COMMAND_UNKNOWN:
        reply = yield from _ask(Ask(step=OpeningStep.EHLO, command=b"HELO " + name + b"\r\n"))
        if reply.is_positive:
            return Capabilities()
    raise OpeningError(
        _("%(host)s does not accept our greeting: %(words)s")
        % {"host": settings.host, "words": reply.words},
        step=OpeningStep.EHLO,
        reply=reply,
    )


def _protect(
    settings: SmtpSettings, client_name: str, server: Capabilities
) -> Generator[Ask | Handshake, Reply | None, Capabilities]:
    """STARTTLS, and everything anew (RFC 3207 §4.2). What is required is never left out."""
    if not server.starttls:
        raise OpeningError(
            _("%(host)s offers no STARTTLS on port %(port)s.")
            % {"host": settings.host, "port": settings.port},
            step=OpeningStep.STARTTLS,
            permanent=True,
        )
    reply = yield from _ask(Ask(step=OpeningStep.STARTTLS, command=b"STARTTLS\r\n"))
    if not reply.is_positive:
        raise OpeningError(
            _("%(host)s refuses STARTTLS: %(words)s")
            % {"host": settings.host, "words": reply.words},
            step=OpeningStep.STARTTLS,
            reply=reply,
        )
    yield Handshake()
    return (yield from _hello(settings, client_name))


def _sign_in(
    settings: SmtpSettings, server: Capabilities
) -> Generator[Ask | Handshake, Reply | None, None]:
    if not server.mechanisms:
        raise OpeningError(
            _("%(host)s offers no way to sign in on port %(port)s.")
            % {"host": settings.host, "port": settings.port},
            step=OpeningStep.AUTH,
            permanent=True,
        )
    names = auth.shared(settings.mechanisms, server.mechanisms)
    reply: Reply | None = None
    for name in names:
        reply = yield from _try_mechanism(settings, name)
        if reply.is_positive:
            return
        if reply.code not in UNKNOWN_MECHANISM:
            break
    if reply is None:
        raise OpeningError(
            _("%(host)s offers only ways to sign in that we do not know: %(names)s.")
            % {"host": settings.host, "names": ", ".join(server.mechanisms)},
            step=OpeningStep.AUTH,
            permanent=True,
        )
    raise OpeningError(
        _("%(host)s refuses the user name or password: %(words)s")
        % {"host": settings.host, "words": reply.words}
        if reply.is_permanent
        else _("%(host)s cannot check the password just now: %(words)s")
        % {"host": settings.host, "words": reply.words},
        step=OpeningStep.AUTH,
        permanent=reply.is_permanent,
        reply=reply,
    )


def _try_mechanism(
    settings: SmtpSettings, name: str
) -> Generator[Ask | Handshake, Reply | None, Reply]:
    """Go through one mechanism; a challenge too many is cancelled with ``*`` (RFC 4954 §4)."""
    talk = auth.MECHANISMS[name](settings.username, settings.password)
    reply = yield from _ask(Ask(step=OpeningStep.AUTH, command=auth.first_line(name, next(talk))))
    while reply.is_intermediate:
        try:
            said = talk.send(auth.challenge(reply.text))
            command = auth.answer_line(said)
        except (StopIteration, auth.ChallengeError):
            command = b"*\r\n"
        reply = yield from _ask(Ask(step=OpeningStep.AUTH, command=command))
        if command == b"*\r\n" and reply.is_intermediate:
            raise OpeningError(
                _("%(host)s does not finish the sign-in.") % {"host": settings.host},
                step=OpeningStep.AUTH,
                reply=reply,
            )
    return reply
