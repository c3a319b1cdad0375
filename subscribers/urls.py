"""Addresses of this room."""

from django.urls import path

from subscribers.views import (
    custom_fields,
    forms,
    imports,
    lists,
    people,
    segments,
    signup,
    suppressions,
)

urlpatterns = [
    path("subscribers/", people.subscriber_list, name="subscriber_list"),
    path("subscribers/new/", people.subscriber_new, name="subscriber_new"),
    path("subscribers/bulk/", people.subscriber_bulk, name="subscriber_bulk"),
    path("subscribers/imports/", imports.import_list, name="import_list"),
    path("subscribers/import/", imports.import_new, name="import_new"),
    path("subscribers/import/<int:import_id>/", imports.import_page, name="import_page"),
    path("subscribers/import/<int:import_id>/act/", imports.import_act, name="import_act"),
    path("subscribers/import/<int:import_id>/errors/", imports.import_errors, name="import_errors"),
    path("subscribers/<int:subscriber_id>/", people.subscriber_page, name="subscriber_page"),
    path("subscribers/<int:subscriber_id>/edit/", people.subscriber_edit, name="subscriber_edit"),
    path(
        "subscribers/<int:subscriber_id>/subscription/",
        people.subscriber_subscription,
        name="subscriber_subscription",
    ),
    path(
        "subscribers/<int:subscriber_id>/erase/", people.subscriber_erase, name="subscriber_erase"
    ),
    path(
        "subscribers/<int:subscriber_id>/export/",
        people.subscriber_export,
        name="subscriber_export",
    ),
    path("lists/", lists.list_list, name="list_list"),
    path("lists/new/", lists.list_new, name="list_new"),
    path("lists/<int:list_id>/", lists.list_page, name="list_page"),
    path("lists/<int:list_id>/edit/", lists.list_edit, name="list_edit"),
    path("lists/<int:list_id>/archive/", lists.list_archive, name="list_archive"),
    path("segments/", segments.segment_list, name="segment_list"),
    path("segments/new/", segments.segment_new, name="segment_new"),
    path("segments/rules/", segments.segment_rows, name="segment_rows"),
    path("segments/preview/", segments.segment_preview, name="segment_preview"),
    path("segments/<int:segment_id>/", segments.segment_page, name="segment_page"),
    path("segments/<int:segment_id>/count/", segments.segment_count, name="segment_count"),
    path(
        "segments/<int:segment_id>/duplicate/",
        segments.segment_duplicate,
        name="segment_duplicate",
    ),
    path("segments/<int:segment_id>/delete/", segments.segment_delete, name="segment_delete"),
    path("settings/fields/", custom_fields.field_list, name="field_list"),
    path("settings/fields/<int:field_id>/", custom_fields.field_rename, name="field_rename"),
    path("settings/fields/<int:field_id>/delete/", custom_fields.field_delete, name="field_delete"),
    path("suppressions/", suppressions.suppression_list, name="suppression_list"),
    path(
        "suppressions/<int:suppression_id>/release/",
        suppressions.suppression_release,
        name="suppression_release",
    ),
    path("forms/", forms.form_list, name="form_list"),
    path("forms/new/", forms.form_new, name="form_new"),
    path("forms/<int:form_id>/", forms.form_edit, name="form_edit"),
    path("s/<str:public_id>/", signup.public_signup, name="public_signup"),
    path("s/<str:public_id>/done/", signup.public_signup_done, name="public_signup_done"),
    path("confirm/<str:token>/", signup.public_confirm, name="public_confirm"),
]
