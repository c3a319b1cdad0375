"""Addresses of this app."""

from django.urls import path

from delivery.views import (
    hold,
    person_data,
    preferences,
    sandbox,
    sending_accounts,
    settle,
    signing_keys,
    test_send,
    tracking,
    tracking_settings,
    unsubscribe,
    warm_up,
    web_version,
)

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
    path(
        "campaigns/<int:campaign_id>/unknown/",
        settle.campaign_settle_unknown,
        name="campaign_settle_unknown",
    ),
    path(
        "subscribers/<int:subscriber_id>/data/",
        person_data.subscriber_data,
        name="subscriber_data",
    ),
    path(
        "subscribers/<int:subscriber_id>/export/",
        person_data.subscriber_export,
        name="subscriber_export",
    ),
    path("settings/held/", hold.sending_held, name="sending_held"),
    path("settings/held/go/", hold.hold_go, name="hold_go"),
    path("settings/held/mails/", hold.hold_mails, name="hold_mails"),
    path("campaigns/<int:campaign_id>/answer/", hold.campaign_answer, name="campaign_answer"),
    path("campaigns/<int:campaign_id>/proof/", hold.campaign_proof, name="campaign_proof"),
    path("settings/sending/", sending_accounts.account_list, name="account_list"),
    path("settings/sending/new/", sending_accounts.account_new, name="account_new"),
    path("settings/sending/choose/", sending_accounts.account_choose, name="account_choose"),
    path(
        "settings/sending/<int:account_id>/move/",
        sending_accounts.account_move,
        name="account_move",
    ),
    path(
        "settings/sending/<int:account_id>/warm-up/",
        warm_up.account_warm_up,
        name="account_warm_up",
    ),
    path(
        "settings/sending/<int:account_id>/warm-up/end/",
        warm_up.account_warm_up_end,
        name="account_warm_up_end",
    ),
    path("settings/tracking/", tracking_settings.tracking_settings, name="tracking_settings"),
    path(
        "settings/tracking/check/",
        tracking_settings.tracking_domain_check,
        name="tracking_domain_check",
    ),
    path("settings/keys/", signing_keys.key_list, name="key_list"),
    path("settings/keys/<int:signing_key_id>/", signing_keys.key_detail, name="key_detail"),
    path("settings/keys/<int:signing_key_id>/check/", signing_keys.key_check, name="key_check"),
    path(
        "settings/keys/<int:signing_key_id>/activate/",
        signing_keys.key_activate,
        name="key_activate",
    ),
    path("settings/keys/<int:signing_key_id>/retire/", signing_keys.key_retire, name="key_retire"),
    path("settings/keys/<int:signing_key_id>/delete/", signing_keys.key_delete, name="key_delete"),
    path("settings/sending/<int:account_id>/", sending_accounts.account_edit, name="account_edit"),
    path(
        "settings/sending/<int:account_id>/delete/",
        sending_accounts.account_delete,
        name="account_delete",
    ),
    path(
        "settings/sending/<int:account_id>/test/",
        sending_accounts.account_test,
        name="account_test",
    ),
    path("sandbox/", sandbox.sandbox_list, name="sandbox_list"),
    path("sandbox/empty/", sandbox.sandbox_empty, name="sandbox_empty"),
    path("sandbox/<int:message_id>/", sandbox.sandbox_message, name="sandbox_message"),
    path("sandbox/<int:message_id>/body/", sandbox.sandbox_body, name="sandbox_body"),
]
