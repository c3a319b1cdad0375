"""The import contracts hold, and would notice."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.inside import may_import

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold() -> None:
    program = shutil.which("lint-imports", path=str(ROOT / ".venv" / "bin"))
    assert program is not None
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("importer", "imported", "right"),
    [
        ("accounts.urls", "accounts.views.team", True),
        ("accounts.views.team", "accounts.views.profile", True),
        ("accounts.views.team", "accounts.admin", False),
        ("accounts.views.team", "accounts.tasks", True),
        ("accounts.tasks", "accounts.invitations", True),
        ("accounts.invitations", "accounts.tasks", False),
        ("accounts.invitations", "accounts.access", True),
        ("accounts.queries", "accounts.invitations", False),
        ("accounts.models", "accounts.queries", False),
        ("accounts.models", "accounts.roles", True),
        ("accounts.states", "accounts.models", False),
        ("accounts.apps", "accounts.tasks", True),
    ],
)
def test_inside_a_room_imports_go_down(importer: str, imported: str, *, right: bool) -> None:
    assert may_import(importer, imported) is right
