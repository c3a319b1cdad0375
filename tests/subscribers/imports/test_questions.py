"""What nobody can tell stops an import with a question; no doubt ever subscribes anybody."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.background import waking
from subscribers.fields.problems import Problem
from subscribers.imports import (
    consent_columns,
    consent_words,
    files,
    mapping,
    questions,
    row_status,
    run,
    sources,
    steps,
)
from subscribers.imports.consent_lines import ConsentReader
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.normalizing import fold
from subscribers.models import CustomField, Import, MailingList, Subscriber, Subscription
from tests.subscribers.imports.test_exports_of_tools import standing


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def command(workspace, weekly, tmp_path):
    def call(text, *options):
        file = tmp_path / "people.csv"
        file.write_text(text, encoding="utf-8")
        out = StringIO()
        call_command(
            "import_subscribers", str(file), "--list", "Weekly", "--json", *options, stdout=out
        )
        return json.loads(out.getvalue())

    return call


@pytest.fixture
def taken(workspace):
    def take(text):
        path, size = files.store([text.encode()])
        return steps.take_file(workspace, path=path, size=size, filename="a.csv")

    return take


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Status", "who knows"),
        ("Status", ""),
        ("Status", "Yes"),
        ("Status", "Shipped"),
        ("Subscribed", "perhaps"),
        ("Opt-in", ""),
        ("Subscriber status", "inactive"),
        ("Status", "Soft bounced"),
        ("EMAIL_OPTOUT", "maybe"),
        ("Active", "yes"),
        ("Active", "no"),
        ("Newsletter consent", "see file"),
        ("Confirmed", "partly"),
        ("Marketing Permissions Email", "GDPR v2"),
        ("Is bounced", "a bit"),
    ],
)
def test_what_is_not_understood_stops_the_command(command, column, value):
    with pytest.raises(CommandError) as refused:
        command(f"email,{column}\nb@x.example,{value}\n")
    assert f"“{column}”" in str(refused.value)
    assert value in str(refused.value)
    assert "--status-value" in str(refused.value)
    assert not Subscriber.objects.exists()
    assert not Import.objects.exists()


def test_a_value_behind_all_samples_stops_the_command(command):
    rows = "".join(f"p{number}@x.example,active\n" for number in range(300))
    with pytest.raises(CommandError, match=r"“gone fishing” \(2\)"):
        command(f"email,status\n{rows}q@x.example,gone fishing\nr@x.example,Gone Fishing\n")
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["Gone=unsubscribed", "(empty)=unconfirmed"], ("unsubscribed", "unconfirmed")),
        (["gone=left-out", "=subscribed"], (None, "subscribed")),
        (["status:gone=bounced", "*=complained"], ("suppressed:bounced", "suppressed:complained")),
    ],
)
def test_a_command_answers_by_value(command, answers, expected):
    options = [word for answer in answers for word in ("--status-value", answer)]
    outcome = command(
        "email,status\na@x.example,gone\nb@x.example,\nc@x.example,active\n", *options
    )
    assert (standing("a@x.example"), standing("b@x.example")) == expected
    assert standing("c@x.example") == "subscribed"
    assert sum(outcome["standings"].values()) == 3


def test_a_command_says_what_an_answer_looks_like(command):
    with pytest.raises(CommandError, match="VALUE=STATUS"):
        command("email,status\na@x.example,gone\n", "--status-value", "gone=away")
    with pytest.raises(CommandError, match="no column"):
        command("email,status\na@x.example,gone\n", "--not-a-status", "state")


def test_a_column_is_left_out_only_by_saying_so(command):
    text = "email,status\na@x.example,unsubscribed\n"
    for options in (["--map", "status=-"], ["--map", "status=order_state"]):
        with pytest.raises(CommandError, match="--not-a-status"):
            command(text, *options)
    assert not Subscriber.objects.exists()
    command(text, "--map", "status=order_state", "--not-a-status", "status")
    assert standing("a@x.example") == "subscribed"
    assert Subscriber.objects.get().fields == {"order_state": "unsubscribed"}
    assert Import.objects.get().mapping[1]["waived"] == "import_subscribers"


def test_a_dry_run_says_who_comes_in_as_what(command):
    text = "email,status\na@x.example,active\nb@x.example,unsubscribed\nc@x.example,cleaned\n"
    outcome = command(text + "nope,active\n", "--dry-run")
    assert outcome["standings"] == {"subscribed": 1, "unsubscribed": 1, "bounced": 1}
    assert (outcome["created"], outcome["invalid"], outcome["errors_file"]) == (2, 1, None)
    assert not Subscriber.objects.exists()
    assert not Import.objects.exists()


def test_an_earlier_mapping_answers_nothing(command):
    text = "email,status\na@x.example,gone\n"
    command(text, "--status-value", "gone=subscribed")
    with pytest.raises(CommandError, match="gone"):
        command(text.replace("a@", "b@"))
    command("email,optout\nc@x.example,yes\n", "--map", "optout=-", "--not-a-status", "optout")
    command("email,optout\nd@x.example,yes\n")
    assert (standing("c@x.example"), standing("d@x.example")) == ("subscribed", "unsubscribed")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("email,State\na@x.example,CA\nb@x.example,NY\n", "new"),
        ("email,Newsletter\na@x.example,Weekly digest\n", "new"),
        ("email,Type\na@x.example,customer\n", "new"),
        ("email,Bounce count\na@x.example,0\n", "new"),
        ("email,Unsubscribe URL\na@x.example,https://x.example/u\n", "new"),
        ("email,Accepts SMS Marketing\na@x.example,no\n", "new"),
        ("email,active_subscription\na@x.example,false\n", "new"),
        ("email,Membership\na@x.example,gold\n", "new"),
        ("email,Subscription plan\na@x.example,cancelled\n", "new"),
        ("email,Subscription\na@x.example,cancelled\nb@x.example,active\n", "new"),
        ("email,Order status\na@x.example,cancelled\nb@x.example,pending\n", "new"),
        ("email,Account status\na@x.example,disabled\n", "new"),
        ("email,Bounces\na@x.example,1\n", "new"),
        ("email,Type\na@x.example,premium\n", "new"),
        ("email,Email subscription status updated at\na@x.example,2020-01-01\n", "new"),
    ],
)
def test_ordinary_columns_stay_ordinary(taken, text, target):
    record = taken(text)
    assert record.mapping[1]["to"] == target
    assert not questions.is_open(record)


@pytest.mark.parametrize(
    "text",
    [
        "email,Status\na@x.example,Shipped\nb@x.example,Pending\n",
        "email,Active\na@x.example,yes\nb@x.example,no\n",
        "email,State\na@x.example,inactive\nb@x.example,active\n",
        "email,State\na@x.example,deleted\nb@x.example,CA\n",
        "email,Cancelled\na@x.example,yes\n",
        "email,Account status\na@x.example,unsubscribed\nb@x.example,open\n",
    ],
)
def test_columns_that_could_be_either_ask(taken, text):
    record = taken(text)
    assert questions.is_open(record)
    assert not steps.start_check(record)
    assert not steps.start_run(record)


def test_a_field_of_our_own_of_that_name_stays_one(workspace, taken):
    CustomField.objects.create(workspace=workspace, key="status", label="Status", type="text")
    record = taken("email,Status\na@x.example,Shipped\n")
    assert record.mapping[1]["to"] == "field:status"
    assert not questions.is_open(record)
    assert taken("email,Status\na@x.example,Unsubscribed\n").mapping[1]["to"] == "status"


@pytest.fixture
def no_tasks(monkeypatch):

    monkeypatch.setattr(waking, "wake", lambda *_: None)


@pytest.mark.usefixtures("no_tasks")
def test_the_page_asks_value_by_value(editor_client, weekly):
    rows = "".join(f"p{number}@x.example,active\n" for number in range(150))
    text = f"email,status\n{rows}a@x.example,gone\nb@x.example,Gone\nc@x.example,\n"
    editor_client.post(reverse("import_new"), {"text": text})
    record = Import.objects.get()
    page = reverse("import_page", args=[record.pk])
    shown = editor_client.get(page).content.decode()
    assert "Who may be emailed?" in shown
    assert "(empty)" in shown
    consent = {"list": weekly.pk, "status": "subscribed", "statement": "x", "existing": "fill"}
    editor_client.post(f"{page}?step=consent", consent)
    record.refresh_from_db()
    assert record.status == "uploaded"
    columns: dict[str, Any] = {"to_0": "email", "to_1": "status"}
    answer = editor_client.post(f"{page}?step=columns", columns)
    assert answer.status_code == 422
    assert "it is not clear what these values mean" in answer.content.decode()
    columns |= {
        "value_1": ["active", "gone", ""],
        "means_1": ["subscribed", "complained", "left_out"],
    }
    assert editor_client.post(f"{page}?step=columns", columns).status_code == 302
    editor_client.post(f"{page}?step=consent", consent)
    assert run.check(record.pk)
    shown = editor_client.get(page).content.decode()
    assert "Subscribed: 150" in shown
    assert "Reported as spam: 2, because the file says so" in shown
    assert "Left out: 1" in shown
    editor_client.post(reverse("import_act", args=[record.pk]), {"action": "run"})
    assert run.run(record.pk)
    assert standing("a@x.example") == "suppressed:complained"
    assert standing("c@x.example") is None


@pytest.mark.usefixtures("no_tasks")
def test_the_page_wants_it_confirmed_that_a_column_says_nothing(editor_client, editor, weekly):
    editor_client.post(reverse("import_new"), {"text": "email,optout\na@x.example,yes\n"})
    record = Import.objects.get()
    page = reverse("import_page", args=[record.pk])
    columns = {"to_0": "email", "to_1": "new", "label_1": "Exit", "type_1": "text"}
    answer = editor_client.post(f"{page}?step=columns", columns)
    assert answer.status_code == 422
    assert 'name="waive_1"' in answer.content.decode()
    columns["waive_1"] = "1"
    assert editor_client.post(f"{page}?step=columns", columns).status_code == 302
    consent = {"list": weekly.pk, "status": "subscribed", "statement": "x", "existing": "fill"}
    editor_client.post(f"{page}?step=consent", consent)
    assert run.check(record.pk)
    assert f"confirmed by {editor}" in editor_client.get(page).content.decode()


def test_a_column_chosen_as_status_by_hand_is_counted_and_asked(taken):
    record = taken("email,Note\na@x.example,fine\nb@x.example,unsubscribed\n")
    targets = [ColumnTarget(to="email"), ColumnTarget(to=mapping.STATUS)]
    with pytest.raises(questions.QuestionOpen, match="fine"):
        steps.set_mapping(record, targets=targets)
    answered = [targets[0], questions.answer(targets[1], {"fine": "subscribed"})]
    assert steps.set_mapping(record, targets=answered)


@pytest.mark.parametrize(
    ("name", "stops"),
    [
        ("unsubscribes.csv", True),
        ("Unsubscribed contacts.csv", True),
        ("nonsubscribed_email_audience_export_5f1b9c.csv", True),
        ("suppression_bounces.csv", True),
        ("spam-reports.csv", True),
        ("opt-outs 2023.csv", True),
        ("do_not_email.csv", True),
        ("subscribers cleaned.csv", False),
        ("optouting.csv", False),
        ("subscribed.csv", False),
    ],
)
def test_a_file_whose_name_says_that_they_left_subscribes_nobody(workspace, name, stops):
    def take(text):
        path, size = files.store([text.encode()])
        return steps.take_file(workspace, path=path, size=size, filename=name)

    if stops:
        with pytest.raises(files.BelongsElsewhere, match="rename"):
            take("email,created\na@x.example,1683356889\n")
    else:
        assert take("email,created\na@x.example,1683356889\n")
    assert take("email,status\na@x.example,unsubscribed\n")


def test_a_column_that_was_the_status_before_is_asked_about_again(taken, weekly):
    first = taken("email,Note\na@x.example,unsubscribed\nb@x.example,fine\n")
    targets = [
        ColumnTarget(to="email"),
        ColumnTarget(to=mapping.STATUS, answers={"fine": "subscribed"}),
    ]
    assert steps.set_mapping(first, targets=targets)
    steps.set_consent(first, steps.Consent(lists=[weekly]))
    assert steps.start_run(first)
    assert run.run(first.pk)
    again = taken("email,Note\nc@x.example,fine\n")
    assert again.mapping[1]["to"] == mapping.STATUS
    assert [value.text for value in questions.ask(again)[0].open] == ["fine"]


@pytest.mark.parametrize("row", ["b@x.example,Gone", "b@x.example,Gone,\0", "b@x.example,Gone,,"])
def test_rows_that_lack_other_cells_or_have_damaged_ones_are_asked_about_too(taken, row):
    record = taken(f"email,subscription status,note\na@x.example,active,\n{row}\n")
    assert [value.text for value in questions.ask(record)[0].open] == ["Gone"]


def test_a_file_to_correct_keeps_what_was_answered(taken, weekly):
    record = taken("email,state of mail\na(at)x.example,Gone\nb@x.example,Gone\n")
    targets = mapping.load(record.mapping)
    status = ColumnTarget(to="status", reads=consent_words.WORD, answers={"gone": "unsubscribed"})
    assert steps.set_mapping(record, targets=[targets[0], status])
    assert steps.set_consent(record, steps.Consent(lists=[weekly]))
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    again = taken(Path(record.errors_path).read_text("utf-8-sig").replace(",a(at)", ",a@"))
    assert again.corrects == record
    assert mapping.load(again.mapping)[-1] == status
    assert not questions.is_open(again)
    assert steps.start_run(again)
    assert run.run(again.pk)
    assert (standing("a@x.example"), standing("b@x.example")) == ("unsubscribed", "unsubscribed")


def test_no_source_takes_a_column_away_that_says_who_may_be_emailed():
    for source in sources.SOURCES:
        found = {name: consent_columns.by_name(name) for name in source.columns}
        assert not {name for name, one in found.items() if one and one.reads}


def test_yes_and_no_and_every_word_mean_one_thing():
    assert not consent_words.YES & consent_words.NO
    assert not consent_words.UNCLEAR_WORDS & consent_words.STATUS_WORDS.keys()
    assert set(consent_words.NAMES.values()) <= set(consent_words.KINDS)


RECOGNISED = sorted(consent_words.NAMES.items())
KNOWN = (
    consent_words.STATUS_WORDS.keys() | consent_words.YES | consent_words.NO | consent_words.EMPTY
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(RECOGNISED), st.text(max_size=30))
def test_no_unknown_value_of_a_recognised_column_subscribes(column, value):
    """What is not known is asked about, or says that they left: it never means "subscribed"."""
    _name, reads = column
    key = row_status.key_of(value, reads=reads)
    meant = row_status.meaning(key, reads=reads, answers={})
    is_known = fold(value) in KNOWN or value.strip() in KNOWN or key == row_status.DATE_KEY
    if not is_known and key not in KNOWN and not key.isdigit():
        assert meant is None or row_status.SEVERITY[meant] > row_status.SEVERITY["subscribed"]
    reader = ConsentReader([ColumnTarget(to=mapping.STATUS, reads=reads)])
    if meant is None:
        with pytest.raises(Problem):
            reader.read([value])
    else:
        assert reader.read([value]).split("\t")[1] == (meant or r"\N")


@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.sampled_from([name for name, _kind in RECOGNISED]),
    value=st.text(
        alphabet=st.characters(categories=("L", "N", "Zs")), min_size=1, max_size=20
    ).filter(lambda text: text.strip()),
)
def test_no_file_with_an_unknown_value_subscribes_its_row(taken, weekly, name, value):
    if fold(value) in KNOWN or any(map(str.isdigit, value)):
        return
    Subscriber.objects.all().delete()
    record = taken(f'email,"{name}"\nprobe@x.example,"{value}"\n')
    steps.set_consent(record, steps.Consent(lists=[weekly]))
    if steps.start_run(record):
        run.run(record.pk)
    subscribed = Subscription.objects.filter(status="subscribed")
    assert not subscribed.filter(subscriber__email_key="probe@x.example").exists()
