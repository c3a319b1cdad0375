"""Keys that somebody could guess are not started with."""

import secrets

import pytest

from config import secret_key


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "secret",
        "x" * 64,
        "0123456789" * 5,
        "password" * 8,
        "changeme-changeme-changeme-changeme-1234",
        secrets.token_hex(15),
    ],
)
def test_what_can_be_guessed(key):
    assert secret_key.is_weak(key)


@pytest.mark.parametrize(
    "key",
    [
        secrets.token_urlsafe(48),
        secrets.token_hex(32),
        "8f2c1d9b7e6a5f4c3b2d1e0f9a8b7c6d",
        "9Vq2mZx7Lr4Tn8Kd3Wp6Yb1Hc5Js0Gf!",
    ],
)
def test_what_can_not(key):
    assert not secret_key.is_weak(key)
