"""The brake, what it holds, and who decides."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.background import waking
from accounts.installation import hold, watch
from accounts.models import Installation, SetAside, SystemMail
from subscribers import tasks
from subscribers.models import MailingList, SignupBrake, SignupRequest, SignupTally, Subscriber
from subscribers.signup import brake, figures, intake
from tests.subscribers.signup.signing import CONFIRM, make_form, proven, send, statuses


def mailed(form, mails, confirmed, *, hours_ago=0):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    SignupTally.objects.create(form=form, hour=hour, mailed=mails, confirmed=confirmed)


@pytest.mark.parametrize(
    ("mails", "confirmed", "is_pulled"),
    [(48, 0, False), (49, 0, True), (99, 14, True), (99, 15, False), (400, 200, False)],
)
def test_the_brake_is_pulled_when_hardly_anybody_confirms(form, mails, confirmed, is_pulled):
    mailed(form, mails, confirmed)
    send(form)
    assert (brake.pulled(form.workspace_id) is not None) == is_pulled


def test_what_was_long_ago_pulls_no_brake(form):
    mailed(form, 500, 0, hours_ago=8)
    send(form)
    assert brake.pulled(form.workspace_id) is None


def test_a_pulled_brake_holds_sign_ups_without_proof_and_no_others(client, form):
    mailed(form, 100, 0)
    send(form, "victim0@example.org")
    mail.outbox.clear()
    held, proved = send(form), send(form, "budi@example.org", proof=proven(form))
    assert (held.status_code, held["Location"]) == (proved.status_code, proved["Location"])
    assert [one.to for one in mail.outbox] == [["budi@example.org"]]
    assert not Subscriber.objects.filter(email="ana@example.org").exists()
    row = SignupRequest.objects.get()
    assert (row.email, row.held_for) == ("ana@example.org", "unanswered")


def test_it_holds_for_this_workspace_alone(form, other_workspace):
    mailed(form, 100, 0)
    send(form)
    other = make_form(
        other_workspace, MailingList.objects.create(workspace=other_workspace, name="Teh")
    )
    send(other, "dewi@example.org")
    assert statuses("dewi@example.org") == {"Teh": "unconfirmed"}


def test_members_are_told_once_and_the_brake_releases_itself(form):
    mailed(form, 100, 0)
    for number in range(3):
        send(form, f"victim{number}@example.org", proof=proven(form))
    news = [one for one in mail.outbox if "held" in one.subject]
    assert {one.to[0] for one in news} == {"sari@kopisenja.example", "made@kopisenja.example"}
    assert len(news) == 2
    SignupBrake.objects.update(until=timezone.now() - timedelta(seconds=1))
    SignupTally.objects.all().delete()
    assert brake.pulled(form.workspace_id) is None
    send(form, "later@example.org")
    assert statuses("later@example.org") == {"Weekly": "unconfirmed"}


def test_a_strict_form_always_holds_what_has_no_proof(form):
    form.protection = "strict"
    form.save()
    send(form)
    assert SignupRequest.objects.get().held_for == "strict"
    send(form, "budi@example.org", proof=proven(form))
    assert statuses("budi@example.org") == {"Weekly": "unconfirmed"}


@pytest.fixture
def held(form):
    form.protection = "strict"
    form.save()
    for name in ("ana", "budi", "citra"):
        send(form, f"{name}@example.org", first_name="=cmd|'/C calc'!A0<script>alert(1)</script>")
    return list(SignupRequest.objects.order_by("pk"))


def test_members_take_in_and_forget(editor_client, held):
    page = editor_client.get("/forms/held/")
    assert "ana@example.org" in page.text
    assert "<script>alert" not in page.text
    answer = editor_client.post("/forms/held/", {"do": "approve", "request": [held[0].pk]})
    assert answer.status_code == 302
    assert statuses("ana@example.org") == {"Weekly": "unconfirmed"}
    assert [one.to for one in mail.outbox] == [["ana@example.org"]]
    editor_client.post("/forms/held/", {"do": "reject", "request": [held[1].pk, held[2].pk]})
    assert not SignupRequest.objects.exists()
    assert len(mail.outbox) == 1
    assert Subscriber.objects.count() == 1


def test_strangers_and_analysts_decide_nothing(outsider_client, analyst_client, held):
    data = {"do": "approve", "request": [one.pk for one in held]}
    outsider_client.post("/forms/held/", data)
    assert analyst_client.post("/forms/held/", data).status_code == 403
    assert Client().post("/forms/held/", data).status_code == 302
    assert SignupRequest.objects.count() == 3


def test_what_is_held_is_forgotten_in_time(held):
    SignupRequest.objects.filter(pk=held[0].pk).update(
        created_at=timezone.now() - intake.KEPT - timedelta(minutes=1)
    )
    assert intake.forget_old() == 1
    assert SignupRequest.objects.count() == 2


def test_the_page_asks_the_same_for_one_row_and_for_three(
    editor_client, held, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as three:
        editor_client.get("/forms/held/")
    SignupRequest.objects.exclude(pk=held[0].pk).delete()
    with django_assert_num_queries(len(three)):
        editor_client.get("/forms/held/")


def test_a_lost_task_is_taken_up_and_twice_is_once(form, monkeypatch):
    from subscribers.tasks import take_signup

    with monkeypatch.context() as patch:
        patch.setattr(waking, "wake", lambda *_: None)
        send(form)
    assert statuses("ana@example.org") == {}
    assert intake.overdue() == []
    SignupRequest.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    (request_id,) = intake.overdue()
    take_signup(request_id)
    take_signup(request_id)
    assert statuses("ana@example.org") == {"Weekly": "unconfirmed"}
    assert len(mail.outbox) == 1


def test_conversions_are_counted(client, workspace, form):
    for _look in range(3):
        client.get(f"/s/{form.public_id}/")
    client.get(f"/s/{form.public_id}/?preview=1")
    client.head(f"/s/{form.public_id}/")
    send(form)
    send(form, "budi@example.org")
    link = mail.outbox[0].body.split("/confirm/")[1].split("/")[0]
    client.post(f"/confirm/{link}/", CONFIRM)
    client.post(f"/confirm/{link}/", CONFIRM)
    figures.copy_views()
    figures.copy_views()
    found = figures.of_forms(workspace)[form.pk]
    assert (found.seen, found.submitted, found.mailed, found.confirmed) == (3, 2, 2, 1)


def test_an_erased_person_is_not_kept_among_the_held(workspace, held):
    from subscribers.addresses import addresses
    from subscribers.people import people
    from subscribers.privacy import erasure

    person, _ = people.add(workspace, address=addresses.normalise("ANA@example.org"))
    erasure.erase(workspace, subscriber_id=person.pk)
    assert not SignupRequest.objects.filter(email="ana@example.org").exists()
    assert SignupRequest.objects.count() == 2


def test_a_sign_up_whose_task_was_lost_is_taken_once(form, monkeypatch):
    """Redis was flushed after the page had said to look into the inbox."""
    from subscribers.tasks import take_signup

    with monkeypatch.context() as patch:
        patch.setattr(waking, "wake", lambda *_: None)
        send(form)
    request_id = SignupRequest.objects.get().pk
    SignupRequest.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert intake.overdue() == [request_id]
    take_signup(request_id)
    take_signup(request_id)
    assert len(mail.outbox) == 1
    assert not SignupRequest.objects.exists()


def test_a_sign_up_that_cannot_be_taken_is_held_for_a_member(form, monkeypatch, owner_client):
    """One bad row: it is set aside where a person sees it, and the others go on."""
    from subscribers.signup import signup

    def poisoned(*_args: object, **_kwargs: object) -> None:
        raise ValueError("ana@example.org is no good")

    with monkeypatch.context() as patch:
        patch.setattr(signup, "take", poisoned)
        send(form)
    row = SignupRequest.objects.get()
    assert row.held_for == SignupRequest.HeldFor.FAILED
    assert "ana@example.org" in owner_client.get(reverse("signup_held")).content.decode()
    (noted,) = SetAside.objects.all()
    assert (noted.kind, noted.subject) == ("sign-up", f"sign-up {row.pk}")
    assert noted.reason == "ValueError: … is no good"
    send(form, "budi@example.org")
    assert statuses("budi@example.org") == {"Weekly": "unconfirmed"}


def test_the_mail_of_a_sign_up_of_before_a_restore_waits_for_a_person(form, monkeypatch):
    assert watch.may_send()
    with monkeypatch.context() as patch:
        patch.setattr(waking, "wake", lambda *_: None)  # its task is lost
        send(form)
    waiting = SignupRequest.objects.get()
    hold.begin(Installation.Because.RESTORED)
    tasks.take_signup(waiting.pk)
    send(form, "budi@example.org")
    assert [one.to for one in mail.outbox] == [["budi@example.org"]]
    assert (
        SystemMail.objects.get(state="kept").person
        == Subscriber.objects.get(email="ana@example.org").pk
    )
