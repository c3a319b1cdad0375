"""Migrations are complete, named by hand, and stand in one line per app."""

import re
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from tests.architecture.files import APPS

OURS = [app for app in APPS if app in {config.label for config in apps.get_app_configs()}]


def test_models_and_migrations_agree(db: None) -> None:
    output = StringIO()
    call_command("makemigrations", check_changes=True, dry_run=True, stdout=output, verbosity=1)
    assert output.getvalue().strip() == "No changes detected"


@pytest.mark.parametrize("app", OURS)
def test_each_app_has_one_line_of_migrations(app: str) -> None:
    loader = MigrationLoader(None)
    assert len(loader.graph.leaf_nodes(app)) <= 1
    parents = [
        [parent for parent in node.parents if parent.key[0] == app]
        for key, node in loader.graph.node_map.items()
        if key[0] == app
    ]
    assert all(len(found) <= 1 for found in parents)


@pytest.mark.parametrize("app", OURS)
def test_migrations_are_named_by_hand_and_numbered_in_order(app: str) -> None:
    names = sorted(name for label, name in MigrationLoader(None).disk_migrations if label == app)
    assert [name for name in names if re.search(r"_auto_|_alter_.*_and_more$", name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
