"""What every request passes: one line in the log, and no NUL."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, QueryDict

from config import health
from config.errors import API, bad_request, body_refused
from config.server.bodies import REFUSED

GetResponse = Callable[[HttpRequest], HttpResponse]
SILENT = ("/static/", "/health/")
log = structlog.get_logger()


def safe_path(request: HttpRequest) -> str:
    """Return the request's path with numbers filled in, but tokens and slugs by name only.

    The query string is left out: it may hold a search for a person, or a token.
    """
    match = request.resolver_match
    if match is None:
        return "(unknown address)"
    path = f"/{match.route}"
    for name, value in match.kwargs.items():
        if isinstance(value, int):
            path = path.replace(f"<int:{name}>", str(value))
    return path


class LivenessMiddleware:
    """Answers whether the process lives before cookies, sessions and languages are looked at.

    A probe may bring a browser's cookies along; nobody restarts a process because the database that
    holds the sessions is away.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if request.path_info == "/health/live" and request.method in {"GET", "HEAD"}:
            return health.live(request)
        return self.get_response(request)


class NulMiddleware:
    """Answers 400 to a NUL in a path, a query or a form's fields: PostgreSQL stores none.

    Nobody types one. Contents of uploaded files may hold any byte.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if "\0" in request.path or holds_nul(request.GET):
            return bad_request(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Look at a form's fields, once it is known that a view takes them."""
        forms = ("application/x-www-form-urlencoded", "multipart/form-data")
        if request.content_type in forms and holds_nul(request.POST):
            return bad_request(request)
        return None


def holds_nul(fields: QueryDict) -> bool:
    """Say whether a NUL is in a field's name or in one of its values."""
    return any("\0" in name + "".join(values) for name, values in fields.lists())


class RequestLogMiddleware:
    """Logs method, path, status, time taken, and the ids of user and workspace."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if request.path.startswith(SILENT):
            return self.get_response(request)
        started = time.perf_counter()
        response = self.get_response(request)
        details: dict[str, int] = {"ms": round((time.perf_counter() - started) * 1000)}
        # Who it was, if the view asked; the log itself causes no query.
        user = request.__dict__.get("_cached_user")
        if user is not None and user.pk:
            details["user"] = user.pk
        workspace = request.__dict__.get("workspace")
        if workspace is not None:
            details["workspace"] = workspace.pk
        write = log.warning if response.status_code >= 500 else log.info  # noqa: PLR2004 - HTTP
        write(f"{request.method} {safe_path(request)} {response.status_code}", **details)
        return response


class PrivateMiddleware:
    """Keeps what only members and programs may see out of every cache, the browser's included.

    Else the next person at the same computer, or a proxy in front, has it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        response = self.get_response(request)
        user = request.__dict__.get("_cached_user")
        is_known = user is not None and user.is_authenticated
        if (is_known or request.path.startswith(API)) and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        return response


class RefusedBodyMiddleware:
    """Answers a request whose body was not taken in, in the visitor's language."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        status = request.META.get(REFUSED)
        return body_refused(request, status) if status else self.get_response(request)
