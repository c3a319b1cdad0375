"""Forms of the settings pages and of the invitation."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.choices import is_colour, languages
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from accounts.team.team import assignable_roles
from accounts.workspaces import workspaces, zones
from accounts.workspaces.workspace_urls import refuse_reserved


def _with_none(choices: Callable[[], Iterable[tuple[str, Any]]], none: Any) -> Callable[[], Any]:
    """Put a choice of nothing before the others."""
    return lambda: [("", none), *(choice for choice in choices() if choice[1] != none)]


def free_or_own(slug: str, *, workspace: Workspace) -> str:
    """Return the slug if this workspace may have it.

    Raises:
        ValidationError: it is another's, or not one that an address can begin with.
    """
    if slug == workspace.slug:
        return slug
    refuse_reserved(slug)
    if workspaces.is_taken(slug, by_other_than=workspace):
        raise forms.ValidationError(_("Another workspace has this address, or had it."))
    return slug


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    """The workspace's name, address, brand and the postal address that every mail must carry."""

    slug = forms.CharField(
        label=_("Address of this workspace"),
        max_length=60,
        required=False,
        help_text=_("The first word of its pages' addresses. Former addresses still lead here."),
    )
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones.choices)

    class Meta:
        model = Workspace
        fields: ClassVar = [
            "name",
            "postal_address",
            "website",
            "brand_colour",
            "default_language",
            "time_zone",
        ]
        widgets: ClassVar = {"brand_colour": forms.TextInput(attrs={"type": "color"})}
        help_texts: ClassVar = {
            "postal_address": _("Appears at the bottom of every email; many countries require it."),
            "brand_colour": _("Buttons in your emails and on your public pages."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = zones.choices(self.instance.time_zone)  # type: ignore[attr-defined]
        self.initial["slug"] = self.instance.slug
        self.order_fields(["name", "slug"])

    def clean_slug(self) -> str:
        """Refuse what is another workspace's, or an address of the product; empty: as it is."""
        slug = str(self.cleaned_data["slug"]).lower() or self.instance.slug
        return free_or_own(slug, workspace=self.instance)

    @transaction.atomic
    def save(self, commit: bool = True) -> Workspace:  # noqa: FBT001, FBT002 - Django's signature
        """Save; the slug by its own rules, so that former addresses lead here."""
        workspace: Workspace = super().save(commit=commit)
        workspaces.change_slug(workspace, slug=self.cleaned_data["slug"])
        return workspace

    def clean_brand_colour(self) -> str:
        """Accept only #rrggbb."""
        colour = str(self.cleaned_data["brand_colour"]).lower()
        if not is_colour(colour):
            raise forms.ValidationError(_("Give a colour like #0f6e63."))
        return colour


class NewWorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    """A further workspace needs only a name; the rest has its own page."""

    class Meta:
        model = Workspace
        fields: ClassVar = ["name"]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    """How the signed-in person is addressed."""

    language = forms.ChoiceField(
        label=_("Language"), choices=_with_none(languages, _("As my browser asks")), required=False
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)

    class Meta:
        model = User
        fields: ClassVar = ["name", "language", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = partial(zones.choices, self.instance.time_zone)
        choices = _with_none(offered, _("The workspace’s time zone"))
        self.fields["time_zone"].choices = choices  # type: ignore[attr-defined]


class InviteForm(forms.Form):
    """An address and the role to offer it."""

    email = forms.EmailField(label=_("Email address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, by: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = assignable_roles(by.role)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]
        self.fields["role"].initial = Role.EDITOR


class ApiKeyForm(forms.Form):
    """A name to tell keys apart by, and what the key may do."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Which program uses it: “Web shop”.")
    )
    role = forms.ChoiceField(label=_("Permission"))

    def __init__(self, *args: Any, by: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [role for role in assignable_roles(by.role) if role != Role.OWNER]
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]
        self.fields["role"].initial = Role.EDITOR


class AcceptInvitationForm(forms.Form):
    """What a person without an account gives to accept an invitation."""

    name = forms.CharField(label=_("Your name"), max_length=150)
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters, and not one of the common ones."),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        """Hold the password against the account's own words and the common ones."""
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.email))
        return password
