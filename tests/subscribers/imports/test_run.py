"""From a file to people: exact figures, nobody resurrected, nothing done twice."""

import csv
import dataclasses
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.imports import batches, files, mapping, merge, run, steps
from subscribers.models import (
    ConsentEvent,
    CustomField,
    Import,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionTally,
    Tagging,
)
from subscribers.people import people
from subscribers.states import ConsentKind, ConsentSource, ImportStatus, SuppressionReason

HEADER = "email,first_name,last_name,city,joined\n"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def prepared(workspace, weekly, owner):
    def prepare(content, **consent):
        data = content if isinstance(content, bytes) else content.encode()
        path, size = files.store([data])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv", actor=owner)
        assert steps.set_consent(record, steps.Consent(**{"lists": [weekly], **consent}))
        return record

    return prepare


def checked(record):
    assert steps.start_check(record)
    assert run.check(record.pk)
    record.refresh_from_db()
    return record


def imported(record):
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    return record


def figures(record):
    return (
        record.rows,
        record.created,
        record.updated,
        record.unchanged,
        record.suppressed,
        record.invalid,
    )


def error_rows(record):
    with Path(record.errors_path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


DIRTY = (
    HEADER
    + "dewi@example.com,Dewi,Anggraini,Bandung,2026-01-31\n"
    + "budi(at)kampus.example.id,Budi,,Jakarta,\n"
    + "citra@example.com,Citra,,Bandung,31/02/2025\n"
    + "DEWI@example.com,Dewi,Again,,\n"
    + "left@example.com,Left,,,\n"
    + "gone@example.com,Gone,,,\n"
    + 'evil@example.com,"Eve\r\nBcc: x@example.com",,,\n'
    + "short@example.com,Short\n"
    + '"=cmd|calc",Formula,,,\n'
    + "known@example.com,Known,,,\n"
)


def test_a_dirty_file_is_accounted_for_row_by_row(workspace, weekly, prepared, owner):
    left, _ = people.add(workspace, address=addresses.normalise("left@example.com"))
    lifecycle.subscribe(left, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(left, lists=[weekly.pk], source=ConsentSource.FORM)
    known, _ = people.add(
        workspace,
        address=addresses.normalise("known@example.com"),
        profile=people.Profile(first_name="Known"),
    )
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    suppression.suppress(workspace, email="gone@example.com", reason=SuppressionReason.BOUNCED)
    record = prepared(DIRTY)
    targets = mapping.load(record.mapping)
    assert [target.to for target in targets] == ["email", "first_name", "last_name", "new", "new"]
    targets[4] = dataclasses.replace(targets[4], type="date")
    assert steps.set_mapping(record, targets=targets)
    checked(record)
    expected = (10, 4, 0, 1, 2, 3)
    assert figures(record) == expected
    assert (record.duplicates, record.flagged["without"]) == (1, 2)
    assert not Subscriber.objects.filter(email="dewi@example.com").exists()

    imported(record)
    assert figures(record) == expected
    assert record.status == ImportStatus.DONE
    dewi = Subscriber.objects.get(email_key="dewi@example.com")
    assert (dewi.name, dewi.fields) == (
        "Dewi Anggraini",
        {"city": "Bandung", "joined": "2026-01-31"},
    )
    event = ConsentEvent.objects.get(subscriber=dewi)
    assert (event.kind, event.source, event.actor) == (
        ConsentKind.SUBSCRIBED,
        ConsentSource.IMPORT,
        owner,
    )
    assert Subscription.objects.get(subscriber=left).status == "unsubscribed"
    assert not Subscriber.objects.filter(email_key="gone@example.com").exists()
    tally = SubscriptionTally.objects.filter(list=weekly, count__gt=0)
    assert dict(tally.values_list("status", "count")) == {"subscribed": 5, "unsubscribed": 1}

    rows = error_rows(record)
    assert rows[0] == ["row", "field", "value", "reason", "import", *HEADER.strip().split(",")]
    assert [(row[0], row[1]) for row in rows[1:]] == [
        ("3", "email"),
        ("4", "Joined"),
        ("8", "first_name"),
        ("10", "email"),
        ("5", "email"),
    ]
    assert rows[5][3] == "Already in row 2"
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_an_error_file_can_be_corrected_and_imported(prepared):
    record = imported(prepared(HEADER + "budi(at)example.com,=Budi,,Jakarta,\n"))
    assert record.invalid == 1
    mended = Path(record.errors_path).read_bytes().replace(b",budi(at)", b",budi@")
    again = imported(prepared(mended))
    assert figures(again) == (1, 1, 0, 0, 0, 0)
    person = Subscriber.objects.get()
    assert (person.email, person.first_name, person.fields) == (
        "budi@example.com",
        "=Budi",
        {"city": "Jakarta"},
    )


def test_a_second_import_of_the_same_file_changes_nothing(prepared):
    content = HEADER + "".join(f"p{n}@example.com,P{n},,City,\n" for n in range(50))
    imported(prepared(content))
    moments = set(Subscriber.objects.values_list("updated_at", flat=True))
    again = imported(prepared(content))
    assert figures(again) == (50, 0, 0, 50, 0, 0)
    assert ConsentEvent.objects.count() == 50
    assert set(Subscriber.objects.values_list("updated_at", flat=True)) == moments


def test_policies_for_people_who_are_known(prepared):
    imported(prepared(HEADER + "a@example.com,Ani,,Bandung,\n"))
    filled = imported(
        prepared(HEADER + "a@example.com,Anna,Sari,Jakarta,2026-01-01\n", existing="fill")
    )
    assert figures(filled) == (1, 0, 1, 0, 0, 0)
    person = Subscriber.objects.get()
    assert (person.name, person.fields) == ("Ani Sari", {"city": "Bandung", "joined": "2026-01-01"})
    imported(prepared(HEADER + "a@example.com,Anna,,Jakarta,\n"))
    person.refresh_from_db()
    assert (person.name, person.fields) == (
        "Anna Sari",
        {"city": "Jakarta", "joined": "2026-01-01"},
    )


def test_an_interrupted_import_goes_on_without_double_effects(prepared, monkeypatch):
    monkeypatch.setattr(batches, "ROWS_A_BATCH", 10)
    content = HEADER + "".join(f"p{n % 40}@example.com,P{n},,City,\n" for n in range(55))
    record = prepared(content)
    assert steps.start_run(record)
    write, calls = merge.Merger.write, []

    def breaking(self, counts):
        calls.append(counts)
        write(self, counts)
        if len(calls) == 3:
            raise OSError("the machine went away")

    monkeypatch.setattr(merge.Merger, "write", breaking)
    with pytest.raises(OSError, match="went away"):
        run.run(record.pk)
    record.refresh_from_db()
    assert (record.status, record.created, Subscriber.objects.count()) == ("running", 20, 20)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert figures(record) == (55, 40, 0, 0, 0, 15)
    assert record.duplicates == 15
    assert Subscriber.objects.count() == ConsentEvent.objects.count() == 40
    assert len(error_rows(record)) == 16


def test_cancelling_stops_after_the_batch_at_hand(prepared, monkeypatch):
    monkeypatch.setattr(batches, "ROWS_A_BATCH", 10)
    record = prepared(HEADER + "".join(f"p{n}@example.com,,,,\n" for n in range(30)))
    assert steps.start_run(record)
    stage, calls = merge.Merger.stage, []

    def cancelling(self, lines):
        calls.append(lines)
        stage(self, lines)
        if len(calls) == 2:
            assert steps.cancel(record)

    monkeypatch.setattr(merge.Merger, "stage", cancelling)
    assert not run.run(record.pk)
    record.refresh_from_db()
    assert (record.status, record.created, Subscriber.objects.count()) == ("cancelled", 10, 10)


def test_typos_are_flagged_not_dropped_and_can_be_corrected(prepared):
    record = checked(prepared(HEADER + "a@gmial.com,,,,\nb@gmial.com,,,,\ninfo@example.com,,,,\n"))
    assert figures(record) == (3, 3, 0, 0, 0, 0)
    assert record.flagged == {"typos": {"gmial.com": 2}, "roles": 1, "disposable": 0}
    assert steps.correct_domain(record, mistyped="gmial.com", right="gmail.com")
    imported(record)
    assert set(Subscriber.objects.values_list("email", flat=True)) == {
        "a@gmail.com",
        "b@gmail.com",
        "info@example.com",
    }


def test_a_discarded_import_leaves_nothing(prepared, tmp_path):
    record = checked(prepared(HEADER + "nope,,,,\n"))
    assert steps.discard(record)
    assert list((tmp_path / "imports").iterdir()) == []
    assert not Import.objects.exists()


def test_the_command_prints_one_json_object(workspace, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("E-Mail;Name;Kota\ndewi@example.com;Dewi Anggraini;Bandung\nnope;x;y\n")
    with pytest.raises(CommandError, match="--create-list"):
        call_command("import_subscribers", str(file), list="New", workspace=workspace.slug)
    out = StringIO()
    call_command(
        "import_subscribers",
        str(file),
        list="New",
        workspace=workspace.slug,
        create_list=True,
        json=True,
        map=["Kota=city"],
        stdout=out,
    )
    outcome = json.loads(out.getvalue())
    assert {key: outcome[key] for key in ("created", "updated", "unchanged", "invalid")} == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "invalid": 1,
    }
    assert Path(outcome["errors_file"]).exists()
    person = Subscriber.objects.get()
    assert (person.first_name, person.last_name, person.fields) == (
        "Dewi",
        "Anggraini",
        {"city": "Bandung"},
    )
    assert CustomField.objects.get().key == "city"


def test_a_mapping_without_an_address_is_refused(prepared):
    record = prepared("a,b\n1,2\n")
    with pytest.raises(mapping.MappingRefused):
        steps.set_mapping(record, targets=[mapping.ColumnTarget(), mapping.ColumnTarget()])


def test_same_columns_are_read_as_last_time(prepared, workspace):
    first = prepared("mail,note\na@example.com,x\n")
    targets = [mapping.ColumnTarget(to="email"), mapping.ColumnTarget(to="")]
    steps.set_mapping(first, targets=targets)
    imported(first)
    again = prepared("mail,note\nb@example.com,y\n")
    assert mapping.load(again.mapping) == targets


def test_a_bad_value_costs_its_cell_and_not_its_person(prepared, workspace):
    """Of any column but those that say where somebody stands; named in the file to correct."""
    for key, kind in (("age", "number"), ("born", "date")):
        CustomField.objects.create(workspace=workspace, key=key, label=key, type=kind)
    content = (
        "email,first_name,language,timezone,age,born\n"
        "a@example.com,Ana,Klingon,Mars,old,04/28\n"
        "b@example.com,Budi,English,Asia/Jakarta,41,1990-04-28\n"
        "nobody,No,en,,old,\n"
    )
    record = checked(prepared(content))
    assert (record.created, record.invalid, record.flagged["without"]) == (2, 1, 1)
    record = imported(record)
    assert (record.created, record.invalid, record.flagged["without"]) == (2, 1, 1)
    people = {
        one.email: (one.language, one.time_zone, one.fields) for one in Subscriber.objects.all()
    }
    assert people == {
        "a@example.com": ("", "", {}),
        "b@example.com": ("en", "Asia/Jakarta", {"age": 41, "born": "1990-04-28"}),
    }
    told = [(row[0], row[1], row[2]) for row in error_rows(record)[1:]]
    assert told == [
        ("2", "language; time_zone; age; born", "Klingon; Mars; old; 04/28"),
        ("4", "email; age", "nobody; old"),
    ]
    assert [one["goes_in"] for one in record.problems] == [True] * 4 + [False] * 2


def test_a_bad_value_of_a_required_field_keeps_its_row_out(prepared, workspace):
    CustomField.objects.create(
        workspace=workspace, key="age", label="age", type="number", is_required=True
    )
    record = imported(prepared("email,age\na@example.com,old\nb@example.com,41\n"))
    assert (record.created, record.invalid) == (1, 1)
    assert record.problems[0]["code"] == "number"


def test_damaged_cells_cost_their_value_or_where_it_matters_the_row(prepared):
    content = b"email,first_name,status\n" + "é".encode() * 4 + b"@example.com,A,subscribed\n"
    content += b"b@example.com,Zo\xeb,subscribed\nc@example.com,C\0,subscribed\n"
    content += b"d@example.com,D,unsubscr\xefbed\n"
    record = imported(prepared(content))
    assert (record.created, record.invalid, record.flagged["without"]) == (3, 1, 2)
    assert not Subscriber.objects.filter(email_key="d@example.com").exists()


def test_values_that_mean_nothing_are_empty(prepared, workspace):
    CustomField.objects.create(workspace=workspace, key="born", label="born", type="date")
    empty = ["NULL", "N/A", "-", r"\N", "0000-00-00", "0000-00-00 00:00:00", "#N/A", ""]
    rows = [f"p{n}@example.com,{word},{word},{word}" for n, word in enumerate(empty)]
    record = imported(
        prepared("\n".join(["email,first_name,language,born", *rows, ",,,", " ,,,\n"]))
    )
    assert figures(record) == (len(empty), len(empty), 0, 0, 0, 0)
    assert "without" not in record.flagged
    assert {
        (one.first_name, one.language, str(one.fields)) for one in Subscriber.objects.all()
    } == {("", "", "{}")}


def test_a_nul_in_a_row_that_cannot_be_cut_is_shown_as_such(prepared):
    record = imported(prepared('email,name\n",\0\na@x.org,A\n'))
    assert (record.created, record.invalid) == (1, 1)
    assert record.problems[0]["value"] == '",\u2400'


def test_of_several_addresses_the_first_counts_that_is_there(prepared):
    record = imported(
        prepared(
            "email,email 2 - value\na@x.org,b@x.org\n,c@x.org\nNULL,d@x.org\n"
            "e@x.org ::: f@x.org,g@x.org\n::: Dewi <h@x.org.>,\n"
        )
    )
    assert (record.created, record.invalid, record.flagged["repaired"]) == (5, 0, 1)
    people = dict(Subscriber.objects.values_list("email", "first_name"))
    assert people == {
        **dict.fromkeys(("a@x.org", "c@x.org", "d@x.org", "e@x.org"), ""),
        "h@x.org": "Dewi",
    }


def test_addresses_that_copying_spoiled_are_repaired_and_counted(prepared):
    spoiled = {
        "a@x.org.": "a@x.org",
        '"b@x.org,"': "b@x.org",
        "mailto:c@x.org?subject=Hi": "c@x.org",
        "Dewi <d@x.org>": "d@x.org",
        "<e@x.org>": "e@x.org",
        "\u200bf@x.org\ufeff": "f@x.org",
        "g\uff20x.org": "g@x.org",
        "h@x.org\u00a0": "h@x.org",
        "“i@x.org”": "i@x.org",
        "j @ x.org;": "j@x.org",
        "k%40x.org": "k@x.org",
        "l@x.org (work)": "l@x.org",
    }
    record = imported(
        prepared("email\n" + "\n".join([*spoiled, "plain@x.org", "M@X.org", "no@x@y.org"]))
    )
    assert (record.created, record.invalid) == (14, 1)
    assert record.flagged["repaired"] == len(spoiled)
    assert record.flagged["repairs"][0] == ["a@x.org.", "a@x.org"]
    found = set(Subscriber.objects.values_list("email", flat=True))
    assert found == {*spoiled.values(), "plain@x.org", "M@x.org"}


def test_short_rows_are_filled_up_unless_something_depends_on_the_rest(prepared):
    filled = imported(prepared("email,first_name,city\na@example.com,Ana\nb@example.com\n"))
    assert (filled.created, filled.invalid) == (2, 0)
    refused = imported(
        prepared("email,city,status\nc@example.com,Bogor\nd@example.com,Solo,active\n")
    )
    assert (refused.created, refused.invalid) == (1, 1)


def test_a_row_that_repeats_an_address_overwrites_nobody_when_it_comes_back(prepared):
    record = imported(
        prepared(
            "email,first_name,city\nana@example.com,Ana,Bogor\nana@example.com,Wrong,Solo\n"
            "eka(at)example.com,Eka,Solo\n",
            tags=["fair"],
        )
    )
    assert (record.created, record.invalid, record.duplicates) == (1, 2, 1)
    rows = error_rows(record)
    path, size = files.store([Path(record.errors_path).read_bytes().replace(b"(at)", b"@")])
    again = steps.take_file(record.workspace, path=path, size=size, filename="to correct.csv")
    assert again.corrects == record
    assert [one["to"] for one in again.mapping] == [
        "",
        "",
        "",
        "",
        "",
        *[one["to"] for one in record.mapping],
    ]
    assert steps.chosen_consent(again) == dataclasses.replace(
        steps.chosen_consent(record), lists=[record.mailing_list]
    )
    imported(again)
    assert (again.created, again.updated, again.invalid) == (1, 0, 1)
    assert [one["code"] for one in again.problems] == ["duplicate_kept"]
    ana = Subscriber.objects.get(email_key="ana@example.com")
    assert (ana.first_name, ana.fields) == ("Ana", {"city": "Bogor"})
    eka = Subscriber.objects.get(email_key="eka@example.com")
    assert list(Tagging.objects.filter(subscriber=eka).values_list("tag__name", flat=True)) == [
        "fair"
    ]
    assert Subscription.objects.get(subscriber=eka).list == record.mailing_list
    corrected = [row for row in rows[1:] if row[5] == "ana@example.com"]
    assert corrected[0][4] == f"{record.pk} (twice)"


@pytest.mark.parametrize(
    "content", ["email\n", "email,name\n", "email\nnope\n", "email\n\n\n , \n"]
)
def test_a_file_with_nobody_in_it_is_done_at_once(workspace, weekly, tmp_path, content):
    file = tmp_path / "people.csv"
    file.write_text(content)
    out = StringIO()
    call_command(
        "import_subscribers", str(file), list="Weekly", workspace=workspace.slug, stdout=out
    )
    assert Import.objects.get().status == ImportStatus.DONE
    assert "0 new" in out.getvalue()


@pytest.mark.parametrize("content", [b"", b"\n\n", b" , \n,,\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused_and_leaves_nothing(workspace, weekly, tmp_path, content):
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    with pytest.raises(CommandError):
        call_command("import_subscribers", str(file), list="Weekly", workspace=workspace.slug)
    assert not Import.objects.exists()


def test_a_command_whose_file_goes_away_leaves_no_import_running(
    workspace, weekly, tmp_path, monkeypatch
):
    file = tmp_path / "people.csv"
    file.write_text("email\na@example.com\n")
    start_run = steps.start_run

    def losing(record):
        Path(record.path).unlink()
        return start_run(record)

    monkeypatch.setattr(steps, "start_run", losing)
    with pytest.raises(CommandError, match="gone"):
        call_command("import_subscribers", str(file), list="Weekly", workspace=workspace.slug)
    assert Import.objects.get().status == ImportStatus.FAILED


def test_the_command_takes_an_encoding_and_warns_where_it_had_to_guess(workspace, weekly, tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes("email,first_name\na@example.com,Şarlo\n".encode("cp1254"))
    out, err = StringIO(), StringIO()
    options = {"list": "Weekly", "workspace": workspace.slug}
    call_command("import_subscribers", str(file), **options, stdout=out, stderr=err)
    assert "does not say which encoding" in err.getvalue()
    err = StringIO()
    call_command(
        "import_subscribers", str(file), **options, encoding="Windows-1254", stdout=out, stderr=err
    )
    assert err.getvalue() == ""
    assert Subscriber.objects.get().first_name == "Şarlo"
    with pytest.raises(CommandError, match="cp1254"):
        call_command("import_subscribers", str(file), **options, encoding="klingon")


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_lists_made_by_an_import_are_as_visible_as_it_says(prepared, visibility):
    imported(
        prepared("email,lists\na@example.com,Offers\n", new_list="News", list_visibility=visibility)
    )
    made = MailingList.objects.exclude(name="Weekly")
    assert {(one.name, one.visibility) for one in made} == {
        ("News", visibility),
        ("Offers", visibility),
    }


def test_a_separator_line_names_the_delimiter_and_is_no_row(prepared):
    record = imported(prepared("\ufeffsep=;\r\nemail;first_name\r\na@example.com;Ana, Sari\r\n"))
    assert figures(record) == (1, 1, 0, 0, 0, 0)
    assert Subscriber.objects.get().first_name == "Ana, Sari"
