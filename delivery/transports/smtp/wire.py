"""A non-blocking socket with an outgoing buffer and, later or from the start, TLS."""

import selectors
import socket
import ssl
import struct
from contextlib import suppress
from typing import Final

CHUNK: Final = 65536
READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE
# Places in Linux's struct tcp_info (linux/tcp.h); elsewhere the kernel is not asked.
STATE_AT: Final = 0
STATE_CLOSED: Final = 7
UNSENT_AT: Final = 144  # bytes
ROUND_TRIP_AT: Final = 148  # the shortest lately, in microseconds
INFO_LENGTH: Final = 152
UNKNOWN_ROUND_TRIP: Final = 0.1  # seconds
TLS_RECORD: Final = 16_384  # bytes of text at most (RFC 8446 §5.1)
TLS_OVERHEAD: Final = 64  # bytes around them at most, rounded up


class WireError(Exception):
    """The connection is gone."""


class Wire:
    """Bytes in and out of one connection; never waits.

    ``queued`` and ``sent`` count the bytes ever given to `write` and taken by the kernel, so that
    a caller who notes ``queued`` before a write knows later whether those bytes can have left.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._is_tls = False
        self._buffer: memoryview | None = None
        self.queued = 0
        self.sent = 0
        self.wants = READ

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    @property
    def is_writing(self) -> bool:
        """Whether bytes wait for the kernel to take them."""
        return self._buffer is not None

    @property
    def unsent(self) -> int:
        """How many bytes the kernel has taken and not yet put on the wire; 0 if it can't say."""
        info = self._tcp_info()
        return int(struct.unpack_from("I", info, UNSENT_AT)[0]) if info else 0

    @property
    def round_trip(self) -> float:
        """How long an answer takes on this network at least, in seconds, as the kernel sees it."""
        info = self._tcp_info()
        if not info:
            return UNKNOWN_ROUND_TRIP
        return float(struct.unpack_from("I", info, ROUND_TRIP_AT)[0]) / 1e6

    def may_have_left(self, place: int) -> bool:
        """Say whether the byte at this place of the stream can have left this machine.

        A connection that the other side has reset sends nothing more: what the kernel still held
        then never left.
        """
        behind = self.sent - place
        if behind <= 0:
            return False
        info = self._tcp_info()
        if not info or info[STATE_AT] != STATE_CLOSED:
            return True
        overhead = TLS_OVERHEAD * (1 + behind // TLS_RECORD) if self._is_tls else 0
        return self.unsent < behind + overhead

    def _tcp_info(self) -> bytes:
        """Return what the kernel knows of the connection; b"": nothing."""
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_LENGTH)
        except (OSError, AttributeError):
            return b""
        return info if len(info) == INFO_LENGTH else b""

    @property
    def own_address(self) -> str:
        """Our end of the connection."""
        return str(self._socket.getsockname()[0])

    def connect_fault(self) -> int:
        """Return the error number of a connect that has ended; 0: connected."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def write(self, data: bytes) -> None:
        """Send what the kernel takes now and keep the rest for `flush`.

        Raises:
            WireError: the connection is gone.
        """
        self.queued += len(data)
        if self._buffer is not None:
            self._buffer = memoryview(self._buffer.tobytes() + data)
            return
        try:
            count = self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError, InterruptedError):
            count = 0
        except (OSError, ValueError) as error:
            raise WireError(_words(error)) from error
        self.sent += count
        if count < len(data):
            self._buffer = memoryview(data)[count:]
            self.wants = READ | WRITE
            if self._is_tls:
                self.flush()

    def flush(self) -> None:
        """Send more of what is kept.

        Raises:
            WireError: the connection is gone.
        """
        while self._buffer is not None:
            try:
                count = self._socket.send(self._buffer)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError, InterruptedError):
                return
            except (OSError, ValueError) as error:
                raise WireError(_words(error)) from error
            self.sent += count
            self._buffer = self._buffer[count:] if count < len(self._buffer) else None
        self.wants = READ

    def read(self) -> bytes:
        """Return what has come; nothing yet: b"".

        Raises:
            WireError: the other side has hung up.
        """
        try:
            data = self._socket.recv(CHUNK)
            if self._is_tls and data:
                data += self._read_decrypted()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, InterruptedError):
            return b""
        except (OSError, ValueError) as error:
            raise WireError(_words(error)) from error
        if not data:
            raise WireError("the connection was closed")
        return data

    def _read_decrypted(self) -> bytes:
        """Return what TLS has decrypted already: no event will tell of it."""
        data = b""
        while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            data += self._socket.recv(CHUNK)
        return data

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Put TLS on the connection; `shake_hands` goes on with it.

        Raises:
            WireError: the other side has hung up.
        """
        try:
            self._socket = context.wrap_socket(
                self._socket, server_hostname=host, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            raise WireError(_words(error)) from error
        self._is_tls = True
        self.wants = READ | WRITE

    def shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is done.

        Raises:
            ssl.SSLError: TLS cannot be agreed on, or the certificate is not good.
            WireError: the other side has hung up.
        """
        if not isinstance(self._socket, ssl.SSLSocket):
            raise TypeError("start_tls first")
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self.wants = READ
            return False
        except ssl.SSLWantWriteError:
            self.wants = READ | WRITE
            return False
        except ssl.SSLError:
            raise
        except (OSError, ValueError) as error:
            raise WireError(_words(error)) from error
        self.wants = READ
        return True

    def has_data(self) -> bool:
        """Whether a connection that should be silent has something to say, or has ended."""
        try:
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket.recv(CHUNK)  # reads session tickets on the way: they are no words
            else:
                self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except (OSError, ValueError):
            return True
        return True

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.close()


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
