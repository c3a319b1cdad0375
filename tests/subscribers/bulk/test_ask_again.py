"""Asking people again to confirm: whom, how often, and with which mail."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from subscribers.addresses import addresses
from subscribers.bulk import action_kinds, actions, ask_again, runner
from subscribers.consent import ledger, lifecycle, suppression
from subscribers.models import BulkAction, ConsentEvent, MailingList, SignupForm, Subscription
from subscribers.people import people
from subscribers.signup import mails, signup
from subscribers.states import BulkKind, ConsentSource, SuppressionReason

LONG_AGO = timezone.now() - timedelta(days=40)


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly", opt_in="double")


@pytest.fixture
def form(workspace, weekly):
    form = SignupForm.objects.create(
        workspace=workspace, name="Site", statement=ledger.statement(workspace, text="Yes")
    )
    form.lists.add(weekly)
    return form


@pytest.fixture
def waiting(workspace, weekly):
    def make(email, *, at=LONG_AGO):
        person = people.add(workspace, address=addresses.normalise(email))[0]
        lifecycle.ask(person, mailing_list=weekly, source=ConsentSource.FORM, at=at)
        return person

    return make


def ask(workspace, form, whom=actions.EVERYBODY):
    letters = []
    action = actions.start(
        workspace, kind=BulkKind.ASK_AGAIN, actor=None, settings={"form": form.pk}, whom=whom
    )
    while runner.run(action.pk, send=letters.append):
        pass
    action.refresh_from_db()
    return action, letters


def test_who_waits_gets_the_forms_mail_and_can_confirm_by_it(workspace, form, waiting):
    dewi = waiting("dewi@example.org")
    action, (letter,) = ask(workspace, form)
    assert (action.status, action.changed) == ("done", 1)
    written = mails.write(letter)
    assert written.to == ["dewi@example.org"]
    assert letter.token in written.body
    pending = signup.read(letter.token)
    assert signup.confirm(pending, source=ConsentSource.FORM)
    assert Subscription.objects.get().status == "subscribed"
    assert ConsentEvent.objects.filter(subscriber=dewi, kind="asked").count() == 2


def test_nobody_is_asked_twice_within_two_weeks(workspace, form, waiting):
    waiting("dewi@example.org")
    waiting("new@example.org", at=timezone.now() - timedelta(days=3))
    assert [len(ask(workspace, form)[1]) for _again in range(2)] == [1, 0]


def test_who_left_or_is_suppressed_is_not_asked(workspace, form, waiting, weekly):
    gone = waiting("gone@example.org")
    lifecycle.confirm(gone, mailing_list=weekly, source=ConsentSource.FORM, at=LONG_AGO)
    lifecycle.unsubscribe(gone, lists=[weekly.pk], source=ConsentSource.FORM, at=LONG_AGO)
    Subscription.objects.filter(subscriber=gone).update(status="unconfirmed")  # a stranger typed it
    waiting("bad@example.org")
    suppression.suppress(workspace, email="bad@example.org", reason=SuppressionReason.BOUNCED)
    assert ask(workspace, form)[1] == []


def test_a_minute_has_room_for_so_many_and_the_rest_follows(workspace, form, waiting, monkeypatch):
    for number in range(3):
        waiting(f"p{number}@example.org")
    step = action_kinds.ActionKind(
        apply=ask_again.ask, letters=ask_again.letters, batch=1, a_minute=2
    )
    monkeypatch.setitem(action_kinds.STEPS, BulkKind.ASK_AGAIN, step)
    action, letters = ask(workspace, form)
    assert (action.status, len(letters)) == ("running", 2)
    BulkAction.objects.update(started_at=timezone.now() - timedelta(minutes=1))
    while runner.run(action.pk, send=letters.append):
        pass
    assert len(letters) == 3


def test_the_proof_of_consent_names_the_mail_that_was_confirmed(workspace, form, waiting):
    from subscribers.consent import proof

    dewi = waiting("dewi@example.org")
    (letter,) = ask(workspace, form)[1]
    sent = mails.write(letter).message()["Message-ID"]
    signup.confirm(signup.read(letter.token), source=ConsentSource.FORM)
    confirmed = proof.collect(dewi)["events"][-1]
    assert (confirmed["what"], confirmed["mail_id"]) == ("confirmed", sent)


def test_members_ask_from_the_list_of_people_by_a_form(editor_client, workspace, form, waiting):
    dewi = waiting("dewi@example.org")
    chosen = {"action": "ask_again", "whom": "ticked", "people": dewi.pk, "filters": ""}
    page = editor_client.post(reverse("subscriber_bulk"), chosen)
    assert "Site" in page.content.decode()
    assert not BulkAction.objects.exists()
    editor_client.post(reverse("subscriber_bulk"), {**chosen, "confirmed": "1", "form": form.pk})
    assert BulkAction.objects.get().changed == 1


def test_without_a_form_the_page_says_what_is_missing(editor_client, workspace, waiting):
    dewi = waiting("dewi@example.org")
    chosen = {"action": "ask_again", "whom": "ticked", "people": dewi.pk, "confirmed": "1"}
    page = editor_client.post(reverse("subscriber_bulk"), chosen).content.decode()
    assert "There is no signup form" in page
    assert mail.outbox == []


def test_the_hygiene_page_offers_it(editor_client, workspace, form, waiting):
    waiting("dewi@example.org")
    page = editor_client.get(reverse("hygiene")).content.decode()
    assert "ask_again" in page
    assert "known=waiting:30" in page
