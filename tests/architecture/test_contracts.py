"""The import contracts hold, and would notice."""

import shutil
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from tests.architecture.files import APPS
from tests.architecture.inside import Order

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold() -> None:
    program = shutil.which("lint-imports", path=str(ROOT / ".venv" / "bin"))
    assert program is not None
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


ORDER = Order(["team", "access"])


@pytest.mark.parametrize(
    ("importer", "imported", "right"),
    [
        ("accounts.urls", "accounts.views.team", True),
        ("accounts.views.team", "accounts.views.profile", True),
        ("accounts.views.team", "accounts.admin", False),
        ("accounts.views.team", "accounts.tasks", True),
        ("accounts.tasks", "accounts.team", True),
        ("accounts.team", "accounts.tasks", False),
        ("accounts.team", "accounts.forms.settings", False),
        ("accounts.access", "accounts.team", True),
        ("accounts.team.invitations", "accounts.access", False),
        ("accounts.queries", "accounts.team", False),
        ("accounts.models", "accounts.queries", False),
        ("accounts.models", "accounts.roles", True),
        ("accounts.choices", "accounts.roles", True),
        ("accounts.states", "accounts.models", False),
        ("accounts.apps", "accounts.tasks", True),
    ],
)
def test_inside_a_room_imports_go_down(importer: str, imported: str, *, right: bool) -> None:
    assert ORDER.may_import(importer, imported) is right


@pytest.mark.parametrize(
    ("module", "known"),
    [("accounts.team", True), ("accounts.team.invitations", True), ("accounts.team_forms", False)],
)
def test_every_module_has_a_place(module: str, *, known: bool) -> None:
    assert ORDER.knows(module) is known


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = grimp.build_graph(*APPS, cache_dir=None)
    order = TopologicalSorter(
        {module: imports.find_modules_directly_imported_by(module) for module in imports.modules}
    )
    order.prepare()  # raises CycleError, which names the circle
