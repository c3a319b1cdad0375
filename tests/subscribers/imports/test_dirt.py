"""A file with every kind of dirt: each row is accounted for, and nothing of it stops the import."""

from dataclasses import replace

import pytest
from django.test.utils import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import _dirty
from subscribers.consent import suppression
from subscribers.imports import files, mapping, run, steps
from subscribers.models import MailingList, Subscriber
from subscribers.states import ImportStatus, SuppressionReason


@pytest.fixture(autouse=True)
def _own_folder(tmp_path):
    with override_settings(DATA_DIR=tmp_path):
        yield


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


CELLS = st.one_of(
    st.sampled_from(
        ["a@example.com", "b@example.com", "c@x.org.", "gone@example.com", "nope", "NULL", "-", ""]
    ),
    st.sampled_from(['"', '"open', 'a"b"', "x,y", "x;y", "two\nlines", "\0", "\ufeff", "İ", "=1"]),
    st.text(max_size=6),
)
ROWS = st.lists(st.lists(CELLS, min_size=0, max_size=4).map(",".join), max_size=12)
HEADERS = st.sampled_from(["email,first_name,status", "email,age,tags", "email"])
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "shift_jis"])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=ROWS, layout=st.tuples(HEADERS, ENDS, ENCODINGS))
def test_whatever_rows_hold_each_of_them_is_accounted_for(workspace, rows, layout):
    header, end, encoding = layout
    weekly, _made = MailingList.objects.get_or_create(workspace=workspace, name="Weekly")
    suppression.suppress(workspace, email="gone@example.com", reason=SuppressionReason.BOUNCED)
    content = end.join([header, *rows, ""]).encode(encoding, "replace")
    path, size = files.store([content])
    record = steps.take_file(workspace, path=path, size=size, filename="f.csv", guess_types=False)
    if "email" not in [target["to"] for target in record.mapping]:
        return
    # What nobody can tell is asked: whoever has such a word for a status is left out.
    answered = [
        replace(target, answers={"*": "left_out"}) if target.to == mapping.STATUS else target
        for target in mapping.load(record.mapping)
    ]
    assert steps.set_mapping(record, targets=answered)
    steps.set_consent(record, steps.Consent(lists=[weekly]))
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert record.status == ImportStatus.DONE
    assert record.rows == (
        record.created + record.updated + record.unchanged + record.suppressed + record.invalid
    )
