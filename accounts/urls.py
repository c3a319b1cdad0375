"""Addresses of sign-in, settings, team and profile."""

from allauth.account import views as allauth
from django.urls import path, re_path

from accounts.views import api_keys, profile, team, workspaces

urlpatterns = [
    path("sign-in/", allauth.login, name="account_login"),
    path("sign-out/", allauth.logout, name="account_logout"),
    path("sign-up/", workspaces.closed_signup, name="account_signup"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/sent/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("language/", profile.set_language, name="set_language"),
    path("profile/", profile.profile, name="profile"),
    path("invitation/<str:token>/", team.invitation_accept, name="invitation_accept"),
    path("workspaces/none/", workspaces.workspace_none, name="workspace_none"),
    path("workspaces/new/", workspaces.workspace_new, name="workspace_new"),
    path("checklist/dismiss/", workspaces.checklist_dismiss, name="checklist_dismiss"),
    path("settings/", workspaces.settings_workspace, name="settings_workspace"),
    path("settings/api-keys/", api_keys.api_key_list, name="api_key_list"),
    path("settings/api-keys/<int:key_id>/revoke/", api_keys.api_key_revoke, name="api_key_revoke"),
    path("settings/team/", team.settings_team, name="settings_team"),
    path(
        "settings/team/invitations/<int:invitation_id>/resend/",
        team.invitation_resend,
        name="invitation_resend",
    ),
    path(
        "settings/team/invitations/<int:invitation_id>/revoke/",
        team.invitation_revoke,
        name="invitation_revoke",
    ),
    path("settings/team/<int:membership_id>/role/", team.member_role, name="member_role"),
    path("settings/team/<int:membership_id>/remove/", team.member_remove, name="member_remove"),
]
