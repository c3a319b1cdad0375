"""Addresses of the REST API."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from ninja import NinjaAPI
from ninja.errors import HttpError

from accounts.access.permissions import takes_files_up_to
from api import audiences, campaigns, media, segments, subscribers, unknown
from api.access import KeyAuth
from api.reading import StrictParser, UnreadableBodyError

api = NinjaAPI(
    title="Warta",
    version="1",
    description="Keys are made in the settings; each belongs to one workspace and has a role.",
    auth=KeyAuth(),
    docs_url=None,
    openapi_url=None,
    parser=StrictParser(),
)
api.add_router("/campaigns", audiences.router)
api.add_router("/campaigns", unknown.router)
api.add_router("/campaigns", campaigns.router)  # last: it takes any action
api.add_router("/segments", segments.router)
api.add_router("/media", media.router)
api.add_router("", subscribers.router)


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer with the reason; of a body that can't be read the reader knows it."""
    why = error.__cause__
    detail = str(why) if isinstance(why, UnreadableBodyError) else error.message
    return api.create_response(request, {"detail": detail}, status=error.status_code)


def description(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Return the OpenAPI description."""
    return JsonResponse(api.get_openapi_schema())


_addresses: Any = api.urls
for _pattern in _addresses[0]:
    if (
        str(_pattern.pattern) == "media" and _pattern.callback
    ):  # a picture is larger than what else a program sends
        takes_files_up_to("PICTURE_MAX_BYTES")(_pattern.callback)

urlpatterns = [
    path("api/v1/openapi.json", description, name="api_description"),
    path("api/v1/", _addresses),
]
