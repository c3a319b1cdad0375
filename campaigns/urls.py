"""Addresses of campaigns (their editor) and templates."""

from django.urls import path

from campaigns.views import (
    audience,
    content,
    lint,
    media,
    media_folders,
    media_picture,
    pictures,
    preview,
    review,
    start,
    steps,
    templates,
    tracking,
)

C = "campaigns/<int:campaign_id>/"
T = "templates/<int:template_id>/"
P = "media/<int:picture_id>/"
F = "media/folders/<int:folder_id>/"

urlpatterns = [
    path("campaigns/new/", start.new, name="campaign_new"),
    path(C, start.open_campaign, name="campaign_open"),
    path(f"{C}rename/", start.rename, name="campaign_rename"),
    path(f"{C}duplicate/", start.duplicate, name="campaign_duplicate"),
    path(f"{C}archive/", start.archive, name="campaign_archive"),
    path(f"{C}delete/", start.delete, name="campaign_delete"),
    path(f"{C}audience/", audience.choose, name="campaign_audience"),
    path(f"{C}audience/count/", audience.count, name="campaign_audience_count"),
    path(f"{C}audience/bar/", audience.bar, name="campaign_bar"),
    path(f"{C}content/", content.write, name="campaign_content"),
    path(f"{C}content/autosave/", content.autosave, name="campaign_autosave"),
    path(f"{C}content/switch/", content.switch, name="campaign_switch"),
    path(f"{C}content/lint/", lint.content, name="campaign_lint"),
    path(f"{C}content/checked/", preview.checked, name="campaign_checked"),
    path(f"{C}preview/", preview.show, name="campaign_preview"),
    path(f"{C}preview/pane/", preview.pane, name="campaign_pane"),
    path(f"{C}preview/people/", preview.people, name="campaign_people"),
    path(f"{C}tracking/", tracking.choose, name="campaign_tracking"),
    path(f"{C}review/", review.review, name="campaign_review"),
    path(f"{C}review/confirm/", review.confirm, name="campaign_confirm"),
    path(f"{C}schedule/", review.schedule, name="campaign_schedule"),
    path(f"{C}unschedule/", steps.unschedule, name="campaign_unschedule"),
    path(f"{C}pause/", steps.pause, name="campaign_pause"),
    path(f"{C}resume/", steps.resume, name="campaign_resume"),
    path(f"{C}cancel/", steps.cancel, name="campaign_cancel"),
    path("media/", media.library_page, name="media_library"),
    path("media/upload/", media.upload, name="media_upload"),
    path("media/pick/", media.pick, name="media_pick"),
    path("media/selected/", media.selected, name="media_selected"),
    path("media/folders/new/", media_folders.new, name="media_folder_new"),
    path(F, media_folders.edit, name="media_folder"),
    path(f"{F}delete/", media_folders.delete, name="media_folder_delete"),
    path(P, media_picture.picture_page, name="media_picture"),
    path(f"{P}alt/", media_picture.alt_text, name="media_alt"),
    path(f"{P}shape/", media_picture.shape, name="media_shape"),
    path(f"{P}replace/", media_picture.replace, name="media_replace"),
    path(f"{P}delete/", media_picture.delete, name="media_delete"),
    # What emails show; answered earlier, by `pictures.PictureShortcut`.
    path("media/<str:file>", pictures.media_file, name="media_file"),
    path("templates/", templates.list_templates, name="template_list"),
    path("templates/new/", templates.new, name="template_new"),
    path("templates/new/preview/", templates.starter_preview, name="template_starter_preview"),
    path(T, templates.edit, name="template_edit"),
    path(f"{T}lint/", lint.template, name="template_lint"),
    path(f"{T}checked/", templates.checked, name="template_checked"),
    path(f"{T}preview/", templates.preview, name="template_preview"),
    path(f"{T}duplicate/", templates.duplicate, name="template_duplicate"),
    path(f"{T}default/", templates.make_default, name="template_default"),
    path(f"{T}delete/", templates.delete, name="template_delete"),
]
