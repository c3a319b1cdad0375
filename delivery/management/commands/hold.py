"""``hold``: what would be sent once sending goes on, and the word that lets it."""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.installation import hold, watch
from accounts.models import Installation, Workspace
from campaigns.models import Campaign
from delivery import tasks
from delivery.restoring import answers, pending, proofs

EPILOG = """After a restore: look (--show), tell Warta who has mail already (--campaign N --proof
mail.log), answer for each campaign (--campaign N --answer send | leave), for kept
mails (--mails send | drop), then --go.

exit codes:
  0  done; with --show: nothing is held
  1  not possible (stderr says why)
  2  wrong usage
  3  with --show: sending is held"""
HELD = 3


class Command(BaseCommand):
    """Show, hold and let go."""

    help = "Show whether sending is held and what would be sent; answer for it; let it go."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Show the way and the exit codes below the help."""
        kwargs.setdefault("epilog", EPILOG)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--show", action="store_true", help="say what is held (the default)")
        what.add_argument("--go", action="store_true", help="let sending go on")
        what.add_argument(
            "--on", action="store_true", help="hold all sending, before you copy an installation"
        )
        what.add_argument("--campaign", type=int, metavar="ID", help="the campaign to answer for")
        what.add_argument(
            "--mails", choices=["send", "drop"], help="send or drop confirmations, resets … kept"
        )
        parser.add_argument(
            "--answer",
            choices=["send", "leave"],
            help="with --campaign: send to who is left, or note them as unknown and send nothing",
        )
        parser.add_argument(
            "--proof",
            type=Path,
            metavar="FILE",
            help="with --campaign: a mail server's log, a provider's events or a CSV of addresses:"
            " who got it already",
        )
        parser.add_argument("--workspace", metavar="SLUG", help="with --mails: only of this one")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what was asked for and say how it stands."""
        if (options["answer"] or options["proof"]) and options["campaign"] is None:
            raise CommandError("--answer and --proof are about one campaign: give --campaign ID.")
        watch.look()
        done: dict[str, Any] = {}
        if options["campaign"] is not None:
            done = self._campaign(options)
        elif options["mails"]:
            done = {"mails": self._mails(options)}
        elif options["on"]:
            hold.begin(Installation.Because.ASKED)
        elif options["go"]:
            watch.let_go()
            tasks.keep_sending.delay()
        found = {**_found(), **done}
        self.stdout.write(json.dumps(found) if options["json"] else _in_words(found))
        if found["held"] and not any(options[name] for name in ("go", "on", "campaign", "mails")):
            raise SystemExit(HELD)

    def _campaign(self, options: dict[str, Any]) -> dict[str, Any]:
        campaign = Campaign.objects.select_related("workspace").filter(pk=options["campaign"])
        found = campaign.first()
        if found is None:
            raise CommandError(f"There is no campaign {options['campaign']}.")
        done: dict[str, Any] = {}
        if options["proof"]:
            try:
                with options["proof"].open("rb") as file:
                    done["proof"] = proofs.take(found, file, name=options["proof"].name).as_json()
            except (OSError, proofs.ProofError) as error:
                raise CommandError(str(error)) from error
        if options["answer"] == "send" and not answers.send(found, confirmed=None):
            raise CommandError(f"Campaign {found.pk} asks nothing.")
        if options["answer"] == "leave" and not answers.leave(found):
            raise CommandError(f"Campaign {found.pk} is not one of a restored database.")
        return done

    @transaction.atomic
    def _mails(self, options: dict[str, Any]) -> int:
        spaces: list[int | None] = [None, *Workspace.objects.values_list("pk", flat=True)]
        if options["workspace"]:
            spaces = list(
                Workspace.objects.filter(slug=options["workspace"]).values_list("pk", flat=True)
            )
            if not spaces:
                raise CommandError(f"There is no workspace {options['workspace']}.")
        return sum(hold.settle_mails(one, send=options["mails"] == "send") for one in spaces)


def _found() -> dict[str, Any]:
    held = hold.state()
    return {
        "held": held is not None,
        "because": held.held_because if held else None,
        "since": held.held_since.isoformat() if held and held.held_since else None,
        "places": [place.as_json() for place in pending.of_everybody()],
    }


def _in_words(found: dict[str, Any]) -> str:
    lines = ["Nothing is held."]
    if found["held"]:
        because = Installation.Because(found["because"]).label
        lines = [f"Sending is held since {found['since']}: {because}"]
    if "proof" in found:
        lines.append("Proof: " + ", ".join(f"{n} {what}" for what, n in found["proof"].items()))
    if "mails" in found:
        lines.append(f"{found['mails']} kept mails were settled.")
    for place in found["places"]:
        lines.append(f"{place['workspace'] or 'This installation'}:")
        lines += [
            f"  campaign {row['id']} ({row['status']}): {row['left']:,} would get it,"
            f" {row['sent']:,} have it{', asks: ' + row['asks'] if row['asks'] else ''}"
            for row in place["campaigns"]
        ]
        lines += [f"  {n:,} kept: {kind}" for kind, n in place["mails"].items()]
    return "\n".join(lines)
