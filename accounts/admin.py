"""The administrator's view of users and workspaces."""

from typing import Any, ClassVar

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.forms.settings import free_or_own
from accounts.models import (
    ApiKey,
    Invitation,
    Membership,
    SetAside,
    SystemMail,
    User,
    Workspace,
)
from accounts.roles import Role
from accounts.team import team
from accounts.workspaces import workspaces

MOST_COLUMNS = 7  # of a table that has no page of its own


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    """A ledger: administrators look, the product writes."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


class UncountedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages without COUNT(*), which would read millions of rows to say how many there are."""

    @cached_property
    def count(self) -> int:
        """Pretend a round number that is large enough to page through the newest rows."""
        return 100_000


class LargeTableAdmin(ReadOnlyAdmin):
    """A ledger of millions of rows: newest first, no counting, no sorting by clicks."""

    show_full_result_count = False
    list_per_page = 50
    ordering: ClassVar = ("-id",)
    sortable_by: ClassVar = ()
    paginator = UncountedPaginator


def register_rest(app_label: str) -> None:
    """Let administrators look at every model of an app that has no page of its own yet.

    Secrets, hashes and raw bytes stay hidden.
    """
    for model in apps.get_app_config(app_label).get_models():
        if admin.site.is_registered(model):
            continue
        fields = model._meta.concrete_fields  # noqa: SLF001 - Django documents it
        shown = [field for field in fields if not _is_hidden(field)]
        related = tuple(field.name for field in shown if field.is_relation)
        columns = tuple(field.name for field in shown[:MOST_COLUMNS])
        page = type(
            f"{model.__name__}Admin",
            (LargeTableAdmin,),
            {
                "__doc__": model.__doc__,
                "list_display": columns,
                "list_select_related": related or False,
                "ordering": ("-pk",),
                "exclude": tuple(field.name for field in fields if _is_hidden(field)),
            },
        )
        admin.site.register(model, page)


def _is_hidden(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.BinaryField) or "hash" in field.name or "secret" in field.name


class OwnedFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """Keeps an owner who can sign in, as the page on the team does."""

    def clean(self) -> None:
        """Refuse a team without an owner."""
        super().clean()
        kept = [
            form.cleaned_data
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]
        owners = [one for one in kept if one.get("role") == Role.OWNER]
        if not any(one["user"].is_active for one in owners if one.get("user")):
            raise forms.ValidationError(_("A workspace needs an owner. Appoint another one first."))


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    """An account; the only owner of a workspace stays active."""

    def clean_is_active(self) -> bool:
        """Refuse to lock a workspace's only owner out."""
        is_active = bool(self.cleaned_data["is_active"])
        if not is_active and (owned := team.owned_alone_by(self.instance)):
            raise forms.ValidationError(
                _("%(workspace)s needs an owner. Appoint another one first.")
                % {"workspace": owned[0].name}
            )
        return is_active


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """The team of a workspace."""

    model = Membership
    formset = OwnedFormSet
    extra = 0
    autocomplete_fields: ClassVar = ("user",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Users sign in by address; there is no user name."""

    form = UserForm
    add_form = AdminUserCreationForm
    actions = None  # deleting asks for each account whether it may go
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("name", "language", "time_zone")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse to delete the only owner of a workspace."""
        if obj is not None and team.owned_alone_by(obj):
            return False
        return bool(super().has_delete_permission(request, obj))


class WorkspaceAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    """Holds a slug to the rules of the settings page."""

    def clean_slug(self) -> str:
        """Refuse what is another workspace's, or an address of the product."""
        before = Workspace.objects.filter(pk=self.instance.pk).first() or Workspace()
        return free_or_own(self.cleaned_data["slug"], workspace=before)


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Workspaces and their teams."""

    form = WorkspaceAdminForm
    list_display = ("name", "slug", "default_language", "members_count", "is_demo", "created_at")
    list_filter = ("is_demo", "default_language")
    search_fields = ("name", "slug")
    inlines: ClassVar = [MembershipInline]
    readonly_fields = ("created_at",)
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}

    def save_model(
        self,
        request: HttpRequest,
        workspace: Workspace,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Change a slug by its own rules, so that former addresses lead there."""
        slug = workspace.slug
        if change:
            workspace.slug = form.initial["slug"]
        super().save_model(request, workspace, form, change)
        workspaces.change_slug(workspace, slug=slug)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workspace]:
        """Count members in the same query."""
        workspaces: QuerySet[Workspace] = super().get_queryset(request)
        return workspaces.annotate(members_count=Count("memberships"))

    @admin.display(description=_("members"), ordering="members_count")
    def members_count(self, workspace: Workspace) -> int:
        """Return the number of members."""
        return int(workspace.members_count)  # type: ignore[attr-defined]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Refuse: a workspace ends by its owner's hand, in steps that keep the ledgers right."""
        return False


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs where; teams are changed on the page of their workspace."""

    list_display = ("user", "workspace", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "workspace")
    search_fields = ("user__email", "workspace__name")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Offers of membership."""

    list_display = ("email", "workspace", "role", "invited_by", "expires_at", "accepted_at")
    list_filter = ("role",)
    list_select_related = ("workspace", "invited_by")
    search_fields = ("email",)
    exclude = ("token_hash",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys for programs."""

    list_display = ("name", "workspace", "role", "hint", "last_used_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")
    exclude = ("key_hash",)


@admin.register(SystemMail)
class SystemMailAdmin(LargeTableAdmin):
    """Resets, invitations and confirmations: what waits, what went, and what did not."""

    list_display = ("created_at", "kind", "workspace", "person", "state", "reason", "attempts")
    list_filter = ("state", "kind")
    list_select_related = ("workspace",)


@admin.register(SetAside)
class SetAsideAdmin(ReadOnlyAdmin):
    """What was left out of background work, and why."""

    list_display = ("last_at", "kind", "subject", "reason", "count", "first_at")
    list_filter = ("kind",)
    ordering = ("-last_at",)
    exclude = ("digest",)


register_rest("accounts")
