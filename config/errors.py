"""Answers for when something goes wrong: pages for people, JSON for programs."""

import sys
from typing import Any

import redis
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from kombu.exceptions import OperationalError as BrokerError

API = "/api/"
RETRY_SECONDS = 5
AWAY = (OperationalError, InterfaceError, redis.RedisError, BrokerError)
TOO_LARGE = 413


def _for_programs(request: HttpRequest, detail: str, status: int) -> HttpResponse | None:
    """Answer a program as the API does; None: this was asked by a browser."""
    if not request.path.startswith(API):
        return None
    return JsonResponse({"detail": detail}, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer 400, or 413 to a form that is larger than we take."""
    if isinstance(exception, RequestDataTooBig):
        return body_refused(request, TOO_LARGE)
    asked = _for_programs(request, "Bad request.", 400)
    return asked or render(request, "errors/400.html", status=400)


def body_refused(request: HttpRequest, status: int) -> HttpResponse:
    """Answer 413 (too large) or 408 (too slow) to a request whose body was not taken."""
    details = {413: "The body is larger than this address takes.", 408: "The body came too slowly."}
    if asked := _for_programs(request, details[status], status):
        return asked
    if status == TOO_LARGE and request.headers.get("X-Autosave"):
        return render(request, "_forms/too_large.html", status=status)
    return render(request, f"errors/{status}.html", status=status)


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:  # noqa: ARG001
    """Answer 403."""
    asked = _for_programs(request, "Forbidden.", 403)
    return asked or render(request, "errors/403.html", status=403)


def page_not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:  # noqa: ARG001
    """Answer 404."""
    asked = _for_programs(request, "Not found.", 404)
    return asked or render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 with a page that asks nothing of the database or the session.

    Or 503, where the database, Redis or the broker is away: nothing is broken, and trying again
    helps. Django calls this while it handles the error.
    """
    if isinstance(sys.exc_info()[1], AWAY):
        return _away(request)
    if asked := _for_programs(request, "Something went wrong on our side.", 500):
        return asked
    return HttpResponse(loader.get_template("errors/500.html").render(), status=500)


def _away(request: HttpRequest) -> HttpResponse:
    detail = "A service that this needs does not answer. Try again in a moment."
    answer = _for_programs(request, detail, 503) or HttpResponse(
        loader.get_template("errors/503.html").render(), status=503
    )
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """Answer 403 to a form whose token does not fit."""
    return render(request, "errors/csrf.html", status=403)
