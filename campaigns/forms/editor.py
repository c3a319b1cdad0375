"""What is typed into the steps of the campaign editor.

Saving is lenient: a draft may be unfinished, so an address without an @ is stored and `preflight`
says that it can't be sent with. Only what can't be stored is refused here.
"""

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.input import senders
from accounts.models import Workspace
from campaigns import lengths, queries
from campaigns.drafts.content import CampaignSender, Draft
from campaigns.models import Campaign, Content, Template
from campaigns.states import ContentKind, TrackingMode
from subscribers.models import MailingList, Segment

if TYPE_CHECKING:
    _ManyLists = forms.ModelMultipleChoiceField[MailingList]
    _ManySegments = forms.ModelMultipleChoiceField[Segment]
else:  # not subscriptable when running
    _ManyLists = _ManySegments = forms.ModelMultipleChoiceField

SPACES = re.compile(r"[\r\n\t\v\f\u0085\u2028\u2029]+")


class LineField(forms.CharField):
    """One line of text: line breaks that were pasted become spaces."""

    def to_python(self, value: Any) -> str:
        """Return the text on one line."""
        return SPACES.sub(" ", super().to_python(value) or "").strip()


class WantedLine(LineField):
    """A line that a mail needs but a draft may still lack: not called optional, not refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=True, **kwargs)

    def validate(self, value: Any) -> None:
        """Let it be empty for now; `preflight` asks for it."""


def refuse_if_longer(text: str, most: int) -> str:
    """Return the text with the line ends of Python.

    Raises:
        ValidationError: it has more characters than ``most``.
    """
    text = text.replace("\r\n", "\n")
    if len(text) > most:
        raise ValidationError(
            _(
                "This has %(length)s characters, and %(most)s is the most. Pictures belong on a "
                "web server, not into the text. Shorten it; what you typed is still here."
            ),
            params={
                "length": number_format(len(text), force_grouping=True),
                "most": number_format(most, force_grouping=True),
            },
        )
    return text


class ListChoice(_ManyLists):
    """Lists to tick, each with the number of people who can get mail through it."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        """Name a list and say how many are subscribed."""
        people = ngettext("%(count)s subscriber", "%(count)s subscribers", obj.subscribed)
        return (
            f"{obj.name} · {people % {'count': number_format(obj.subscribed, force_grouping=True)}}"
        )


class SegmentChoice(_ManySegments):
    """Segments to tick."""

    widget = forms.CheckboxSelectMultiple


class NewCampaignForm(forms.Form):
    """What a campaign starts with."""

    name = LineField(
        label=_("Name"),
        max_length=200,
        help_text=_("Only your team sees it."),
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Written in"), choices=ContentKind.options, required=False)
    template = forms.ModelChoiceField(
        label=_("Template"), queryset=Template.objects.none(), required=False
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.templates = list(queries.templates(workspace))
        template_field(self).queryset = Template.objects.filter(workspace=workspace)


class AudienceForm(forms.Form):
    """Lists and segments to include and to exclude."""

    include = ListChoice(label=_("Send to"), queryset=MailingList.objects.none(), required=False)
    exclude = ListChoice(
        label=_("Exclude lists"), queryset=MailingList.objects.none(), required=False
    )
    include_segments = SegmentChoice(
        label=_("Only people in these segments"), queryset=Segment.objects.none(), required=False
    )
    exclude_segments = SegmentChoice(
        label=_("Exclude segments"),
        queryset=Segment.objects.none(),
        required=False,
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        workspace, stored = campaign.workspace, queries.chosen(campaign)
        self.stored = stored
        kwargs.setdefault("initial", stored)
        super().__init__(*args, **kwargs)
        lists = queries.lists(workspace, chosen=[*stored["include"], *stored["exclude"]])
        # One that is archived can stay where it was chosen, and be chosen nowhere else.
        self.lists = list(lists)
        self.segments = list(queries.segments(workspace))
        for name in ("include", "exclude"):
            field = self.fields[name]
            assert isinstance(field, ListChoice)  # noqa: S101 - for the type checker
            field.queryset = queries.lists(workspace, chosen=stored[name])
            field.choices = [(row.pk, field.label_from_instance(row)) for row in self.offered(name)]
        for name in ("include_segments", "exclude_segments"):
            choice = self.fields[name]
            assert isinstance(choice, SegmentChoice)  # noqa: S101 - for the type checker
            choice.queryset = queries.segments(workspace)
            choice.choices = [(row.pk, row.name) for row in self.segments]

    def offered(self, name: str) -> list[Any]:
        """Return the lists to choose from: those in use, and archived ones that are chosen."""
        stored = self.initial[name]
        return [row for row in self.lists if row.archived_at is None or row.pk in stored]

    @property
    def chosen(self) -> dict[str, Any]:
        """What is ticked, as `campaigns.drafts.editing.choose_audience` takes it."""
        return {name: list(self.cleaned_data[name]) for name in self.fields}


class ContentForm(forms.Form):
    """The writing and the sender."""

    revision = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    subject = WantedLine(label=_("Subject"), max_length=500)
    preheader = LineField(
        label=_("Preheader"),
        max_length=500,
        required=False,
        help_text=_("The line that email apps show after the subject."),
    )
    source = forms.CharField(
        label=_("Content"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 18})
    )
    text = forms.CharField(
        label=_("Plain text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10}),
    )
    template = forms.ModelChoiceField(
        label=_("Template"),
        queryset=Template.objects.none(),
        required=False,
        empty_label=_("No template"),
    )
    from_name = WantedLine(label=_("Sender's name"), max_length=120)
    from_email = WantedLine(label=_("Sender's address"), max_length=320)
    reply_to = LineField(
        label=_("Replies go to"),
        max_length=320,
        required=False,
        help_text=_("Empty: to the sender's address."),
    )
    sending_account: "forms.ModelChoiceField[Any]" = forms.ModelChoiceField(
        label=_("Sending account"),
        queryset=None,
        required=False,
        empty_label=_("By the sender's domain"),
    )

    def __init__(self, *args: Any, campaign: Campaign, content: Content, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.content = content
        template_field(self).queryset = campaign.workspace.templates.all()
        accounts = self.fields["sending_account"]
        assert isinstance(accounts, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        accounts.queryset = campaign.workspace.sending_accounts.all()

    @classmethod
    def stored(cls, campaign: Campaign, content: Content, *, revision: str) -> "ContentForm":
        """Show what is stored."""
        return cls(
            campaign=campaign,
            content=content,
            initial={
                "revision": revision,
                "subject": content.subject,
                "preheader": content.preheader,
                "source": content.source,
                "text": content.text,
                "template": content.template_id,
                "from_name": campaign.from_name,
                "from_email": campaign.from_email,
                "reply_to": campaign.reply_to,
                "sending_account": campaign.sending_account_id,
            },
        )

    def clean(self) -> dict[str, Any]:
        """Take a sender apart that was typed whole (``Name <address>``) where its address goes."""
        data = super().clean() or self.cleaned_data
        for field in ("from_email", "reply_to"):
            whole = senders.understood(data.get(field) or "")
            if whole.address:
                data[field] = whole.address
                if field == "from_email" and whole.name:
                    data["from_name"] = whole.name[:120]
        return data

    def clean_source(self) -> str:
        """Keep within what a version can hold."""
        return refuse_if_longer(self.cleaned_data["source"], lengths.SOURCE)

    def clean_text(self) -> str:
        """Keep within what a version can hold."""
        return refuse_if_longer(self.cleaned_data["text"], lengths.TEXT)

    def writing(self) -> Draft:
        """Return the writing, in the kind that the campaign is written in."""
        data = self.cleaned_data
        return Draft(
            kind=ContentKind(self.content.kind),
            subject=data["subject"],
            preheader=data["preheader"],
            source=data["source"],
            text=data["text"],
            template=data["template"],
        )

    def sender(self) -> CampaignSender:
        """Return who the mails come from."""
        data = self.cleaned_data
        account = data["sending_account"]
        return CampaignSender(
            from_name=data["from_name"],
            from_email=data["from_email"],
            reply_to=data["reply_to"],
            account=account.pk if account else None,
        )


class TrackingForm(forms.Form):
    """What is counted after sending."""

    track_opens = forms.BooleanField(
        label=_("Count opens"),
        required=False,
        help_text=_(
            "A tracking pixel shows when an email is opened. Email apps that "
            "load images by themselves are counted apart from people."
        ),
    )
    track_clicks = forms.BooleanField(
        label=_("Count clicks"),
        required=False,
        help_text=_(
            "Links lead through this site, so that you see what people were interested in. "
            "The link to unsubscribe works either way."
        ),
    )
    tracking_mode = forms.ChoiceField(
        label=_("Whose opens and clicks"),
        required=False,
        help_text=_("Anonymous ones are counted in the report, but shown on nobody's page."),
    )

    def __init__(self, *args: Any, workspace_mode: TrackingMode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tracking_mode"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        usual = _("As in the workspace (%(mode)s)") % {"mode": workspace_mode.label}
        field.choices = [("", usual), *TrackingMode.choices]


def template_field(form: forms.Form) -> "forms.ModelChoiceField[Template]":
    """Return a form's choice of template."""
    field = form.fields["template"]
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - for the type checker
    return field
