"""The REST API: keys, scopes, and the same truths as the pages."""

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from accounts.models import ApiKey
from accounts.roles import Role
from accounts.team import api_keys
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery import tasks
from delivery.models import MessageTally, SendingAccount
from delivery.states import MessageState
from subscribers.consent import lifecycle
from subscribers.models import ConsentEvent, MailingList, Subscriber, Subscription
from subscribers.privacy import erasure
from subscribers.states import ConsentSource
from tests.campaigns.makers import make_campaign, make_reader


@pytest.fixture
def program(cast):
    key = api_keys.create(cast.workspace, name="Web shop", role=Role.EDITOR, by=cast.owner)
    return Client(headers={"authorization": f"Bearer {key}"})


@pytest.fixture
def weekly(cast):
    return MailingList.objects.create(workspace=cast.workspace, name="Weekly")


def add(program, weekly, **person):
    return program.put(
        f"/api/v1/lists/{weekly.pk}/subscribers", person, content_type="application/json"
    )


def test_without_a_working_key_there_is_no_answer(client, cast, program):
    assert client.get("/api/v1/campaigns").status_code == 401
    assert program.get("/api/v1/campaigns").status_code == 200
    assert api_keys.revoke(cast.workspace, key_id=ApiKey.objects.get().pk) is True
    assert program.get("/api/v1/campaigns").status_code == 401


def test_the_key_is_not_stored(cast):
    key = api_keys.create(cast.workspace, name="Web shop", role=Role.EDITOR, by=cast.owner)
    assert key not in str(ApiKey.objects.values().get())


def test_a_key_of_an_analyst_only_reads(cast, weekly):
    key = api_keys.create(cast.workspace, name="Board", role=Role.ANALYST, by=cast.owner)
    reader = Client(headers={"authorization": f"Bearer {key}"})
    assert reader.get("/api/v1/lists").status_code == 200
    assert add(reader, weekly, email="dewi@example.org").status_code == 403
    assert Subscriber.objects.count() == 0


def test_another_workspaces_rows_are_not_found(program, cast):
    theirs = Campaign.objects.create(workspace=cast.other_workspace, name="Theirs")
    their_list = MailingList.objects.create(workspace=cast.other_workspace, name="Theirs")
    assert program.get(f"/api/v1/campaigns/{theirs.pk}").status_code == 404
    assert program.post(f"/api/v1/campaigns/{theirs.pk}/pause").status_code == 404
    assert add(program, their_list, email="dewi@example.org").status_code == 404


def test_states_add_up_to_the_audience(program, cast):
    campaign = Campaign.objects.create(
        workspace=cast.workspace, name="News", status=CampaignStatus.CANCELLED
    )
    for state, count in ((MessageState.SENT, 7), (MessageState.CANCELLED, 5)):
        MessageTally.objects.create(campaign=campaign, domain_group=0, state=state, count=count)
    answer = program.get(f"/api/v1/campaigns/{campaign.pk}").json()
    assert answer["audience"] == 12 == sum(answer["states"].values())
    assert answer["states"]["sent"] == 7
    assert answer["explanation"]


def test_what_was_done_is_answered_while_the_broker_is_away(
    program, cast, monkeypatch, django_capture_on_commit_callbacks
):
    def away(*_args, **_kwargs):
        raise OperationalError("The broker does not answer.")

    monkeypatch.setattr(tasks.start_due_campaigns, "apply_async", away)
    campaign = make_campaign(cast.workspace, status=CampaignStatus.SENDING)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        answer = program.post(f"/api/v1/campaigns/{campaign.pk}/pause")
    assert len(callbacks) == 1
    assert answer.status_code == 200
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED


def test_an_action_that_does_not_fit_is_refused(program, cast):
    campaign = Campaign.objects.create(workspace=cast.workspace, name="News")
    assert program.post(f"/api/v1/campaigns/{campaign.pk}/pause").status_code == 409
    assert program.post(f"/api/v1/campaigns/{campaign.pk}/explode").status_code == 404


def test_double_opt_in_leaves_people_unconfirmed(program, weekly):
    assert add(program, weekly, email="Dewi@Example.org").status_code == 200
    assert Subscription.objects.get().status == "unconfirmed"
    assert ConsentEvent.objects.get().source == "api"


def test_a_program_never_undoes_an_unsubscription(program, weekly):
    add(program, weekly, email="dewi@example.org", confirmed=True)
    assert Subscription.objects.get().status == "subscribed"
    program.post(f"/api/v1/lists/{weekly.pk}/unsubscribe?email=dewi@example.org")
    assert Subscription.objects.get().status == "unsubscribed"
    add(program, weekly, email="dewi@example.org", confirmed=True)
    assert Subscription.objects.get().status == "unsubscribed"


def test_a_bad_address_is_named(program, weekly):
    answer = add(program, weekly, email="dewi(at)example.org")
    assert answer.status_code == 422
    assert "No @ in the address" in answer.json()["detail"]


def test_who_is_out_of_everything_is_put_on_no_list(program, cast, weekly):
    add(program, weekly, email="dewi@example.org", confirmed=True)
    dewi = Subscriber.objects.get()
    lifecycle.unsubscribe_from_all(dewi, source=ConsentSource.PREFERENCES)
    daily = MailingList.objects.create(workspace=cast.workspace, name="Daily")
    answer = add(program, daily, email="dewi@example.org", confirmed=True).json()
    assert answer["suppressed"] is True
    assert answer["subscriptions"] == [{"list": weekly.pk, "status": "unsubscribed"}]


def test_what_does_not_fit_is_refused_with_its_field(program, weekly):
    for field, value in (
        ("first_name", "D" * 101),
        ("last_name", "A" * 101),
        ("language", "l" * 500),
        ("language", "xx"),
        ("email", "d" * 400),
    ):
        answer = add(program, weekly, **{"email": "dewi@example.org", field: value})
        assert (answer.status_code, field in answer.content.decode()) == (422, True)
    assert not Subscriber.objects.exists()


def test_names_become_one_line(program, weekly):
    answer = add(program, weekly, email="dewi@example.org", first_name="De\twi\r\nBcc: x")
    assert (answer.status_code, answer.json()["first_name"]) == (200, "De wi Bcc: x")


def test_fields_and_tags_travel_with_a_person(program, cast, weekly):
    from subscribers.models import CustomField

    CustomField.objects.create(workspace=cast.workspace, key="orders", label="O", type="number")
    answer = add(program, weekly, email="dewi@example.org", fields={"orders": 3}, tags=["Fair"])
    assert (answer.json()["fields"], answer.json()["tags"]) == ({"orders": 3}, ["Fair"])
    wrong = add(program, weekly, email="dewi@example.org", fields={"orders": "many"})
    assert wrong.status_code == 422
    assert "fields.orders" in wrong.json()["detail"]
    assert add(program, weekly, email="x@example.org", fields={"nope": 1}).status_code == 422
    changed = program.patch(
        "/api/v1/subscribers/dewi@example.org",
        {"fields": {"orders": None}, "add_tags": ["New"], "remove_tags": ["fair"]},
        content_type="application/json",
    ).json()
    assert (changed["fields"], changed["tags"]) == ({}, ["New"])
    assert program.get("/api/v1/tags").json()[1]["people"] == 1
    assert program.get("/api/v1/fields").json()[0]["key"] == "orders"


def test_a_program_must_give_required_values_and_no_taken_ones(program, cast, weekly):
    from subscribers.bulk import field_changes
    from subscribers.models import CustomField

    number = CustomField.objects.create(workspace=cast.workspace, key="number", label="N")
    field_changes.set_options(
        number,
        field_changes.Options(
            label="N",
            description="",
            is_required=True,
            is_unique=True,
            show_in_forms=True,
            show_in_preferences="hidden",
        ),
    )
    assert add(program, weekly, email="a@example.org").status_code == 422
    assert add(program, weekly, email="a@example.org", fields={"number": "7"}).status_code == 200
    clash = add(program, weekly, email="b@example.org", fields={"number": "7"})
    assert clash.status_code == 422
    assert Subscriber.objects.count() == 1


def test_an_erased_person_is_not_entered_again(program, cast, weekly):
    add(program, weekly, email="dewi@example.org")
    erasure.erase(cast.workspace, subscriber_id=Subscriber.objects.get().pk)
    answer = add(program, weekly, email="Dewi@example.org")
    assert answer.status_code == 409
    assert "erased" in answer.json()["detail"]
    assert not Subscriber.objects.exists()


def test_a_draft_is_sent_when_nothing_is_in_the_way(cast, program, weekly, redis_client):
    SendingAccount.objects.create(workspace=cast.workspace, name="Provider", kind="smtp")
    make_reader(cast.workspace, weekly, "dewi@example.org")
    campaign = make_campaign(cast.workspace, weekly, subject=" ")
    address = f"/api/v1/campaigns/{campaign.pk}/send"

    def send(**wanted):
        return program.post(address, wanted, content_type="application/json")

    answer = send()
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["findings"]] == ["no_subject"]
    assert send(force=["no_preheader"]).status_code == 422
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.DRAFT
    assert send(at="2001-01-01T00:00:00Z", force=["no_subject"]).status_code == 422
    assert send(at="2001-01-01T00:00:00", force=["no_subject"]).status_code == 422
    answer = send(force=["no_subject"])
    assert (answer.status_code, answer.json()["status"]) == (200, "scheduled")
    assert send().status_code == 409


def test_who_carries_a_campaign_is_said_and_that_the_sandbox_reaches_nobody(program, cast, weekly):
    make_reader(cast.workspace, weekly, "dewi@example.org")
    campaign = make_campaign(cast.workspace, weekly)
    where = f"/api/v1/campaigns/{campaign.pk}"
    assert program.get(where).json()["account"] == ""
    SendingAccount.objects.create(workspace=cast.workspace, name="Sandbox", kind="sandbox")
    SendingAccount.objects.create(
        workspace=cast.workspace, name="Provider", kind="smtp", from_domains=["tehpagi.example"]
    )
    for answer in (
        program.get(where),
        program.post(f"{where}/send", content_type="application/json", data={}),
    ):
        found = answer.json()
        assert answer.status_code == 200
        assert found["account"] == "Sandbox"
        [warning] = found["account_warnings"]
        assert warning["code"] == "sandbox"
        assert "not to real people" in warning["text"]
        assert "Choose “Provider” as its sending account" in warning["note"]
    Campaign.objects.filter(pk=campaign.pk).update(status=CampaignStatus.SENT)
    assert program.get(where).json()["account"] == ""


@pytest.mark.parametrize(
    ("at", "sent_at"),
    [
        ("2031-10-26T02:30:00+02:00", "2031-10-26T00:30:00Z"),
        ("2031-10-26T02:30:00+01:00", "2031-10-26T01:30:00Z"),
        ("2031-10-26T02:30:00", None),
        ("2031-03-30T02:30:00", None),
    ],
)
def test_a_time_to_send_at_says_its_offset_so_that_it_is_one_moment(
    program, cast, weekly, at, sent_at
):
    SendingAccount.objects.create(workspace=cast.workspace, name="Provider", kind="smtp")
    make_reader(cast.workspace, weekly, "dewi@example.org")
    campaign = make_campaign(cast.workspace, weekly)
    answer = program.post(
        f"/api/v1/campaigns/{campaign.pk}/send", {"at": at}, content_type="application/json"
    )
    assert answer.status_code == (200 if sent_at else 422)
    campaign.refresh_from_db()
    if sent_at:
        assert answer.json()["send_at"] == sent_at
    else:
        assert "timezone" in str(answer.json())
        assert campaign.status == CampaignStatus.DRAFT
