"""Actions on many people: whom they mean, what they change, how they end and are taken back."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.workspaces.workspace_urls import in_workspace
from subscribers.addresses import addresses
from subscribers.bulk import actions, runner
from subscribers.consent import ledger, lifecycle, suppression
from subscribers.directory.filters import PeopleFilters
from subscribers.models import (
    BulkAction,
    ConsentEvent,
    ListDay,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
    Tag,
    Tagging,
    TagTally,
)
from subscribers.people import people, tags
from subscribers.states import BulkKind, BulkStatus, ConsentKind, ConsentSource, SuppressionReason


def person(workspace, email, **profile):
    return people.add(
        workspace, address=addresses.normalise(email), profile=people.Profile(**profile)
    )[0]


def some(workspace, count):
    return [person(workspace, f"p{number}@example.org") for number in range(count)]


def tag(workspace, name="Fair"):
    return tags.find_or_create(workspace, [name])[0]


def act(workspace, kind, whom=actions.EVERYBODY, *, actor=None, **settings):
    action = actions.start(workspace, kind=kind, actor=actor, settings=settings, whom=whom)
    while runner.run(action.pk, seconds=0):
        pass
    action.refresh_from_db()
    return action


def undo(action):
    assert actions.undo(action)
    while runner.run(action.pk, seconds=0):
        pass
    action.refresh_from_db()


@pytest.fixture
def small_batches(monkeypatch):
    from subscribers.bulk import action_kinds

    for kind, step in action_kinds.STEPS.items():
        changed = action_kinds.ActionKind(
            apply=step.apply, undo=step.undo, batch=2, keeps_changes=step.keeps_changes
        )
        monkeypatch.setitem(action_kinds.STEPS, kind, changed)


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


def test_everybody_is_tagged_and_counted_batch_by_batch(workspace, small_batches):
    some(workspace, 5)
    fair = tag(workspace)
    action = act(workspace, BulkKind.ADD_TAG, tag=fair.pk)
    assert (action.status, action.total, action.done, action.changed) == ("done", 5, 5, 5)
    assert TagTally.objects.get(tag=fair).count == 5


def test_who_comes_later_is_not_meant(workspace):
    some(workspace, 1)
    fair = tag(workspace)
    action = actions.start(workspace, kind=BulkKind.ADD_TAG, actor=None, settings={"tag": fair.pk})
    late = person(workspace, "late@example.org")
    runner.run(action.pk)
    assert Tagging.objects.filter(subscriber=late).count() == 0
    assert Tagging.objects.count() == 1


def test_an_action_goes_on_where_a_killed_worker_stopped(workspace, small_batches):
    some(workspace, 5)
    fair = tag(workspace)
    action = actions.start(workspace, kind=BulkKind.ADD_TAG, actor=None, settings={"tag": fair.pk})
    runner.run(action.pk, seconds=0)  # its turn: counting
    runner.run(action.pk, seconds=0)  # and one batch
    action.refresh_from_db()
    assert (action.status, action.done) == ("running", 2)
    while runner.run(action.pk, seconds=0):
        pass
    action.refresh_from_db()
    assert (action.status, action.done, action.changed) == ("done", 5, 5)


def test_a_cancelled_action_stops_and_keeps_what_is_done(workspace, small_batches):
    some(workspace, 5)
    fair = tag(workspace)
    action = actions.start(workspace, kind=BulkKind.ADD_TAG, actor=None, settings={"tag": fair.pk})
    runner.run(action.pk, seconds=0)
    runner.run(action.pk, seconds=0)
    assert actions.cancel(action)
    assert runner.run(action.pk) is None
    assert Tagging.objects.count() == 2
    action.refresh_from_db()
    undo(action)
    assert Tagging.objects.count() == 0


def test_undoing_a_tag_leaves_those_who_had_it_before(workspace, small_batches):
    first, *_rest = some(workspace, 4)
    fair = tag(workspace)
    tags.attach(workspace, people=[first.pk], tags=[fair.pk])
    action = act(workspace, BulkKind.ADD_TAG, tag=fair.pk)
    assert action.changed == 3
    undo(action)
    assert list(Tagging.objects.values_list("subscriber_id", flat=True)) == [first.pk]
    assert action.status == BulkStatus.UNDONE


def test_adding_to_a_list_never_brings_back_who_has_left(workspace, weekly, owner):
    new, left, out, asked = some(workspace, 4)
    lifecycle.subscribe(left, mailing_list=weekly, source=ConsentSource.MANUAL)
    lifecycle.unsubscribe(left, lists=[weekly.pk], source=ConsentSource.PREFERENCES)
    lifecycle.unsubscribe_from_all(out, source=ConsentSource.PREFERENCES)
    lifecycle.ask(asked, mailing_list=weekly, source=ConsentSource.FORM)
    action = act(
        workspace, BulkKind.SUBSCRIBE, actor=owner, list=weekly.pk, detail="Signed at the stand"
    )
    status = dict(Subscription.objects.values_list("subscriber_id", "status"))
    assert status == {new.pk: "subscribed", left.pk: "unsubscribed", asked.pk: "subscribed"}
    assert action.changed == 2
    event = ConsentEvent.objects.filter(subscriber=new).get()
    assert (event.kind, event.source, event.actor, event.detail) == (
        "subscribed",
        "manual",
        owner,
        "Signed at the stand",
    )


def test_undoing_an_addition_gives_everybody_their_former_place(workspace, weekly):
    new, asked, acted = some(workspace, 3)
    lifecycle.ask(asked, mailing_list=weekly, source=ConsentSource.FORM)
    action = act(workspace, BulkKind.SUBSCRIBE, list=weekly.pk)
    lifecycle.unsubscribe(acted, lists=[weekly.pk], source=ConsentSource.ONE_CLICK)
    undo(action)
    status = dict(Subscription.objects.values_list("subscriber_id", "status"))
    assert status == {asked.pk: "unconfirmed", acted.pk: "unsubscribed"}
    assert ConsentEvent.objects.filter(subscriber=new).latest("id").kind == "taken_back"


def test_undoing_an_unsubscription_leaves_who_left_by_themselves(workspace, weekly):
    stays, gone = some(workspace, 2)
    for one in (stays, gone):
        lifecycle.subscribe(one, mailing_list=weekly, source=ConsentSource.MANUAL)
    lifecycle.unsubscribe(gone, lists=[weekly.pk], source=ConsentSource.ONE_CLICK)
    action = act(workspace, BulkKind.UNSUBSCRIBE, list=weekly.pk)
    assert action.changed == 1
    undo(action)
    status = dict(Subscription.objects.values_list("subscriber_id", "status"))
    assert status == {stays.pk: "subscribed", gone.pk: "unsubscribed"}


def test_undoing_a_suppression_releases_only_its_own(workspace):
    fresh, bounced = some(workspace, 2)
    suppression.suppress(workspace, email=bounced.email, reason=SuppressionReason.BOUNCED)
    action = act(workspace, BulkKind.SUPPRESS, detail="Sunset")
    assert action.changed == 1
    assert suppression.is_suppressed(workspace, email=fresh.email)
    undo(action)
    assert [row.email_key for row in Suppression.objects.all()] == [bounced.email]


@pytest.mark.parametrize(("kind", "suppressed"), [(BulkKind.DELETE, 0), (BulkKind.ERASE, 3)])
def test_deleting_and_erasing_take_everything_along(workspace, weekly, kind, suppressed):
    for one in some(workspace, 3):
        lifecycle.subscribe(one, mailing_list=weekly, source=ConsentSource.MANUAL)
    act(workspace, BulkKind.ADD_TAG, tag=tag(workspace).pk)
    action = act(workspace, kind)
    assert (action.changed, Subscriber.objects.count(), Tagging.objects.count()) == (3, 0, 0)
    assert Suppression.objects.filter(reason="erased").count() == suppressed
    assert not actions.may_undo(action)


def test_a_merged_tag_is_gone_and_its_people_have_the_other(workspace):
    first, second, _third = some(workspace, 3)
    old, new = tag(workspace, "Fair"), tag(workspace, "Trade fair")
    tags.attach(workspace, people=[first.pk, second.pk], tags=[old.pk])
    tags.attach(workspace, people=[second.pk], tags=[new.pk])
    act(
        workspace,
        BulkKind.MERGE_TAG,
        PeopleFilters(tag_id=old.pk),
        tag=old.pk,
        into=new.pk,
    )
    assert list(Tag.objects.all()) == [new]
    assert TagTally.objects.get().count == 2


def test_an_action_never_reaches_another_workspace(workspace, other_workspace):
    theirs = person(other_workspace, "theirs@example.org")
    mine = person(workspace, "mine@example.org")
    act(workspace, BulkKind.SUPPRESS, [theirs.pk, mine.pk])
    act(workspace, BulkKind.ADD_TAG, [theirs.pk], tag=tag(workspace).pk)
    assert [row.email_key for row in Suppression.objects.all()] == ["mine@example.org"]
    assert Tagging.objects.count() == 0


def test_people_are_narrowed_by_tag_field_flag_and_day(workspace):
    from subscribers.directory import directory
    from subscribers.models import CustomField
    from subscribers.states import AddressFlag

    CustomField.objects.create(workspace=workspace, key="city", label="City")
    CustomField.objects.create(workspace=workspace, key="orders", label="Orders", type="number")
    dewi = person(workspace, "dewi@example.org", fields={"city": "Bandung", "orders": 3})
    person(workspace, "budi@example.org", fields={"city": "Bogor", "orders": 30})
    Subscriber.objects.filter(pk=dewi.pk).update(address_flags=AddressFlag.TYPO | AddressFlag.ROLE)
    fair = tag(workspace)
    tags.attach(workspace, people=[dewi.pk], tags=[fair.pk])
    today = timezone.localdate().isoformat()
    for given in (
        {"tag": fair.pk},
        {"field": "city", "value": "bandung"},
        {"field": "orders", "value": "3"},
        {"flag": 4},
        {"tag": fair.pk, "field": "city", "added_from": "2020-01-01", "q": "dewi"},
    ):
        filters = PeopleFilters.read(given)
        assert [p.pk for p in directory.matching(workspace, filters)] == [dewi.pk], given
        assert PeopleFilters.read(filters.stored()) == filters
    assert not directory.matching(workspace, PeopleFilters.read({"added_until": "2020-01-01"}))
    assert directory.matching(workspace, PeopleFilters.read({"added_from": today[:4] + "-01-01"}))


def test_a_bulk_deletion_asks_first_and_an_analyst_may_nothing(
    editor_client, analyst_client, workspace
):
    one, _two = some(workspace, 2)
    data = {"whom": "ticked", "people": [one.pk], "action": "delete", "filters": ""}
    assert analyst_client.post(reverse("subscriber_bulk"), data).status_code == 403
    page = editor_client.post(reverse("subscriber_bulk"), data).content.decode()
    assert "can't be undone" in page.replace("&#39;", "'")
    assert "nothing says that the person had unsubscribed" in page
    assert "Suppress them instead" in page
    assert Subscriber.objects.count() == 2
    editor_client.post(reverse("subscriber_bulk"), {**data, "confirmed": "1"})
    assert Subscriber.objects.count() == 1


def test_adding_people_asks_how_they_agreed(editor_client, workspace, weekly):
    some(workspace, 2)
    data = {"whom": "matching", "action": "subscribe", "list": weekly.pk, "confirmed": "1"}
    page = editor_client.post(reverse("subscriber_bulk"), data).content.decode()
    assert "Say how they agreed" in page
    assert not BulkAction.objects.exists()
    answer = editor_client.post(reverse("subscriber_bulk"), {**data, "detail": "Signed a list"})
    action = BulkAction.objects.get()
    assert answer["Location"] == in_workspace(action.workspace, "bulk_page", action.pk)
    assert editor_client.get(answer["Location"]).status_code == 200
    runner.run(action.pk)
    assert Subscription.objects.filter(status="subscribed").count() == 2
    page = editor_client.get(answer["Location"]).content.decode()
    assert "Undo" in page


def test_chosen_columns_are_remembered_for_the_member_alone(
    editor_client, analyst_client, workspace
):
    from subscribers.models import CustomField

    CustomField.objects.create(workspace=workspace, key="city", label="City")
    person(workspace, "dewi@example.org", fields={"city": "Bandung"})
    editor_client.post(reverse("subscriber_columns"), {"columns": ["field:city", "evil"]})
    assert "Bandung" in editor_client.get(reverse("subscriber_list")).content.decode()
    assert "Bandung" not in analyst_client.get(reverse("subscriber_list")).content.decode()


def test_the_state_at_the_top_follows_a_running_action(editor_client, workspace):
    some(workspace, 1)
    action = act(workspace, BulkKind.ADD_TAG, tag=tag(workspace).pk)
    address = reverse("bulk_page", args=[action.pk])
    assert editor_client.get(address).content.decode().count('id="bulk-state"') == 1
    part = editor_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert 'id="bulk-state" hx-swap-oob="true"' in part


def test_adding_to_a_list_brings_nobody_back_who_left_and_was_asked_since(workspace, weekly):
    gone = person(workspace, "gone@example.org")
    lifecycle.subscribe(gone, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(gone, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    lifecycle.ask(gone, mailing_list=weekly, source=ConsentSource.FORM)  # a stranger's sign-up
    assert act(workspace, BulkKind.SUBSCRIBE, list=weekly.pk).changed == 0
    assert Subscription.objects.get().status == "unconfirmed"


@pytest.mark.parametrize("everything", [True, False])
def test_undoing_an_unsubscription_brings_nobody_back_who_left_by_themselves_meanwhile(
    workspace, weekly, everything
):
    gone, stays = some(workspace, 2)
    for one in (gone, stays):
        lifecycle.subscribe(one, mailing_list=weekly, source=ConsentSource.FORM)
    action = act(workspace, BulkKind.UNSUBSCRIBE, list=weekly.pk)
    if everything:
        lifecycle.unsubscribe_from_all(gone, source=ConsentSource.UNSUBSCRIBE_PAGE)
    else:  # as the ledger has it where a click found the list left already
        evidence = {"source": ConsentSource.ONE_CLICK}
        ledger.record(gone, kind=ConsentKind.UNSUBSCRIBED, lists=[weekly.pk], evidence=evidence)
    undo(action)
    status = dict(Subscription.objects.values_list("subscriber_id", "status"))
    assert status == {gone.pk: "unsubscribed", stays.pk: "subscribed"}


@pytest.mark.parametrize(
    "query",
    [
        "segment=7xx",
        "list=0",
        "status=leftt",
        "list=99999999999999999999",
        "flag=3000",
        "added_until=9999-12-31",
        "added_from=0001-01-01",
        "known=nothing",
        "q=" + "a" * 201,
    ],
)
def test_filters_that_make_no_sense_mean_nobody(editor_client, workspace, query):
    some(workspace, 3)
    values = {"whom": "matching", "filters": query, "action": "delete", "confirmed": "1"}
    answer = editor_client.post(reverse("subscriber_bulk"), values, follow=True)
    assert "can&#39;t be read" in answer.content.decode()
    assert not BulkAction.objects.exists()
    listed = editor_client.get(reverse("subscriber_list") + "?" + query).content.decode()
    assert "can&#39;t be read" in listed
    assert "p1@example.org" not in listed
    for name in ("subscriber_export_all", "subscriber_download"):
        assert editor_client.get(reverse(name) + "?" + query).status_code == 400


def test_a_stored_action_whose_filters_make_no_sense_reaches_nobody(workspace):
    some(workspace, 3)
    whom = PeopleFilters.read({"segment": "7xx"})
    assert act(workspace, BulkKind.DELETE, whom).changed == 0


def test_who_is_to_be_deleted_can_be_suppressed_instead(editor_client, workspace):
    one, _two = some(workspace, 2)
    data = {"whom": "ticked", "people": [one.pk], "filters": "", "confirmed": "1"}
    editor_client.post(reverse("subscriber_bulk"), {**data, "action": ["delete", "suppress"]})
    assert Subscriber.objects.count() == 2
    assert suppression.is_suppressed(workspace, email=one.email)


def test_undo_brings_nobody_back_who_has_left_by_themselves_since(workspace, weekly):
    gone = person(workspace, "gone@example.org")
    lifecycle.subscribe(gone, mailing_list=weekly, source=ConsentSource.FORM)
    action = act(workspace, BulkKind.UNSUBSCRIBE, list=weekly.pk)
    lifecycle.unsubscribe(gone, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    undo(action)
    assert Subscription.objects.get().status == "unsubscribed"


def test_undo_takes_nobody_off_who_has_signed_up_by_themselves_since(workspace, weekly):
    there = person(workspace, "there@example.org")
    action = act(workspace, BulkKind.SUBSCRIBE, list=weekly.pk)
    lifecycle.join(there, mailing_list=weekly, source=ConsentSource.FORM)
    undo(action)
    assert Subscription.objects.get().status == "subscribed"


def test_undoing_a_suppression_leaves_the_wish_of_the_person(workspace):
    gone, other = some(workspace, 2)
    action = act(workspace, BulkKind.SUPPRESS)
    lifecycle.unsubscribe_from_all(gone, source=ConsentSource.UNSUBSCRIBE_PAGE)
    undo(action)
    assert suppression.is_out(gone)
    assert not suppression.is_suppressed(workspace, email=other.email)
    lifecycle.return_to_mail(gone, source=ConsentSource.PREFERENCES)
    assert not suppression.is_suppressed(workspace, email=gone.email)


def test_undoing_a_subscription_is_no_leaving(workspace, weekly):
    new = person(workspace, "new@example.org")
    undo(act(workspace, BulkKind.SUBSCRIBE, list=weekly.pk))
    assert not Subscription.objects.exists()
    assert list(ListDay.objects.values_list("joined", "left")) == [(0, 0)]
    lifecycle.ask(new, mailing_list=weekly, source=ConsentSource.FORM)
    assert lifecycle.subscribe(new, mailing_list=weekly, source=ConsentSource.MANUAL)
