"""Wrong passwords are counted so that nobody is guessed, and nobody is locked out by a stranger."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

import config.celery  # noqa: F401 - its tasks know of commits
from tests.people import PASSWORD, Cast


def sign_in(client: Client, *, email: str, password: str, ip: str, **headers: str) -> bool:
    answer = client.post(
        reverse("account_login"),
        {"login": email, "password": password},
        REMOTE_ADDR=ip,
        headers=headers,
    )
    return answer.status_code == 302


def test_wrong_passwords_from_elsewhere_keep_no_owner_out(client: Client, cast: Cast) -> None:
    email = cast.owner.email
    for number in range(20):
        assert not sign_in(client, email=email, password="wrong", ip=f"198.51.100.{number % 2}")
    assert sign_in(client, email=email, password=PASSWORD, ip="192.0.2.7")


@pytest.mark.parametrize(
    "names",
    [
        ["sari@kopisenja.example"],
        ["sari@kopisenja.example", "SARI@kopisenja.example", " Sari@KopiSenja.example "],
    ],
)
def test_one_network_guesses_five_times(client: Client, cast: Cast, names: list[str]) -> None:
    for number in range(6):
        sign_in(client, email=names[number % len(names)], password="wrong", ip="198.51.100.7")
    assert not sign_in(client, email=cast.owner.email, password=PASSWORD, ip="198.51.100.7")


def test_a_made_up_forwarded_address_counts_for_nothing(client: Client, cast: Cast) -> None:
    for number in range(6):
        sign_in(
            client,
            email=cast.owner.email,
            password="wrong",
            ip="198.51.100.7",
            **{"X-Forwarded-For": f"203.0.113.{number}"},
        )
    assert not sign_in(client, email=cast.owner.email, password=PASSWORD, ip="198.51.100.7")


def test_few_password_resets_go_to_one_address(
    client: Client, cast: Cast, django_capture_on_commit_callbacks: object
) -> None:
    for number in range(12):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(
                reverse("account_reset_password"),
                {"email": cast.owner.email},
                REMOTE_ADDR=f"198.51.100.{number}",
            )
    assert len(mail.outbox) <= 5
