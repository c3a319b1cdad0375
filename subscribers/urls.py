"""Addresses of this room."""

from django.urls import path

from subscribers.views import (
    bulk,
    custom_fields,
    duplicates,
    forms,
    imports,
    lists,
    people,
    people_list,
    signup,
    suppressions,
    tags,
)

urlpatterns = [
    path("subscribers/", people_list.subscriber_list, name="subscriber_list"),
    path("subscribers/new/", people.subscriber_new, name="subscriber_new"),
    path("subscribers/columns/", people_list.subscriber_columns, name="subscriber_columns"),
    path("subscribers/bulk/", bulk.subscriber_bulk, name="subscriber_bulk"),
    path("subscribers/actions/", bulk.bulk_list, name="bulk_list"),
    path("subscribers/actions/<int:action_id>/", bulk.bulk_page, name="bulk_page"),
    path("subscribers/actions/<int:action_id>/act/", bulk.bulk_act, name="bulk_act"),
    path("subscribers/duplicates/", duplicates.duplicate_list, name="duplicate_list"),
    path("subscribers/duplicates/search/", duplicates.duplicate_search, name="duplicate_search"),
    path(
        "subscribers/duplicates/<int:group_id>/dismiss/",
        duplicates.duplicate_dismiss,
        name="duplicate_dismiss",
    ),
    path("subscribers/tags/", tags.tag_list, name="tag_list"),
    path("subscribers/tags/new/", tags.tag_new, name="tag_new"),
    path("subscribers/tags/<int:tag_id>/", tags.tag_edit, name="tag_edit"),
    path("subscribers/tags/<int:tag_id>/merge/", tags.tag_merge, name="tag_merge"),
    path("subscribers/tags/<int:tag_id>/delete/", tags.tag_delete, name="tag_delete"),
    path("subscribers/imports/", imports.import_list, name="import_list"),
    path("subscribers/import/", imports.import_new, name="import_new"),
    path("subscribers/import/<int:import_id>/", imports.import_page, name="import_page"),
    path("subscribers/import/<int:import_id>/act/", imports.import_act, name="import_act"),
    path("subscribers/import/<int:import_id>/errors/", imports.import_errors, name="import_errors"),
    path("subscribers/<int:subscriber_id>/", people.subscriber_page, name="subscriber_page"),
    path("subscribers/<int:subscriber_id>/edit/", people.subscriber_edit, name="subscriber_edit"),
    path("subscribers/<int:subscriber_id>/tags/", people.subscriber_tags, name="subscriber_tags"),
    path(
        "subscribers/<int:subscriber_id>/merge/",
        duplicates.subscriber_merge,
        name="subscriber_merge",
    ),
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
    path("lists/<int:list_id>/delete/", lists.list_delete, name="list_delete"),
    path("settings/fields/", custom_fields.field_list, name="field_list"),
    path("settings/fields/<int:field_id>/", custom_fields.field_edit, name="field_edit"),
    path(
        "settings/fields/<int:field_id>/choices/", custom_fields.field_choices, name="field_choices"
    ),
    path("settings/fields/<int:field_id>/key/", custom_fields.field_key, name="field_key"),
    path("settings/fields/<int:field_id>/move/", custom_fields.field_move, name="field_move"),
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
