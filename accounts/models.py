"""Users, workspaces, memberships and invitations."""

import secrets
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import USUAL_COLOUR, TextOptions, languages
from accounts.roles import Role


def new_address_key() -> bytes:
    """Make the secret under which a workspace's addresses are hashed (32 bytes)."""
    return secrets.token_bytes(32)


class UserManager(BaseUserManager["User"]):
    """Creates users by address."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by address, whatever its letter case."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password the account can only be entered by a reset link."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an administrator of the whole installation."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. ``is_staff`` opens the Django admin; workspaces come by membership."""

    email = models.EmailField(_("email address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True, choices=languages)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    is_staff = models.BooleanField(_("administrator"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("date joined"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Return the name, else the address."""
        return str(self)


class Workspace(models.Model):
    """One organisation's own world: every subscriber, list and campaign belongs to exactly one."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    postal_address = models.CharField(_("postal address"), max_length=255, blank=True)
    website = models.URLField(_("website"), blank=True)
    brand_colour = models.CharField(_("brand colour"), max_length=7, default=USUAL_COLOUR)
    default_language = models.CharField(
        _("default language"), max_length=8, default="en", choices=languages
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    address_key = models.BinaryField(
        _("address key"), default=new_address_key, editable=False, max_length=32
    )
    check_mail_servers = models.BooleanField(
        _("ask the DNS whether people's domains take mail"), default=False, db_default=False
    )
    is_demo = models.BooleanField(_("demo"), default=False)
    # Its owner deleted it: nobody enters any more, and its rows go in the background.
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)
    checklist_dismissed = models.BooleanField(_("checklist dismissed"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class FormerSlug(models.Model):
    """A slug that a workspace had: addresses with it lead there, and no other may take it."""

    slug = models.SlugField(max_length=60, unique=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="former_slugs")

    class Meta:
        verbose_name = _("former slug")
        verbose_name_plural = _("former slugs")

    def __str__(self) -> str:
        return self.slug


class Revision(models.Model):
    """How often a row's form was saved, and by whom last (`accounts.input.revisions`).

    ``kind`` is the model's label, with a part where a row has several forms.
    """

    kind = models.CharField(max_length=80)
    key = models.BigIntegerField()
    number = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="revision_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} r{self.number}"


class Press(models.Model):
    """A form that was sent and did what it does (`accounts.input.once`); kept for two days."""

    digest = models.CharField(max_length=64, unique=True)
    location = models.CharField(max_length=2000, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("sent form")
        verbose_name_plural = _("sent forms")

    def __str__(self) -> str:
        return self.location


class Membership(models.Model):
    """A user's place in a workspace."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.options)
    people_columns = models.JSONField(
        _("columns of the list of people"), null=True, blank=True, editable=False
    )  # None: the usual ones
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.workspace} · {self.get_role_display()}"


class Invitation(models.Model):
    """An offer of membership sent by mail; the token itself is never stored, only its hash."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("email address"), max_length=254)
    role = models.CharField(_("role"), max_length=10, choices=Role.options)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.email} → {self.workspace}"


class ApiKey(models.Model):
    """A program's way in. The key itself is never stored, only its hash and its first letters."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=120)
    role = models.CharField(_("role"), max_length=10, choices=Role.options)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(_("begins with"), max_length=16, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name


class SystemMail(models.Model):
    """A mail of the product itself that waits, is on its way, or has ended; see `system_mail`."""

    class State(TextOptions):
        WAITING = "waiting", _("Waiting")
        HELD = "held", _("Being sent")
        LEAVING = "leaving", _("Being sent to the server")  # its last byte may be out
        SENT = "sent", _("Sent")
        DROPPED = "dropped", _("No longer needed")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", _("Unknown")
        KEPT = "kept", _("Held after a restore")  # until a person says send or drop

    class Kind(TextOptions):
        PASSWORD_RESET = "password_reset", _("Password reset")
        INVITATION = "invitation", _("Invitation")
        SIGN_UP = "sign_up", _("Confirmation or welcome")
        OWNER_LINK = "owner_link", _("Link to someone's own settings")
        SIGN_UPS_HELD = "sign_ups_held", _("Sign-ups are held")

    SOMEBODY_WAITS = 1
    MANY = 5

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=40, choices=Kind.options)
    workspace = models.ForeignKey(Workspace, models.CASCADE, null=True, related_name="+")
    # The subscriber it is for; no key of another app stands below it.
    person = models.BigIntegerField(_("subscriber"), null=True)
    priority = models.PositiveSmallIntegerField(default=SOMEBODY_WAITS)
    # References from which it is written, encrypted; empty when it has ended.
    content = models.BinaryField(editable=False)
    state = models.CharField(
        _("status"), max_length=10, choices=State.options, default=State.WAITING
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    # While it is being sent: when another process may look after it.
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    first_attempt_at = models.DateTimeField(_("first answer"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("system email")
        verbose_name_plural = _("system emails")
        indexes = [
            models.Index(
                fields=["priority", "not_before", "id"],
                name="system_mail_due",
                condition=models.Q(finished_at=None),
            ),
            models.Index(
                fields=["person"],
                name="system_mail_by_person",
                condition=models.Q(person__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.get_state_display()}"


class SetAside(models.Model):
    """Something that could not be worked on and was left out, so that the rest goes on."""

    digest = models.BinaryField(max_length=16, unique=True, editable=False)
    kind = models.CharField(_("where"), max_length=60)
    subject = models.CharField(_("what"), max_length=120)
    reason = models.CharField(_("why"), max_length=300)
    count = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first"), default=timezone.now)
    last_at = models.DateTimeField(_("last"), default=timezone.now)

    class Meta:
        verbose_name = _("item set aside")
        verbose_name_plural = _("items set aside")
        indexes = [models.Index(fields=["-last_at"], name="set_aside_newest")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class Installation(models.Model):
    """The one row that says which database this is, and whether sending is held.

    `accounts.installation` writes it; a dump carries it along, so that its copy can be told.
    """

    class Because(TextOptions):
        RESTORED = "restored", _("The database was restored from a dump, or copied.")
        WENT_BACK = "went_back", _("The database is older than what worked here last.")
        UNKNOWN_HERE = "unknown_here", _("Nothing on this machine or in Redis knows the database.")
        COPIED = "copied", _("The folder with the database was copied from elsewhere.")
        PROMOTED = "promoted", _("A replica took over while mail was going out.")
        AWAY = "away", _("Nothing ran for more than an hour while mail was going out.")
        ASKED = "asked", _("Somebody asked for it.")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    key = models.CharField(max_length=32, editable=False)  # random; copies have the same
    cluster = models.CharField(max_length=40, blank=True, editable=False)
    home = models.CharField(max_length=40, editable=False)  # the database's and this table's OID
    timeline = models.PositiveIntegerField(default=0, editable=False)
    # Counted on every second by whoever works. Redis and DATA_DIR have copies that are never ahead.
    pulse = models.BigIntegerField(default=0, editable=False)
    pulse_at = models.DateTimeField(default=timezone.now, editable=False)
    secret_check = models.CharField(max_length=64, blank=True, editable=False)
    held_since = models.DateTimeField(_("held since"), null=True, blank=True)
    held_because = models.CharField(
        _("because"), max_length=14, blank=True, choices=Because.options
    )
    let_go_at = models.DateTimeField(_("let go"), null=True, blank=True)
    let_go_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_installation"),
        ]

    def __str__(self) -> str:
        return self.key
