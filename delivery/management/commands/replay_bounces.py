"""``replay_bounces``: reads kept returned mails once more by today's rules."""

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Workspace
from delivery.bounces import replaying, words
from delivery.bounces.replaying import Numbers
from delivery.states import ReturnedState

SECONDS = 3600.0


class Command(BaseCommand):
    """Read kept returned mails once more."""

    help = (
        "Read the returned mails that are kept once more by today's rules. What was counted counts "
        "once; what a person said stands. Prints how many stood where before and after."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--workspace", help="the slug of one workspace; without it, all")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, only count")
        parser.add_argument("--json", action="store_true", help="print one object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, and print the numbers."""
        workspaces = Workspace.objects.order_by("pk")
        if options["workspace"]:
            workspaces = workspaces.filter(slug=options["workspace"])
            if not workspaces:
                raise CommandError(f"There is no workspace {options['workspace']!r}.")
        whole = Numbers()
        for workspace in workspaces:
            _add(whole, _rehearse(workspace) if options["dry_run"] else _replay(workspace))
        self.stdout.write(json.dumps(_plain(whole)) if options["json"] else _sentence(whole))


def _replay(workspace: Workspace) -> Numbers:
    replay = replaying.begin(workspace, by=None)
    while replaying.run(replay.pk, seconds=SECONDS):
        pass
    replay.refresh_from_db()
    return Numbers(
        looked=replay.looked,
        changed=replay.changed,
        before=Counter(replay.before),
        after=Counter(replay.after),
    )


def _rehearse(workspace: Workspace) -> Numbers:
    rows = replaying.replayable(workspace).order_by("pk").iterator(chunk_size=replaying.BATCH)
    return replaying.read_again(rows, rules=words.rules_of(workspace), is_rehearsal=True)


def _add(whole: Numbers, part: Numbers) -> None:
    whole.looked += part.looked
    whole.changed += part.changed
    whole.before += part.before
    whole.after += part.after


def _names(counts: Counter[str]) -> dict[str, int]:
    return {state.name.lower(): counts[str(state.value)] for state in ReturnedState}


def _plain(numbers: Numbers) -> dict[str, Any]:
    return {
        "looked": numbers.looked,
        "changed": numbers.changed,
        "before": _names(numbers.before),
        "after": _names(numbers.after),
    }


def _sentence(numbers: Numbers) -> str:
    before, after = _names(numbers.before), _names(numbers.after)
    lines = [f"{numbers.looked} mails read again, {numbers.changed} read differently."]
    lines += [
        f"  {name:<14}{before[name]:>8} before {after[name]:>8} now"
        for name in before
        if before[name] or after[name]
    ]
    return "\n".join(lines)
