"""Loads the demo workspace, or a large synthetic one to measure pages on."""

import json
import secrets
from argparse import ArgumentParser
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User, Workspace
from reports.demo import load, scale
from reports.workspace import removal


class Command(BaseCommand):
    """``load_demo``; with ``--subscribers`` and ``--messages`` a large synthetic workspace."""

    help = (
        "Make the demo workspace (a coffee roaster with people, lists and campaigns). With "
        "--subscribers N --messages M make a large synthetic workspace instead. With --remove take "
        "the one of the same kind out again. Exit code 0: done, 1: it is already there or can't be."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--owner", help="address of the user who owns it (made if unknown)")
        parser.add_argument("--subscribers", type=int, help="people in the synthetic workspace")
        parser.add_argument("--messages", type=int, help="messages in its ledger")
        parser.add_argument("--remove", action="store_true", help="take it out instead")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make or remove one workspace."""
        started = monotonic()
        large = options["subscribers"] is not None or options["messages"] is not None
        slug = scale.SLUG if large else load.SLUG
        if options["remove"]:
            workspace = Workspace.objects.filter(slug=slug).first()
            if workspace is None:
                raise CommandError(f"There is no workspace {slug} to remove.")
            removal.remove(workspace)
            self._report({"removed": slug}, started, as_json=options["json"])
            return
        if Workspace.objects.filter(slug=slug).exists():
            raise CommandError(f"The workspace {slug} is already there; --remove takes it out.")
        owner, password = self._owner(options["owner"])
        if large:
            people = options["subscribers"] or 100_000
            messages = options["messages"] or 0
            scale.load(owner=owner, subscribers=people, messages=messages)
        else:
            load.load(owner=owner)
        report: dict[str, Any] = {"workspace": slug, "user": owner.email}
        if password:
            report["password"] = password
        self._report(report, started, as_json=options["json"])

    def _owner(self, email: str | None) -> tuple[User, str]:
        owner = (
            User.objects.filter(email__iexact=email).first()
            if email
            else User.objects.filter(is_superuser=True).order_by("pk").first()
        )
        if owner is not None:
            return owner, ""
        password = secrets.token_urlsafe(9)
        fields = {"name": "Ayu Sartika", "time_zone": "Asia/Jakarta"}
        owner = User.objects.create_superuser(email or "ayu@kopisenja.example", password, **fields)
        return owner, password

    def _report(self, report: dict[str, Any], started: float, *, as_json: bool) -> None:
        report["seconds"] = round(monotonic() - started, 1)
        if as_json:
            self.stdout.write(json.dumps(report))
            return
        for key, value in report.items():
            self.stdout.write(f"{key}: {value}")
