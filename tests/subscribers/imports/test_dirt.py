"""A file with every kind of dirt: each row is accounted for, and nothing of it stops the import."""

import pytest

from benchmarks import _dirty
from subscribers.imports import files, run, steps
from subscribers.models import MailingList, Subscriber


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def test_every_row_of_a_dirty_file_is_accounted_for(workspace, tmp_path):
    file = tmp_path / "dirty.csv"
    kinds = _dirty.write(file, 2_000)
    path, size = files.store([file.read_bytes()])
    record = steps.take_file(workspace, path=path, size=size, filename="dirty.csv")
    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
    steps.set_consent(record, steps.Consent(lists=[weekly]))
    targets = [target["to"] for target in record.mapping]
    assert targets == ["email", "name", "new", "new", "tags"]
    assert [target["type"] for target in record.mapping[2:4]] == ["date", "number"]
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert record.created == kinds["good"] + kinds["without"] == Subscriber.objects.count()
    assert record.flagged["without"] == kinds["without"]
    assert record.duplicates == kinds["duplicate"]
    assert record.invalid == kinds["invalid"] + kinds["duplicate"]
    assert record.rows == sum(kinds.values()) - kinds["blank"]
    assert all(problem["code"] for problem in record.problems)
