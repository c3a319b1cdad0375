"""Keys that somebody could guess are not started with."""

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
        "0f1e2d3c4b5a69788796a5b4c3d2e1",
    ],
)
def test_what_can_be_guessed(key):
    assert secret_key.is_weak(key)


@pytest.mark.parametrize(
    "key",
    [
        "t3Jq0nZbW8m-Yy5cV1xH_rK7uE2fLpQ9sDgA6iTzNoXhB4vMwCk0RjUe8P1lFaSG",
        "a91f0c7be2d84635907dfa1c5e38b264f7d0952ac16be83d4f70a295c8e1b36d",
        "8f2c1d9b7e6a5f4c3b2d1e0f9a8b7c6d",
        "9Vq2mZx7Lr4Tn8Kd3Wp6Yb1Hc5Js0Gf!",
    ],
)
def test_what_can_not(key):
    assert not secret_key.is_weak(key)
