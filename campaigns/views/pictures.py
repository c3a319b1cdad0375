"""What readers of mail fetch: a picture by its name, without a session and for ever the same."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from campaigns.media import names, storing

YEAR = 31_536_000
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Were it ever anything else than a picture: it can do nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # mail is read on other sites
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


@require_safe
def media_file(request: HttpRequest, file: str) -> HttpResponse:
    """Serve a picture of the library, or 404. What stands under a name never changes."""
    tag = f'"{file}"'
    if not names.FILE.fullmatch(file):
        return _missing()
    lasting = {"Cache-Control": f"public, max-age={YEAR}, immutable", "ETag": tag, **HEADERS}
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers=lasting)
    try:
        content = storing.read(file)
    except storing.NotStoredError:
        return HttpResponse(
            status=503, headers={"Retry-After": "10", "Cache-Control": "no-store", **HEADERS}
        )
    if content is None:
        return _missing()
    lasting["Content-Length"] = str(len(content))
    return HttpResponse(content, content_type=names.type_of(file), headers=lasting)


def _missing() -> HttpResponse:
    # Perhaps it is being restored: nobody shall remember for a year that it was not there.
    headers = {"Cache-Control": "no-store", **HEADERS}
    return HttpResponse("Not found", status=404, content_type="text/plain", headers=headers)


class PictureShortcut:
    """Middleware that serves pictures before sessions, languages and policies are read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        path = request.path_info
        if request.method in {"GET", "HEAD"} and path.startswith(names.PATH):
            file = path.removeprefix(names.PATH)
            if names.FILE.fullmatch(file):
                return media_file(request, file)
        return self.get_response(request)
