"""Pages for when something goes wrong."""

import json

import pytest
from django.test import Client, RequestFactory

from config import errors

pytestmark = pytest.mark.django_db


def test_an_unknown_address_says_what_may_have_happened(owner_client: Client) -> None:
    answer = owner_client.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.content.decode()


def test_an_old_form_is_refused_with_a_way_on(owner_client: Client) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = owner_client.cookies
    answer = client.post("/language/", {"language": "id"})
    assert answer.status_code == 403
    assert "Your browser sent an old form, so nothing was changed." in answer.content.decode()


def test_the_page_of_a_crash_needs_nothing(rf: RequestFactory) -> None:
    request = rf.get("/")  # no session, no user, no workspace
    answer = errors.server_error(request)
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


def test_programs_get_json_whatever_goes_wrong(client: Client, rf: RequestFactory) -> None:
    request = rf.get("/api/v1/lists")
    answers = [client.get("/api/v1/no/such/thing"), errors.server_error(request)]
    answers += [errors.bad_request(request), errors.permission_denied(request)]
    assert [answer.status_code for answer in answers] == [404, 500, 400, 403]
    assert all(json.loads(answer.content)["detail"] for answer in answers)
