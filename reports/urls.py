"""Addresses of the dashboards and reports."""

from django.urls import path

from reports.views import campaigns, home, search, timeline

urlpatterns = [
    path("", home.home_page, name="home"),
    path("demo/remove/", home.demo_remove, name="demo_remove"),
    path("search/", search.search, name="search"),
    path("campaigns/", campaigns.campaign_list, name="campaign_list"),
    path("reports/", campaigns.report_list, name="report_list"),
    path(
        "subscribers/<int:subscriber_id>/timeline/",
        timeline.subscriber_timeline,
        name="subscriber_timeline",
    ),
]
