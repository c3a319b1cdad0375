"""Addresses of this room."""

from django.urls import path

from delivery.views import preferences, test_send, tracking, unsubscribe, web_version

urlpatterns = [
    path("o/<str:token>.gif", tracking.track_open, name="track_open"),
    path("c/<str:token>/<int:ordinal>/", tracking.track_click, name="track_click"),
    path("u/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("p/<str:token>/", preferences.preferences, name="preferences"),
    path("p/<str:token>/data/", preferences.know, name="know"),
    path("p/<str:token>/data.json", preferences.know_json, name="know_json"),
    path("v/<str:token>/", web_version.web_version, name="web_version"),
    path(
        "campaigns/<int:campaign_id>/test/",
        test_send.campaign_test_send,
        name="campaign_test_send",
    ),
]
