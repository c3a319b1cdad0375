"""Rows' numbers as browsers send them."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.input.numbers import row_number, row_numbers


def test_only_plain_digits_that_a_bigint_holds_are_numbers() -> None:
    assert row_numbers(["12", "\u00b2", "\u0663", "-1", "", "1" * 19, "7"]) == [12, 7]
    assert row_number("9" * 18) == int("9" * 18)


@pytest.mark.django_db
def test_pages_take_no_other_digits(owner_client: Client) -> None:
    bulk = {"people": ["\u00b2"], "list": "\u00b2", "action": "subscribe"}
    assert owner_client.post(reverse("subscriber_bulk"), bulk).status_code == 302
    new = {"email": "a@example.org", "lists": ["\u00b2"]}
    assert owner_client.post(reverse("subscriber_new"), new).status_code == 302
