"""What no view ever sees."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from subscribers.models import Import

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/subscribers/?q=%00",
        "/subscribers/?%00=q",
        "/search/?q=a%00b",
        "/sandbox/?q=%00",
        "/suppressions/?q=%00",
        "/campaigns/?q=%00",
        "/s/%00/",
        "/static/%00",
    ],
)
def test_a_nul_in_the_address_is_a_bad_request(owner_client: Client, address: str) -> None:
    answer = owner_client.get(address)
    assert answer.status_code == 400
    assert "We could not read this request." in answer.content.decode()


def test_a_nul_in_a_form_is_a_bad_request(owner_client: Client) -> None:
    field = {"email": "a@example.org", "first_name": "A\0"}
    assert owner_client.post("/subscribers/new/", field).status_code == 400
    plain = "email=a%40example.org&first_name=A%00"
    kind = "application/x-www-form-urlencoded"
    assert owner_client.post("/subscribers/new/", plain, content_type=kind).status_code == 400


def test_a_file_may_hold_any_byte(owner_client: Client) -> None:
    rows = "email\na@example.org\n".encode("utf-16-le")
    file = SimpleUploadedFile("people.csv", rows)
    assert owner_client.post("/subscribers/import/", {"file": file}).status_code == 302
    assert Import.objects.get().columns == ["email"]
