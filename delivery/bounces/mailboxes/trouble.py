"""What goes wrong with a mailbox, in words for the people who set it up."""

import ssl
from typing import Final

from django.utils.translation import gettext as _

from delivery.bounces import showing

LONGEST: Final = 200  # characters of a server's own words


class MailboxError(Exception):
    """A mailbox cannot be read now; ``sentence`` says why.

    ``is_refused``: our sign-in is wrong; ``is_lost``: there is no connection any more.
    """

    def __init__(self, sentence: str, *, is_refused: bool = False, is_lost: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.is_refused = is_refused
        self.is_lost = is_lost


def refused(host: str, words: object) -> MailboxError:
    """The server does not let us in."""
    return MailboxError(
        _("%(host)s does not accept the user name and password: %(words)s")
        % {"host": host, "words": said(words)},
        is_refused=True,
    )


def of_connection(host: str, port: int, error: BaseException) -> MailboxError:
    """Put what the system says of a connection into words."""
    return MailboxError(_sentence(host, port, error), is_lost=True)


def _sentence(host: str, port: int, error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = said(error.verify_message)
        return _("The certificate of %(host)s cannot be trusted: %(words)s") % {
            "host": host,
            "words": words,
        }
    where = {"host": host, "port": port}
    if isinstance(error, ssl.SSLError):
        return (
            _("No TLS with %(host)s on port %(port)s. Does the port fit the kind of TLS?") % where
        )
    if isinstance(error, TimeoutError):
        return _("%(host)s does not answer on port %(port)s in time.") % where
    if isinstance(error, ConnectionRefusedError):
        return _("Nobody listens at %(host)s on port %(port)s.") % where
    words = said(getattr(error, "strerror", None) or error)
    return _("The connection to %(host)s broke: %(words)s") % {"host": host, "words": words}


def unexpected() -> MailboxError:
    """Say that it is our fault; those who run the installation find it among what was set aside."""
    return MailboxError(_("Something went wrong while reading this mailbox. It is tried again."))


def said(words: object) -> str:
    """Return a server's own words in one short line."""
    if isinstance(words, (list, tuple)):
        words = words[0] if words else ""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    # IMAPClient quotes bytes as Python writes them.
    quoted = text.rpartition(" b'")[2] if " b'" in text else text
    text = quoted.removeprefix("b'").removesuffix("'") if "b'" in text else text
    return showing.line(text, LONGEST)
