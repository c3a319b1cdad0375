"""The pixel always answers; a click leads to that campaign's links and nowhere else."""

import pytest

from campaigns.models import Link
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.models import Event
from delivery.tracking import collect, hits, ingest, links
from delivery.tracking.hits import Hit
from tests.delivery import makers
from tests.delivery.public.everything import snapshot


@pytest.fixture(autouse=True)
def _no_memory():
    links.shelf.clear()
    collect._absence.until = 0.0


def waiting():
    return [hit for _, hit in hits.after("0-0", limit=100)]


@pytest.mark.parametrize("method", ["get", "head"])
def test_the_pixel(client, letter, method):
    answer = getattr(client, method)(f"/o/{letter.token(Purpose.TRACK)}.gif")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/gif"
    assert answer["Cache-Control"] == "no-store, no-cache, must-revalidate, private"
    assert not answer.cookies
    if method == "get":
        assert len(answer.content) == 43
    (seen,) = waiting()
    assert (seen.message_id, seen.is_head) == (letter.message.pk, method == "head")


def test_a_bad_token_gets_the_pixel_too(client, letter):
    for token in ("x", "A" * 22, letter.token(Purpose.UNSUBSCRIBE), "é"):
        answer = client.get(f"/o/{token}.gif")
        assert (answer.status_code, len(answer.content)) == (200, 43)
    assert waiting() == []


def test_a_click_leads_to_the_stored_link(client, letter, django_assert_num_queries):
    address = f"/c/{letter.token(Purpose.TRACK)}/2/"
    client.get(address)
    with django_assert_num_queries(1):
        answer = client.get(address, headers={"user-agent": "Firefox", "accept-language": "id"})
    assert (answer.status_code, answer["Location"]) == (302, "https://kopisenja.example/2")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert not answer.cookies
    seen = waiting()[-1]
    assert (seen.ordinal, seen.user_agent, seen.names_language) == (2, "Firefox", True)
    assert client.head(address).status_code == 302


def test_merge_tags_in_a_link_are_filled_and_cannot_change_where_it_leads(client, letter):
    Link.objects.filter(campaign=letter.campaign, ordinal=1).update(
        url="https://kopisenja.example/?who={{ first_name }}"
    )
    type(letter.person).objects.update(first_name="A&b=/../c")
    answer = client.get(f"/c/{letter.token(Purpose.TRACK)}/1/")
    assert answer["Location"] == "https://kopisenja.example/?who=A%26b%3D%2F..%2Fc"


def test_an_erased_persons_link_still_works(client, workspace, letter):
    from subscribers.privacy import erasure

    Link.objects.filter(campaign=letter.campaign, ordinal=1).update(
        url="https://kopisenja.example/?who={{ first_name }}"
    )
    erasure.erase(workspace, subscriber_id=letter.person.pk)
    answer = client.get(f"/c/{letter.token(Purpose.TRACK)}/1/")
    assert answer["Location"] == "https://kopisenja.example/?who="


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "/u/x", "{{ first_name }}"]
)
def test_no_other_scheme(client, letter, url):
    Link.objects.filter(campaign=letter.campaign, ordinal=1).update(url=url)
    answer = client.get(f"/c/{letter.token(Purpose.TRACK)}/1/")
    assert answer.status_code == 404
    assert "Location" not in answer


def test_no_open_redirect(client, workspace, letter):
    other = makers.make_sent_campaign(workspace, letter.offers, links=9)
    assert Link.objects.filter(campaign=other, ordinal=9).exists()
    track = letter.token(Purpose.TRACK)
    for path in (
        f"/c/{track}/9/",
        f"/c/{track}/0/",
        f"/c/{track}/4/?url=https://evil.example",
        f"/c/{track}/{10**30}/",
        f"/c/{letter.token(Purpose.VIEW)}/1/",
        f"/c/{tokens.make(10**9, Purpose.TRACK)}/1/",
        "/c/x/1/",
    ):
        answer = client.get(path)
        assert (answer.status_code, "Location" in answer) == (404, False), path
        assert "This link doesn't work" in answer.text
    assert waiting() == []


def test_nothing_is_written_before_the_events_are_ingested(client, letter):
    before = snapshot()
    client.get(f"/o/{letter.token(Purpose.TRACK)}.gif")
    client.get(f"/c/{letter.token(Purpose.TRACK)}/1/")
    assert snapshot() == before
    ingest.next_batch()
    assert Event.objects.count() == 2


def test_without_redis_events_go_straight_to_the_database(client, letter, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get(f"/c/{letter.token(Purpose.TRACK)}/1/")
    assert answer.status_code == 302
    assert Event.objects.count() == 1


def test_what_a_program_calls_itself_survives_the_stream():
    from django.utils import timezone

    seen = Hit(
        message_id=5,
        kind=4,
        at=timezone.now().replace(microsecond=0),
        user_agent="a\tb\r\nc\x00é",
        ip="2001:db8::1",
    )
    back = hits.decode(hits.encode(seen).encode())
    assert (back.user_agent, back.ip, back.at) == ("a b  c é", "2001:db8::1", seen.at)
