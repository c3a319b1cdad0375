"""What becomes of a mail once it is recorded: told, matched, taught, read again, forgotten."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from accounts.models import Workspace
from delivery.bounces import forgetting, intake, keeping, replaying, showing, words
from delivery.bounces.reading import MailKind
from delivery.events import applying
from delivery.events.feedback import Fate, Feedback, Taken
from delivery.models import Message, ReturnedMail, WordRule
from delivery.states import Effect, EventKind, FeedbackSource, ReturnedState, Verdict
from tests.delivery import makers
from tests.delivery.bounces import mails

if TYPE_CHECKING:
    from collections.abc import Sequence


def take(raw: bytes, workspace: Workspace, **fields: Any) -> ReturnedMail:
    row = intake.take(raw, workspace=workspace, source=FeedbackSource.BOUNCE_MAIL, **fields)
    row.refresh_from_db()
    return row


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Feedback]:
    """Hear what is told, and let it be applied all the same."""
    heard: list[Feedback] = []
    apply = applying.apply

    def listening(news: "Sequence[Feedback]") -> list[Taken]:
        heard.extend(news)
        return apply(news)

    monkeypatch.setattr(applying, "apply", listening)
    return heard


def test_a_token_proves_which_email_it_was(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    row = take(mails.bounce(message=message.pk), workspace)
    assert (row.state, row.message_id, row.confidence) == (
        ReturnedState.APPLIED,
        message.pk,
        100,
    )
    assert row.recipients == ["nina@resep.example"]
    assert [(one.kind, one.message_id, one.effect) for one in told] == [
        (EventKind.BOUNCED, message.pk, Effect.ADDRESS_INVALID)
    ]


def test_a_return_path_of_its_own_proves_it_too(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    take(mails.bounce(message=message.pk, verp=True), workspace)
    raw = mails.bounce(number=2)
    from delivery.mime import tokens

    address = f"bounce+{tokens.make(message.pk, tokens.Purpose.BOUNCE).upper()}@kopisenja.example"
    row = take(raw, workspace, envelope_to=address)
    assert [one.message_id for one in told] == [message.pk, message.pk]
    assert row.state == ReturnedState.APPLIED


def test_a_token_of_another_workspace_proves_nothing(
    other_workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    take(mails.bounce(message=message.pk), other_workspace)
    assert [one.message_id for one in told] == [None]


def test_a_forged_token_proves_nothing(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    raw = mails.bounce(message=message.pk, verp=True)
    take(raw.replace(b"bounce+a", b"bounce+b"), workspace)
    assert [one.message_id for one in told] == [None]


def test_the_same_mail_again_tells_nothing(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    raw = mails.bounce(message=message.pk)
    first = take(raw, workspace)
    assert take(raw.replace(b"\n", b"\r\n"), workspace).pk == first.pk
    assert len(told) == 1


def test_a_copy_that_came_another_way_is_told_with_the_same_key(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    raw = mails.bounce(message=message.pk)
    take(raw, workspace)
    take(b"Received: from elsewhere\n" + raw, workspace)
    assert told[0].key == told[1].key
    take(mails.bounce(message=message.pk, number=2), workspace)
    assert told[2].key != told[0].key


def test_a_later_word_about_an_open_bounce_is_news(
    workspace: Workspace,
    message: Message,
    told: list[Feedback],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dataclasses import replace

    from delivery.bounces import reading

    read = reading.read

    def puzzled(raw: bytes) -> Any:
        found = read(raw)
        reports = tuple(replace(one, effect=Effect.UNDECIDED) for one in found.reports)
        return replace(found, reports=reports)

    with monkeypatch.context() as patched:
        patched.setattr(intake, "read", puzzled)
        row = take(mails.bounce(message=message.pk), workspace)
    assert (row.state, row.message_id) == (ReturnedState.UNRECOGNISED, message.pk)
    replay = replaying.begin(workspace, by=None)
    assert not replaying.run(replay.pk, seconds=60)
    replay.refresh_from_db()
    row.refresh_from_db()
    assert row.state == ReturnedState.APPLIED
    assert (replay.looked, replay.changed) == (1, 1)
    assert replay.before == {str(ReturnedState.UNRECOGNISED.value): 1}
    assert replay.after == {str(ReturnedState.APPLIED.value): 1}
    assert told[0].key != told[1].key
    assert told[1].effect == Effect.ADDRESS_INVALID


def test_hostile_bytes_are_kept_and_read(workspace: Workspace) -> None:
    for raw in (
        b"",
        b"\0" * 2_000,
        b"Subject: =?x-nothing?B?////?=\x00\r\n\r\n\xff\xfe",
        b"From: " + b"a" * 300_000,
        b"Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 20_000,
        b"Content-Type: text/html\n\n" + b"<div>" * 100_000,
        ("Subject: \ud800" + "x" * 5_000).encode("utf-8", "surrogatepass"),
    ):
        row = take(raw, workspace)
        assert row.state in {ReturnedState.UNRECOGNISED, ReturnedState.IGNORED}
        assert len(showing.text_of(bytes(row.raw))) <= showing.MOST_TEXT


def test_only_the_beginning_is_kept(workspace: Workspace) -> None:
    row = take(mails.plain("Large", "x\n" * 2_000_000), workspace)
    assert row.size > 4_000_000
    assert len(row.raw) == keeping.LARGEST


def test_what_cannot_be_told_is_said_and_can_be_read_again(
    workspace: Workspace, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(news: "Sequence[Feedback]") -> list[Taken]:
        return [Taken(fate=Fate.FAILED) for _one in news]

    with monkeypatch.context() as patched:
        patched.setattr(applying, "apply", failing)
        row = take(mails.bounce(message=message.pk), workspace)
    assert row.state == ReturnedState.FAILED
    replaying.run(replaying.begin(workspace, by=None).pk, seconds=60)
    row.refresh_from_db()
    assert row.state == ReturnedState.APPLIED


def test_a_person_says_what_a_mail_is(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    row = take(mails.plain("Hm", "Nina left the company."), workspace)
    assert (row.state, row.kind) == (ReturnedState.UNRECOGNISED, MailKind.OTHER.name.lower())
    intake.teach(row, Verdict.HARD, recipient="nina@resep.example")
    row.refresh_from_db()
    assert (told[0].kind, told[0].effect, told[0].recipient) == (
        EventKind.BOUNCED,
        Effect.ADDRESS_INVALID,
        "nina@resep.example",
    )
    assert row.verdict == Verdict.HARD
    replaying.run(replaying.begin(workspace, by=None).pk, seconds=60)
    row.refresh_from_db()
    assert row.verdict == Verdict.HARD  # no rule changes it


def test_no_bounce_is_told_to_nobody(workspace: Workspace, told: list[Feedback]) -> None:
    row = take(mails.plain("Offer", "Buy this."), workspace)
    assert intake.teach(row, Verdict.NO_BOUNCE, recipient="") is None
    row.refresh_from_db()
    assert (row.state, told) == (ReturnedState.IGNORED, [])


def test_a_rule_of_words_serves_later_mails_and_a_replay(
    workspace: Workspace, other_workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    text = "Die Mailbox von nina@resep.example wurde\nleider   GESCHLOSSEN. (.*)"
    earlier = take(mails.plain("Hm", text), workspace)
    assert earlier.state == ReturnedState.UNRECOGNISED
    WordRule.objects.create(workspace=workspace, words="leider geschlossen", verdict=Verdict.HARD)
    WordRule.objects.create(workspace=workspace, words="(.*)", verdict=Verdict.AUTO_REPLY)
    later = take(mails.plain("Hm", text, number=2), workspace)
    assert later.verdict == Verdict.HARD
    assert later.recipients == ["nina@resep.example"]
    elsewhere = take(mails.plain("Hm", text), other_workspace)
    assert elsewhere.verdict == ""
    replaying.run(replaying.begin(workspace, by=None).pk, seconds=60)
    earlier.refresh_from_db()
    assert earlier.verdict == Verdict.HARD


def test_a_rule_never_overrules_what_is_understood(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    WordRule.objects.create(workspace=workspace, words="could not", verdict=Verdict.NO_BOUNCE)
    assert take(mails.bounce(message=message.pk), workspace).state == ReturnedState.APPLIED


def test_a_mail_that_names_two_people_is_nobodys(workspace: Workspace, message: Message) -> None:
    makers.make_subscriber(workspace, "made@resep.example")
    row = take(mails.plain("Hm", "nina@resep.example or made@resep.example"), workspace)
    assert words.only_person(row) == ""


def test_a_rehearsal_changes_nothing(
    workspace: Workspace, message: Message, told: list[Feedback]
) -> None:
    row = take(mails.bounce(message=message.pk), workspace)
    ReturnedMail.objects.update(state=ReturnedState.UNRECOGNISED, kind="other")
    told.clear()
    row.refresh_from_db()
    numbers = replaying.read_again([row], is_rehearsal=True)
    assert (numbers.changed, dict(numbers.after)) == (1, {str(ReturnedState.APPLIED.value): 1})
    assert told == []
    row = ReturnedMail.objects.get()
    assert row.state == ReturnedState.UNRECOGNISED


def test_old_mails_are_forgotten_and_still_known(workspace: Workspace, message: Message) -> None:
    raw = mails.bounce(message=message.pk)
    row = take(raw, workspace)
    ReturnedMail.objects.update(received_at=timezone.now() - forgetting.MAILS_KEPT * 1.1)
    assert forgetting.forget_old() == 1
    row.refresh_from_db()
    assert (bytes(row.raw), row.recipients, row.state) == (b"", [], ReturnedState.APPLIED)
    assert take(raw, workspace).pk == row.pk
    ReturnedMail.objects.update(received_at=timezone.now() - timedelta(days=500))
    forgetting.forget_old()
    assert not ReturnedMail.objects.exists()


def test_an_erased_persons_mails_are_forgotten(
    workspace: Workspace, other_workspace: Workspace, message: Message
) -> None:
    take(mails.bounce(message=message.pk), workspace)
    take(mails.plain("From a friend", "Ask NINA@resep.example about it."), workspace)
    kept = take(mails.bounce("made@resep.example", number=3), workspace)
    elsewhere = take(mails.bounce(), other_workspace)
    forgetting.forget_person(workspace, ("nina@resep.example",))
    with_mail = ReturnedMail.objects.exclude(raw=b"").values_list("pk", flat=True)
    assert sorted(with_mail) == sorted([kept.pk, elsewhere.pk])
    assert not ReturnedMail.objects.filter(
        workspace=workspace, recipients__contains=["nina@resep.example"]
    )


def test_a_command_reads_them_again(
    workspace: Workspace, message: Message, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from django.core.management import call_command

    row = take(mails.plain("Hm", "Nina@resep.example is leider geschlossen"), workspace)
    WordRule.objects.create(workspace=workspace, words="leider geschlossen", verdict=Verdict.HARD)
    call_command("replay_bounces", "--dry-run", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["looked"], said["changed"]) == (1, 1)
    row.refresh_from_db()
    assert row.state == ReturnedState.UNRECOGNISED
    call_command("replay_bounces", "--workspace", workspace.slug)
    assert "1 mails read again, 1 read differently." in capsys.readouterr().out
    row.refresh_from_db()
    assert row.verdict == Verdict.HARD


def test_one_poisoned_mail_stops_no_other(
    workspace: Workspace, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = [mails.bounce(message=message.pk), mails.plain("Poison", "?"), mails.absence()]
    for raw in raws:
        keeping.keep(raw, workspace=workspace, source=FeedbackSource.BOUNCE_MAIL)
    ReturnedMail.objects.update(received_at=timezone.now() - intake.LEFT_AFTER * 2)
    read = intake.understand

    def poisoned(row: ReturnedMail, **options: Any) -> intake.Outcome:
        if row.subject == "Poison":
            raise ValueError("a rule fell over")
        return read(row, **options)

    monkeypatch.setattr(intake, "understand", poisoned)
    intake.take_up_left()
    states = list(ReturnedMail.objects.order_by("pk").values_list("state", flat=True))
    assert states == [ReturnedState.APPLIED, ReturnedState.FAILED, ReturnedState.IGNORED]
    replay = replaying.begin(workspace, by=None)
    assert not replaying.run(replay.pk, seconds=60)
    replay.refresh_from_db()
    assert replay.looked == 2
