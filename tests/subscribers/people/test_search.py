"""Whoever has the words in their name or address is found, whether the blocks know them or not."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscribers.addresses import addresses
from subscribers.models import SearchBlock, SearchMark, Subscriber
from subscribers.people import people, search
from subscribers.privacy import erasure


def person(workspace, email, first_name="", last_name=""):
    profile = people.Profile(first_name=first_name, last_name=last_name)
    found, _new = people.add(workspace, address=addresses.normalise(email), profile=profile)
    return found


def rebuild():
    while search.rebuild():
        pass


def found(workspace, text, **walk):
    keys = search.keys(workspace.pk, text, limit=10, **walk)
    emails = dict(Subscriber.objects.values_list("pk", "email"))
    return [emails[key] for key in keys]


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_any_part_is_found_whatever_its_case_or_accents(workspace, other_workspace, is_rebuilt):
    person(workspace, "dewi.anggraini@Bandung.example", "Dewi", "Anggraini")
    person(workspace, "zoe@example.org", "Zoë", "Łukasz")
    person(other_workspace, "dewi@example.org")
    if is_rebuilt:
        rebuild()
        assert SearchMark.objects.count() == 0
    for text in ("anggra", "WI.ANG", "dewi bandung", "raini@b", "i a"):
        assert found(workspace, text) == ["dewi.anggraini@bandung.example"]
    for text in ("zoe", "ZOË", "oë", "lukasz", "łuk"):
        assert found(workspace, text) == ["zoe@example.org"]
    for text in ("dewi zoe", "%", "_", "example\\", "dewi\n"):
        assert found(workspace, text) == (
            ["dewi.anggraini@bandung.example"] if text == "dewi\n" else []
        )


def test_changes_are_found_at_once(workspace):
    dewi = person(workspace, "dewi@example.org", "Dewi")
    rebuild()
    people.change(dewi, first_name="Ratna")
    assert found(workspace, "ratna") == ["dewi@example.org"]
    rebuild()
    assert found(workspace, "ratna") == ["dewi@example.org"]
    people.change(dewi, first_name="Sekar")
    assert found(workspace, "ratna") == []


def test_pages_of_found_people_are_walked_by_key(workspace):
    keys = [person(workspace, f"p{number}@example.org").pk for number in range(150)]
    for key in keys[::3]:
        Subscriber.objects.filter(pk=key).update(last_name="Third")
    rebuild()
    Subscriber.objects.filter(pk=keys[99]).update(last_name="third")
    assert search.keys(workspace.pk, "third", limit=3) == [keys[147], keys[144], keys[141]]
    assert search.keys(workspace.pk, "third", before=keys[102], limit=2) == [keys[99], keys[96]]
    assert search.keys(workspace.pk, "third", after=keys[96], limit=2) == [keys[99], keys[102]]


def test_the_erased_are_gone_from_the_blocks(workspace):
    dewi = person(workspace, "dewi@example.org", "Dewi")
    budi = person(workspace, "budi@example.org", "Budi")
    rebuild()
    erasure.erase(workspace, subscriber_id=dewi.pk)
    rebuild()
    assert "dewi" not in "".join(SearchBlock.objects.values_list("text", flat=True))
    erasure.erase(workspace, subscriber_id=budi.pk)
    rebuild()
    assert SearchBlock.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_not_committed_yet_stays_marked(cast):
    """The rebuild reads while somebody is writing: their mark outlives it."""
    import threading

    dewi = person(cast.workspace, "dewi@example.org", "Dewi")
    rebuild()
    written, go_on = threading.Event(), threading.Event()

    def write():
        from django.db import transaction

        with transaction.atomic():
            Subscriber.objects.filter(pk=dewi.pk).update(first_name="Ratna")
            written.set()
            go_on.wait(60)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(60)
    Subscriber.objects.create(
        workspace=cast.workspace, email="x@y.org", email_key="x@y.org", address_hash=b"x" * 16
    )
    rebuild()
    go_on.set()
    writer.join()
    assert found(cast.workspace, "ratna") == ["dewi@example.org"]
    rebuild()
    assert found(cast.workspace, "ratna") == ["dewi@example.org"]


WORDS = st.text("abéßł.@ ", min_size=1, max_size=4)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    names=st.lists(st.text("abéßłAB ", max_size=5), min_size=1, max_size=6),
    text=WORDS,
    is_rebuilt=st.booleans(),
)
def test_blocks_find_whom_the_plain_condition_finds(workspace, names, text, is_rebuilt):
    Subscriber.objects.all().delete()
    for number, name in enumerate(names):
        person(workspace, f"a{number}b@example.org", name)
    if is_rebuilt:
        rebuild()
    if search.words(text):
        plain = Subscriber.objects.filter(search.contains(text), workspace=workspace)
        assert search.keys(workspace.pk, text, limit=50) == list(
            plain.order_by("-pk").values_list("pk", flat=True)
        )
