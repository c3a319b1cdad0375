"""A name server on loopback that knows the TXT records that a test tells it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@contextmanager
def serving(texts: dict[str, list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Serve records by name; yields the port and the names that were asked for."""
    asked: list[str] = []

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, channel = self.request
            query = dns.message.from_wire(data)
            name = str(query.question[0].name).rstrip(".")
            asked.append(name)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            found = texts.get(name)
            if found is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                quoted = [f'"{text}"' for text in found]
                answer.answer.append(dns.rrset.from_text(f"{name}.", 1, "IN", "TXT", *quoted))
            channel.sendto(answer.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()
