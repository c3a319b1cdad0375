"""People who may be one person: found by mailbox and name, merged by a member with consent kept."""

import pytest
from django.urls import reverse

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.models import (
    ConsentEvent,
    DuplicateGroup,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
)
from subscribers.people import duplicates, merging, people, tags
from subscribers.people.merging import Pair
from subscribers.states import ConsentSource, SuppressionReason


def person(workspace, email, **profile):
    return people.add(
        workspace, address=addresses.normalise(email), profile=people.Profile(**profile)
    )[0]


@pytest.fixture
def pair(workspace):
    return (
        person(workspace, "anna.lim@gmail.com", first_name="Anna", fields={"city": "Bogor"}),
        person(workspace, "annalim+shop@gmail.com", last_name="Lim", fields={"city": "Solo"}),
    )


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


def _tag(one, *names):
    wanted = [tag.pk for tag in tags.find_or_create(one.workspace, names)]
    tags.attach(one.workspace, people=[one.pk], tags=wanted)


def merge(keep, away, *theirs, actor=None):
    return merging.merge(Pair(keep=keep, away=away, theirs=frozenset(theirs)), actor=actor)


def test_dots_plus_tags_and_googlemail_lead_to_one_mailbox(workspace, pair):
    third = person(workspace, "a.n.n.a.lim@googlemail.com")
    person(workspace, "anna.lim@example.org")
    person(workspace, "annalim@example.org")  # dots mean something elsewhere
    assert duplicates.search(workspace) == 1
    group = DuplicateGroup.objects.get()
    assert (group.kind, group.shared) == ("address", "annalim@gmail.com")
    assert group.people == [pair[0].pk, pair[1].pk, third.pk]


def test_the_database_and_python_agree_on_mailboxes(workspace):
    for email in ("+x@example.org", "a+b+c@example.org", "A.b+c@GMAIL.com", "x@googlemail.com"):
        person(workspace, email)
        person(workspace, f"{email.partition('@')[0]}+again@{email.partition('@')[2]}")
    duplicates.search(workspace)
    groups, _more = duplicates.page(workspace)
    assert groups
    for row in groups:
        assert {duplicates.mailbox(one.email_key) for one in row.people} == {row.group.shared}


def test_one_name_is_a_hint_at_a_company_only(workspace):
    for domain in ("kantor.example", "gmail.com"):
        for number in range(2):
            person(workspace, f"b{number}@{domain}", first_name="Budi", last_name="Santoso")
    duplicates.search(workspace)
    assert [g.shared for g in DuplicateGroup.objects.all()] == ["budi santoso @ kantor.example"]


def test_people_told_apart_are_not_shown_until_somebody_joins(workspace, pair):
    duplicates.search(workspace)
    duplicates.tell_apart(workspace, group_id=DuplicateGroup.objects.get().pk)
    assert duplicates.search(workspace) == 0
    person(workspace, "annalim@gmail.com")
    assert duplicates.search(workspace) == 1


def test_values_are_chosen_field_by_field_and_empty_ones_filled(pair):
    keep = merge(*pair, "field:city")
    keep.refresh_from_db()
    assert (keep.first_name, keep.last_name, keep.fields) == ("Anna", "Lim", {"city": "Solo"})
    assert Subscriber.objects.count() == 1


def test_who_left_has_left(pair, weekly):
    keep, away = pair
    lifecycle.subscribe(keep, mailing_list=weekly, source=ConsentSource.MANUAL)
    lifecycle.subscribe(away, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(away, lists=[weekly.pk], source=ConsentSource.ONE_CLICK)
    merge(keep, away)
    assert Subscription.objects.get().status == "unsubscribed"
    assert ConsentEvent.objects.filter(subscriber=keep).count() == 4  # theirs, and the merger


def test_a_later_own_act_outweighs_leaving(pair, weekly):
    keep, away = pair
    lifecycle.subscribe(keep, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(keep, lists=[weekly.pk], source=ConsentSource.ONE_CLICK)
    lifecycle.ask(away, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.confirm(away, mailing_list=weekly, source=ConsentSource.FORM)
    merge(keep, away)
    assert Subscription.objects.get().status == "subscribed"


def test_another_mailbox_must_confirm_what_the_first_agreed_to(workspace, weekly):
    keep, away = person(workspace, "a@example.org"), person(workspace, "b@example.org")
    lifecycle.subscribe(away, mailing_list=weekly, source=ConsentSource.FORM)
    merge(keep, away)
    assert Subscription.objects.get().status == "unconfirmed"


def test_the_ledger_allows_nothing_but_the_merger(pair, weekly):
    from django.db import IntegrityError, connection, transaction

    keep, away = pair
    lifecycle.subscribe(away, mailing_list=weekly, source=ConsentSource.FORM)
    for change in ({"subscriber_id": keep.pk}, {"detail": "changed"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ConsentEvent.objects.update(**change)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('warta.merging', 'on', true)")
        with pytest.raises(IntegrityError), transaction.atomic():
            ConsentEvent.objects.update(subscriber_id=keep.pk, detail="changed")
        cursor.execute("SELECT set_config('warta.merging', '', true)")


def test_a_wish_not_to_get_mail_holds_for_the_address_that_stays(workspace, pair):
    keep, away = pair
    lifecycle.unsubscribe_from_all(away, source=ConsentSource.ONE_CLICK)
    merge(keep, away)
    assert suppression.is_suppressed(workspace, email=keep.email)
    assert suppression.is_suppressed(workspace, email=away.email)


def test_a_bounce_stays_with_its_address(workspace):
    keep, away = person(workspace, "a@example.org"), person(workspace, "b@example.org")
    suppression.suppress(workspace, email=away.email, reason=SuppressionReason.BOUNCED)
    merge(keep, away)
    assert [row.email_key for row in Suppression.objects.all()] == ["b@example.org"]


def test_tags_add_up_and_old_keys_lead_to_the_person(workspace, pair):
    keep, away = pair
    _tag(keep, "Fair")
    _tag(away, "fair", "Wholesale")
    third = person(workspace, "annalim@gmail.com")
    merge(away, third)
    merge(keep, away)
    names = sorted(t.tag.name for t in keep.taggings.select_related("tag"))
    assert names == ["Fair", "Wholesale"]
    assert merging.successor(workspace.pk, third.pk) == keep
    assert sorted(merging.keys_of(keep)) == sorted([keep.pk, away.pk, third.pk])


def test_letters_move_where_a_campaign_wrote_once(workspace, pair):
    from campaigns.models import Campaign
    from delivery.models import Event, Message
    from delivery.states import EventKind

    keep, away = pair
    both, one = (Campaign.objects.create(workspace=workspace, name=name) for name in "ab")
    Message.objects.create(campaign=both, subscriber=keep)
    stays = Message.objects.create(campaign=both, subscriber=away)
    moved = Message.objects.create(campaign=one, subscriber=away)
    Event.objects.create(campaign=one, message=moved, subscriber=away, kind=EventKind.OPENED)
    merge(keep, away)
    moved.refresh_from_db()
    stays.refresh_from_db()
    assert (moved.subscriber_id, stays.subscriber_id) == (keep.pk, away.pk)
    assert Event.objects.get().subscriber_id == keep.pk


def test_an_old_letters_unsubscribe_link_works_for_the_person(workspace, pair):
    from campaigns.models import Campaign
    from delivery.mime import tokens
    from delivery.models import Message
    from delivery.public import message_link

    keep, away = pair
    campaign = Campaign.objects.create(workspace=workspace, name="a")
    Message.objects.create(campaign=campaign, subscriber=keep)
    letter = Message.objects.create(campaign=campaign, subscriber=away)
    merge(keep, away)
    token = tokens.make(letter.pk, tokens.Purpose.UNSUBSCRIBE)
    assert message_link.find(token, tokens.Purpose.UNSUBSCRIBE).person == keep


def test_the_merge_page_asks_and_says_that_it_is_for_good(editor_client, pair):
    keep, away = pair
    address = reverse("subscriber_merge", args=[keep.pk])
    page = editor_client.get(address, {"with": away.pk}).content.decode()
    assert "Bogor" in page
    assert "Solo" in page
    assert "be undone" in page
    assert Subscriber.objects.count() == 2
    editor_client.post(address, {"with": away.pk, "take-field:city": "theirs"})
    assert Subscriber.objects.get().fields == {"city": "Solo"}


def test_the_page_of_duplicates_costs_the_same_however_many(editor_client, workspace):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for number in (1, 3):
        for each in range(number):
            person(workspace, f"x{number}{each}@example.org")
            person(workspace, f"x{number}{each}+a@example.org")
        duplicates.search(workspace)
        with CaptureQueriesContext(connection) as queries:
            editor_client.get(reverse("duplicate_list"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_ledger_says_that_a_list_waits_for_its_confirmation_after_a_merger(workspace, weekly):
    keep, away = person(workspace, "a@example.org"), person(workspace, "b@example.org")
    lifecycle.ask(keep, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.subscribe(away, mailing_list=weekly, source=ConsentSource.FORM)
    merge(keep, away)
    assert Subscription.objects.get().status == "unconfirmed"
    assert ConsentEvent.objects.latest("at", "id").kind == "asked"


def test_who_left_and_was_asked_by_a_stranger_since_has_left(pair, weekly):
    keep, away = pair
    lifecycle.subscribe(away, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.subscribe(keep, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(keep, lists=[weekly.pk], source=ConsentSource.ONE_CLICK)
    lifecycle.ask(keep, mailing_list=weekly, source=ConsentSource.FORM)
    merge(keep, away)
    assert Subscription.objects.get().status == "unconfirmed"


def test_who_is_out_of_everything_joins_no_list_by_a_merger(pair, weekly):
    keep, away = pair
    lifecycle.subscribe(away, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe_from_all(keep, source=ConsentSource.ONE_CLICK)
    merge(keep, away)
    assert Subscription.objects.get().status == "unsubscribed"
