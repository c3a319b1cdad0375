"""SQL by hand keeps to the house, too: down to its tables only, and one writer for what counts."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.apps import apps

from tests.architecture.files import ROOT, python_files

# From the top downwards, as in pyproject.toml; `config` knows every app.
HOUSE = ("api", "reports", "delivery", "campaigns", "subscribers", "accounts")


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every string of a module, docstrings left out."""
    tree = ast.parse(source)
    said = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def names_above() -> dict[str, re.Pattern[str]]:
    """Return for each app the pattern of what lies above it: tables, modules, models."""
    found = {}
    for place, app in enumerate(HOUSE):
        above = HOUSE[:place]
        words = [rf"{room}\.[a-z_]+" for room in above]
        for room in above:
            if apps.is_installed(room):
                models = apps.get_app_config(room).get_models(include_auto_created=True)
                words += [model._meta.db_table for model in models]
        if words:
            found[app] = re.compile(rf"(?<![\w.@/-])(?:{'|'.join(words)})\b")
    return found


def reaching_up(app: str, source: str) -> list[str]:
    """Return the strings of a module of an app that name something above it."""
    pattern = names_above().get(app)
    return [
        f"{line}: {found[0]}"
        for line, text in strings(source)
        if pattern and (found := pattern.search(text))
    ]


@pytest.mark.parametrize("app", HOUSE)
def test_nobody_names_a_table_or_a_task_of_a_room_above(app: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{one}"
        for path in python_files()
        if path.relative_to(ROOT).parts[0] == app
        for one in reaching_up(app, path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_search_for_rooms_above_would_notice() -> None:
    assert reaching_up("campaigns", 'SQL = f"SELECT FROM delivery_message WHERE {one}"')
    assert reaching_up("campaigns", 'app.send_task("delivery.tasks.keep_sending")')
    assert reaching_up("subscribers", 'SQL = "SELECT FROM campaigns_campaign_include_lists"')
    assert reaching_up("subscribers", 'LEFT = {"delivery.message"}')
    assert not reaching_up("delivery", 'SQL = "SELECT FROM campaigns_campaign"')
    assert not reaching_up("subscribers", '"""Of `delivery.tasks` and delivery_message."""')


# What everybody's account depends on: who may write it, and what the rows of many tests begin with.
WRITERS = {
    "subscribers_consentevent": "subscribers/consent/ledger.py",
    "subscribers_suppression": "subscribers/consent/suppression.py",
    "delivery_claim": "delivery/pipeline/claim.py",
    "delivery_messagetally": "delivery/pipeline/tallies.py",
    "delivery_sendminute": "delivery/pipeline/minutes.py",
    "delivery_eventtally": "delivery/tracking/counting.py",
}
MODELS = {
    "ConsentEvent": "subscribers_consentevent",
    "Suppression": "subscribers_suppression",
    "Claim": "delivery_claim",
    "MessageTally": "delivery_messagetally",
    "EventTally": "delivery_eventtally",
    "SendMinute": "delivery_sendminute",
}


def writes(source: str) -> set[str]:
    """Return the tables of `WRITERS` into which a module puts rows, by SQL or by a model."""
    texts = " ".join(text for _line, text in strings(source))
    found = {
        table
        for table in WRITERS
        if re.search(rf"(?:INSERT\s+INTO|MERGE\s+INTO|COPY)\s+{table}\b", texts)
    }
    making = r"\.objects\s*\.(?:a?create|a?bulk_create|a?get_or_create|a?update_or_create)\b"
    return found | {
        table for model, table in MODELS.items() if re.search(rf"\b{model}{making}", source)
    }


def test_each_ledger_has_one_writer() -> None:
    writers: dict[str, set[str]] = {table: set() for table in WRITERS}
    for path in python_files():
        for table in writes(path.read_text(encoding="utf-8")):
            writers[table].add(str(path.relative_to(ROOT)))
    assert writers == {table: {module} for table, module in WRITERS.items()}


def test_a_second_writer_would_be_noticed() -> None:
    assert writes('SQL = f"""WITH x AS (INSERT INTO\n delivery_claim (id) SELECT {one})"""')
    assert writes("Suppression.objects.update_or_create(workspace=workspace)")
    assert writes("ConsentEvent.objects.bulk_create([])")
    assert not writes('SQL = "SELECT FROM delivery_claim"')
    assert not writes("Suppression.objects.filter(pk=1).delete()")
