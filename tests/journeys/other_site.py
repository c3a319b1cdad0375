"""Somebody else's web site, on another origin, with a strict policy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = '<!doctype html><html lang="en"><title>Elsewhere</title><main><h1>Elsewhere</h1>{}</main>'


@contextmanager
def showing(snippet: str, *, allows: str) -> Iterator[str]:
    """Serve one page with a snippet; its policy allows one other site and nothing inline."""
    policy = (
        f"default-src 'none'; script-src {allows}; frame-src {allows}; connect-src {allows}; "
        f"form-action {allows}"
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.format(snippet).encode()
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
