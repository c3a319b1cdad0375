"""What the commands about campaigns have in common: finding one, saying how it stands."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.workspaces import zones
from campaigns.checks import preflight
from campaigns.models import Campaign
from delivery.figures import ledgers, running
from delivery.health import diagnosis

EXIT_CODES = """exit codes:
  0  done
  1  not possible: no such campaign, or not in a state that allows it (stderr says why)
  2  wrong usage"""


def find(pk: int) -> Campaign:
    """Return a campaign by its number.

    Raises:
        CommandError: there is none.
    """
    campaign = Campaign.objects.select_related("workspace", "paused_by").filter(pk=pk).first()
    if campaign is None:
        raise CommandError(f"There is no campaign {pk}.")
    return campaign


def status(campaign: Campaign) -> dict[str, Any]:
    """Return how a campaign stands; ``states`` adds up to ``audience``."""
    campaign.refresh_from_db()
    ledger = ledgers.of(campaign)
    states = ledgers.by_every_state(campaign, ledger)
    speed = running.messages_per_second(campaign)
    with timezone.override(zones.of_workspace(campaign.workspace)):
        found = diagnosis.explain(campaign, ledger=ledger, speed=speed)
    return {
        "id": campaign.pk,
        "status": campaign.status,
        "audience": ledger.audience,
        "states": {state.name.lower(): count for state, count in states.items()},
        "reasons": {reason.name.lower(): count for reason, count in ledger.reasons.items()},
        "undecided": ledger.undecided,
        "messages_per_second": speed,
        "cause": str(found.cause),
        "explanation": found.sentence,
        "until": found.until.isoformat() if found.until else None,
    }


def in_words(found: dict[str, Any]) -> str:
    """Write a status for people."""
    states = ", ".join(
        f"{count:,} {state.replace('_', ' ')}" for state, count in found["states"].items() if count
    )
    return (
        f"Campaign {found['id']} ({found['status']}): {states or 'nobody'} of"
        f" {found['audience']:,}; {found['messages_per_second']:g} messages/s."
        f" {found['explanation']}"
    )


class CampaignCommand(BaseCommand):
    """A command about one campaign: its number, and ``--json`` for programs."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Show the exit codes below the help."""
        from argparse import RawDescriptionHelpFormatter

        kwargs.setdefault("epilog", EXIT_CODES)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the campaign's number."""
        parser.add_argument("id", type=int, metavar="ID", help="the campaign's number")
        self.add_json(parser)

    @staticmethod
    def add_json(parser: ArgumentParser) -> None:
        """Offer ``--json``."""
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object and nothing else"
        )

    def warn(self, campaign: Campaign) -> None:
        """Say on stderr what is to be known of the account that carries the campaign."""
        for finding in preflight.of_carrier(campaign):
            if finding.warns:
                self.stderr.write(f"{finding.text} {finding.note}".rstrip())

    def say(self, found: dict[str, Any], *, as_json: bool) -> None:
        """Print how a campaign stands."""
        self.stdout.write(json.dumps(found) if as_json else in_words(found))
