"""``send_campaign --list NAME --subject … --html FILE``: a campaign made and sent in one go."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from accounts.background import waking
from accounts.input.senders import understood
from accounts.models import Workspace
from accounts.workspaces import workspaces
from campaigns import lifecycle
from campaigns.audience import rule
from campaigns.checks import preflight
from campaigns.drafts import editing
from campaigns.models import Campaign
from campaigns.rendering.errors import ContentError
from campaigns.rendering.stored import compile_and_store
from campaigns.states import CampaignStatus, ContentKind
from delivery import tasks
from delivery.management import report

POLL_SECONDS: Final = 0.25
SAY_SECONDS: Final = 5.0
STOPPED: Final = frozenset({CampaignStatus.PAUSED, CampaignStatus.CANCELLED})
UNKNOWN_LEFT, STOPPED_EARLY = 3, 4
EXIT_CODES = f"""{report.EXIT_CODES}
with --wait also:
  {UNKNOWN_LEFT}  finished, but some messages may or may not have arrived (see settle_unknown)
  {STOPPED_EARLY}  paused or cancelled before it was finished"""


class Command(report.CampaignCommand):
    """Make a campaign and send it now."""

    help = "Make a campaign from files and send it now. Opens and clicks are tracked."
    needs_worker = staticmethod(lambda options: options["wait"])

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Show this command's exit codes."""
        return super().create_parser(prog_name, subcommand, epilog=EXIT_CODES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what the campaign is made of."""
        parser.add_argument(
            "--list",
            action="append",
            default=[],
            dest="lists",
            metavar="NAME",
            help="send to this list (can be repeated)",
        )
        parser.add_argument(
            "--segment",
            action="append",
            default=[],
            dest="segments",
            metavar="NAME",
            help="only to people in this segment (can be repeated); without --list: of all lists",
        )
        parser.add_argument(
            "--exclude",
            action="append",
            default=[],
            metavar="NAME",
            help="but not to people in this list (can be repeated)",
        )
        parser.add_argument(
            "--exclude-segment",
            action="append",
            default=[],
            dest="exclude_segments",
            metavar="NAME",
            help="but not to people in this segment (can be repeated)",
        )
        parser.add_argument("--subject", required=True, help="may hold merge tags")
        parser.add_argument("--preheader", default="", help="shown after the subject in inboxes")
        content = parser.add_mutually_exclusive_group(required=True)
        for kind in (ContentKind.HTML, ContentKind.MARKDOWN, ContentKind.MJML):
            content.add_argument(f"--{kind.value}", metavar="FILE", type=Path)
        parser.add_argument(
            "--text", metavar="FILE", type=Path, help="the plain text (default: made from the rest)"
        )
        parser.add_argument(
            "--from",
            dest="sender",
            metavar="SENDER",
            help='"Name <address>" (default: the sender used last, or the sending account\'s)',
        )
        parser.add_argument("--name", help="what to call the campaign (default: its subject)")
        parser.add_argument(
            "--workspace", metavar="SLUG", help="needed if several have such a list"
        )
        parser.add_argument(
            "--force",
            action="append",
            default=[],
            metavar="FINDING",
            help="send although this is in the way; the error names it (can be repeated)",
        )
        parser.add_argument("--wait", action="store_true", help="stay until it is finished")
        self.add_json(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make it, send it, and wait if asked to."""
        campaign = make(options)
        self.warn(campaign)
        waking.wake(tasks.start_due_campaigns)
        if not options["wait"]:
            self.say(report.status(campaign), as_json=options["json"])
            return
        found = self._wait(campaign, as_json=options["json"])
        self.say(found, as_json=options["json"])
        if found["status"] in STOPPED:
            sys.exit(STOPPED_EARLY)
        if found["states"]["unknown"]:
            sys.exit(UNKNOWN_LEFT)

    def _wait(self, campaign: Campaign, *, as_json: bool) -> dict[str, Any]:
        said_at = time.monotonic()
        while True:
            campaign.refresh_from_db(fields=["status"])
            if campaign.status in STOPPED | {CampaignStatus.SENT}:
                return report.status(campaign)
            if not as_json and time.monotonic() - said_at > SAY_SECONDS:
                said_at = time.monotonic()
                self.stderr.write(report.in_words(report.status(campaign)))
            time.sleep(POLL_SECONDS)


@transaction.atomic
def make(options: dict[str, Any]) -> Campaign:
    """Make the campaign and schedule it for now.

    Raises:
        CommandError: a list, file or sender is missing or wrong, or something red stands in the
            way; nothing is stored then.
    """
    if not (options["lists"] or options["segments"]):
        raise CommandError("Say to whom: --list NAME, --segment NAME, or both.")
    workspace = find_workspace(options)
    kind = next(kind for kind in ContentKind if options.get(kind.value) and kind != "text")
    template = workspace.templates.order_by("-is_default", "id").first()
    campaign = lifecycle.create(
        workspace,
        name=(options["name"] or options["subject"])[:200],
        kind=kind,
        template=template if kind is ContentKind.MARKDOWN else None,
        source=read(options[kind.value]),
        subject=options["subject"],
    )
    content = campaign.content
    if content is None:
        raise CommandError("The campaign has no content.")
    content.preheader = options["preheader"]
    content.text = read(options["text"]) if options["text"] else ""
    content.save(update_fields=["preheader", "text"])
    if options["sender"]:
        sender = understood(options["sender"])
        campaign.from_name, campaign.from_email = sender.name, sender.address
    if not campaign.from_email:
        raise CommandError('Say who it is from: --from "Name <name@example.com>".')
    campaign.save(update_fields=["from_name", "from_email"])
    editing.choose_audience(
        campaign,
        include=find(workspace.lists, options["lists"], word="list"),
        exclude=find(workspace.lists, options["exclude"], word="list"),
        include_segments=find(workspace.segments, options["segments"], word="segment"),
        exclude_segments=find(workspace.segments, options["exclude_segments"], word="segment"),
    )
    refuse_unready(campaign, force=options["force"])
    try:
        compile_and_store(content)
    except ContentError as error:
        raise CommandError(str(error)) from error
    expected = rule.breakdown(campaign).will_get
    lifecycle.schedule(campaign, at=timezone.now(), expected=expected)
    return campaign


def refuse_unready(campaign: Campaign, *, force: list[str]) -> None:
    """Stop when something red stands in the way that is not forced by its name.

    Raises:
        CommandError: with every finding, its name, and the way out.
    """
    found = preflight.blocking(campaign, force=force)
    if not found:
        return
    lines = [f"  {finding.code}: {finding.text} {finding.note}".rstrip() for finding in found]
    names = " ".join(f"--force {code}" for code in dict.fromkeys(one.code for one in found))
    raise CommandError(
        "\n".join(["The campaign is not ready:", *lines, f"To send all the same: {names}"])
    )


def find_workspace(options: dict[str, Any]) -> Workspace:
    """Return the workspace named, or the only one that has the first list (or segment) named.

    Raises:
        CommandError: there is no such workspace, or there are several to choose from.
    """
    slug = options["workspace"]
    if slug:
        found = workspaces.find(slug)
        if found is None:
            raise CommandError(f"There is no workspace {slug}.")
        return found
    word = "list" if options["lists"] else "segment"
    name = (options["lists"] or options["segments"])[0]
    fitting = list(
        Workspace.objects.filter(**{f"{word}s__name__iexact": name}).distinct().order_by("id")[:20]
    )
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise CommandError(f"There is no {word} {name}.")
    slugs = ", ".join(workspace.slug for workspace in fitting)
    raise CommandError(
        f"Several workspaces have a {word} {name}; say --workspace with one of: {slugs}."
    )


def find(rows: Any, names: list[str], *, word: str) -> list[Any]:
    """Return rows of a workspace (``rows``: its lists, say) by name, in any case.

    Raises:
        CommandError: one is missing.
    """
    found = []
    for name in names:
        row = rows.filter(name__iexact=name).first()
        if row is None:
            raise CommandError(f"There is no {word} {name} in {rows.instance.name}.")
        found.append(row)
    return found


def read(path: Path) -> str:
    """Return a text file's content.

    Raises:
        CommandError: it can't be read as UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CommandError(f"{path} can't be read: {reason}.") from error
