"""``doctor``: looks at everything that sending needs and says what to do."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from delivery.health import doctor

SIGNS = {"ok": "ok  ", "warn": "look", "fail": "FAIL"}


class Command(BaseCommand):
    """Look at database, Redis, workers, beat, sending accounts, DNS, disk and settings."""

    help = (
        "Check database, Redis, worker and beat heartbeats, sending accounts, DNS where possible, "
        "disk and settings; say what to do. Exit code 0: nothing failed, 1: something did."
    )
    requires_system_checks = ()  # it must also speak when things are wrong

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print what was found; the exit code says whether something failed."""
        findings = []
        for finding in doctor.look():
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(f"{SIGNS[finding.level]}  {finding.subject}: {finding.sentence}")
                if finding.way_out:
                    self.stdout.write(f"      {finding.way_out}")
        failed = any(finding.level == "fail" for finding in findings)
        if options["json"]:
            report = {"ok": not failed, "findings": [finding.as_json() for finding in findings]}
            self.stdout.write(json.dumps(report))
        if failed:
            sys.exit(1)
