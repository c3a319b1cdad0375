"""Addresses of the dashboards and reports."""

from django.urls import path

from reports.views import campaign, campaigns, health, home, hygiene, search, timeline, workspace

urlpatterns = [
    path("", home.home_page, name="home"),
    path("demo/remove/", home.demo_remove, name="demo_remove"),
    path("settings/delete/", workspace.workspace_delete, name="workspace_delete"),
    path("sending/", health.sending_health, name="sending_health"),
    path("search/", search.search, name="search"),
    path("campaigns/", campaigns.campaign_list, name="campaign_list"),
    path("campaigns/<int:campaign_id>/sending/", campaign.campaign_live, name="campaign_live"),
    path("campaigns/<int:campaign_id>/report/", campaign.campaign_report, name="campaign_report"),
    path(
        "campaigns/<int:campaign_id>/recipients/",
        campaign.campaign_recipients,
        name="campaign_recipients",
    ),
    path("campaigns/<int:campaign_id>/export/", campaign.campaign_export, name="campaign_export"),
    path("subscribers/hygiene/", hygiene.hygiene_page, name="hygiene"),
    path("subscribers/hygiene/inactive/", hygiene.hygiene_inactive, name="hygiene_inactive"),
    path(
        "subscribers/hygiene/mail-servers/",
        hygiene.hygiene_mail_servers,
        name="hygiene_mail_servers",
    ),
    path("reports/", campaigns.report_list, name="report_list"),
    path(
        "subscribers/<int:subscriber_id>/timeline/",
        timeline.subscriber_timeline,
        name="subscriber_timeline",
    ),
]
