"""Templates, campaigns, their content versions and links; the media library."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from campaigns.states import Asks, CampaignStatus, ContentKind, TrackingMode
from subscribers.models import MailingList, Segment


class Template(models.Model):
    """A mail's frame in MJML; ``{{ content }}`` marks where a campaign's writing goes."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="templates")
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    source = models.TextField(_("MJML source"), max_length=500_000)
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="template_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Campaign(models.Model):
    """One piece of writing to an audience: what is sent, by whom, to whom, when."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="campaigns")
    name = models.CharField(_("name"), max_length=200)
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=CampaignStatus.options,
        default=CampaignStatus.DRAFT,
    )
    content = models.ForeignKey(
        "Content", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    from_name = models.CharField(_("sender's name"), max_length=120, blank=True)
    from_email = models.CharField(_("sender's address"), max_length=320, blank=True)
    reply_to = models.CharField(_("reply to"), max_length=320, blank=True)
    # The schema knows delivery's table; the code of this app never imports that app.
    sending_account = models.ForeignKey(
        "delivery.SendingAccount",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="campaigns",
        verbose_name=_("sending account"),
        help_text=_("Empty: the workspace's account for the sender's domain, else its first."),
    )
    include_lists = models.ManyToManyField(MailingList, related_name="campaigns")
    exclude_lists = models.ManyToManyField(
        MailingList, blank=True, related_name="excluding_campaigns"
    )
    # Consent always comes from a list (docs/decisions/0016-segments-narrow-lists.md).
    include_segments = models.ManyToManyField(
        Segment, blank=True, related_name="campaigns", verbose_name=_("only people in")
    )
    exclude_segments = models.ManyToManyField(
        Segment, blank=True, related_name="excluding_campaigns"
    )
    track_opens = models.BooleanField(_("track opens"), default=True)
    track_clicks = models.BooleanField(_("track clicks"), default=True)
    tracking_mode = models.CharField(
        _("tracking mode"),
        max_length=10,
        choices=TrackingMode.options,
        blank=True,
        default="",
        db_default="",
        help_text=_("Empty: the workspace's."),
    )
    send_at = models.DateTimeField(_("send at"), null=True, blank=True)
    # How many people were to get it when somebody said "send": what planning finds is held to it.
    expected = models.PositiveIntegerField(_("people expected"), null=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    paused_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    pause_reason = models.CharField(_("why paused"), max_length=300, blank=True)
    # Nothing of it is sent until a person has answered; see `lifecycle.ask`.
    asks_since = models.DateTimeField(_("asks since"), null=True, blank=True, editable=False)
    asks_because = models.CharField(
        _("asks because"),
        max_length=10,
        blank=True,
        choices=Asks.options,
        default="",
        db_default="",
        editable=False,
    )
    # Put away: not in lists any more; its figures and its people's history stay.
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["workspace", "status", "-id"], name="campaign_by_status"),
            models.Index(
                fields=["send_at"],
                name="campaign_due",
                condition=models.Q(status=CampaignStatus.SCHEDULED),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WorkspaceTracking(models.Model):
    """How a workspace tracks, and its own domain for links; without a row, the defaults."""

    workspace = models.OneToOneField(
        Workspace, models.CASCADE, primary_key=True, related_name="tracking"
    )
    mode = models.CharField(
        _("tracking mode"),
        max_length=10,
        choices=TrackingMode.options,
        default=TrackingMode.INDIVIDUAL,
    )
    needs_consent = models.BooleanField(
        _("track individually only with consent"),
        default=False,
        help_text=_("Everybody who has not allowed it on their preferences page stays anonymous."),
    )
    hidden_link = models.BooleanField(
        _("hidden link"),
        default=False,
        help_text=_(
            "A link that people can't see. Only programs follow it, so their other clicks "
            "don't count as people's. Some spam filters dislike hidden links."
        ),
    )
    domain = models.CharField(_("tracking domain"), max_length=253, blank=True, default="")
    # Links are made with the domain from its first good check on; what was sent keeps working.
    domain_works_since = models.DateTimeField(null=True, blank=True, editable=False)
    domain_checked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("tracking settings")
        verbose_name_plural = _("tracking settings")
        constraints = [
            models.UniqueConstraint(
                fields=["domain"],
                name="tracking_domain_unique",
                condition=~models.Q(domain=""),
                violation_error_message=_("Another workspace uses this domain."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.mode}"


class Content(models.Model):
    """One version of a campaign's writing. A version that mail was sent with is never changed."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="versions")
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    kind = models.CharField(
        _("written in"),
        max_length=10,
        choices=ContentKind.options,
        default=ContentKind.MARKDOWN,
    )
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    preheader = models.CharField(_("preheader"), max_length=500, blank=True)
    source = models.TextField(_("content"), max_length=1_000_000, blank=True)
    text = models.TextField(
        _("plain text"),
        max_length=500_000,
        blank=True,
        help_text=_("Empty: made from the content."),
    )
    template = models.ForeignKey(
        Template, models.SET_NULL, null=True, blank=True, related_name="contents"
    )
    frozen_at = models.DateTimeField(
        _("frozen"), null=True, blank=True, editable=False
    )  # set when a send begins with it
    # What it was confirmed with: template, brand, merge tags (`rendering.stored.surroundings`).
    frozen_with = models.JSONField(_("frozen with"), null=True, blank=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("content")
        verbose_name_plural = _("contents")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version"], name="content_version_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.version}"


class Link(models.Model):
    """A link of a campaign, numbered from 1; ``url`` may hold merge tags.

    A click leads only to a row of this table.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="links")
    ordinal = models.PositiveSmallIntegerField(_("number"))
    url = models.TextField(_("address"), max_length=4000)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        ordering = ("ordinal",)
        constraints = [
            models.UniqueConstraint(fields=["campaign", "ordinal"], name="link_ordinal_unique"),
        ]

    def __str__(self) -> str:
        return self.url


class PictureFolder(models.Model):
    """A folder of the media library; deleting one leaves its pictures in the library."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="picture_folders")
    parent = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="folders",
        verbose_name=_("inside"),
    )
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("media folder")
        verbose_name_plural = _("media folders")
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "parent", "name"],
                name="picture_folder_name_unique",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Picture(models.Model):
    """A picture as we made it. Its file never changes: another crop is another picture.

    ``file`` and ``thumbnail`` are what its addresses end in. ``hidden_at``: it was deleted, but
    emails that were sent show it, so its file stays.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="pictures")
    folder = models.ForeignKey(
        PictureFolder,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="pictures",
        verbose_name=_("folder"),
    )
    name = models.CharField(_("name"), max_length=200)
    alt_text = models.CharField(_("alternative text"), max_length=500, blank=True)
    file = models.CharField(max_length=60, editable=False)
    thumbnail = models.CharField(max_length=60, editable=False)
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    frames = models.PositiveSmallIntegerField(default=1)
    size = models.PositiveIntegerField(_("size in bytes"))  # with its thumbnail
    came_as = models.CharField(max_length=10, editable=False)  # Pillow's name of the format
    came_width = models.PositiveIntegerField(editable=False)
    came_height = models.PositiveIntegerField(editable=False)
    came_size = models.PositiveBigIntegerField(editable=False)
    hidden_at = models.DateTimeField(null=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["workspace", "file"], name="picture_file_unique"),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "-id"],
                name="picture_newest",
                condition=models.Q(hidden_at=None),
            ),
            models.Index(
                fields=["workspace", "name", "id"],
                name="picture_by_name",
                condition=models.Q(hidden_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_animated(self) -> bool:
        """Whether it moves."""
        return self.frames > 1
