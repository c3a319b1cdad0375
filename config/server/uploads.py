"""How much a visitor may send to an address: more than anybody only if we know who they are."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.urls import Resolver404, resolve

from accounts.team import api_keys
from accounts.workspaces import workspace_urls
from config.server.bodies import ANYBODY_BYTES

FORM_AROUND = 1_000_000  # bytes of a form besides its file


def most_bytes(environ: dict[str, Any]) -> int:
    """Return how large this request's body may be; asks the database who it is."""
    close_old_connections()
    try:
        request = WSGIRequest(environ)
        try:
            _slug, path = workspace_urls.split(request.path_info)
            match = resolve(path)
        except Resolver404:
            return ANYBODY_BYTES
        view: Any = match.func
        if hasattr(view, "most_bytes"):  # it knows by the address whose this is
            return int(view.most_bytes(**match.kwargs)) or ANYBODY_BYTES
        if not _is_known(request):
            return ANYBODY_BYTES
        if setting := getattr(view, "takes_files", ""):
            return int(getattr(settings, setting)) + FORM_AROUND
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or ANYBODY_BYTES)
    finally:
        close_old_connections()


def _is_known(request: WSGIRequest) -> bool:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return api_keys.find(key) is not None
    engine: Any = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return bool(get_user(request).is_authenticated)
