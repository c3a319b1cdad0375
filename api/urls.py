"""Addresses of the REST API."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from ninja import NinjaAPI

from api import audiences, campaigns, segments, subscribers, unknown
from api.access import KeyAuth

api = NinjaAPI(
    title="Warta",
    version="1",
    description="Keys are made in the settings; each belongs to one workspace and has a role.",
    auth=KeyAuth(),
    docs_url=None,
    openapi_url=None,
)
api.add_router("/campaigns", audiences.router)
api.add_router("/campaigns", unknown.router)
api.add_router("/campaigns", campaigns.router)  # last: it takes any action
api.add_router("/segments", segments.router)
api.add_router("", subscribers.router)


def description(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Return the OpenAPI description."""
    return JsonResponse(api.get_openapi_schema())


urlpatterns = [
    path("api/v1/openapi.json", description, name="api_description"),
    path("api/v1/", api.urls),
]
