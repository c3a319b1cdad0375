"""Passwords at rest."""

import pytest

from accounts.installation import secrets
from delivery.mime import tokens


def test_what_was_encrypted_can_be_read_again_and_nothing_stays_nothing():
    stored = secrets.encrypt("geheim ☕")
    assert b"geheim" not in stored
    assert secrets.decrypt(memoryview(stored)) == "geheim ☕"
    assert secrets.encrypt("") == b""
    assert secrets.decrypt(b"") == ""


def test_a_changed_key_reads_the_old_one_as_long_as_it_is_a_fallback(settings):
    settings.SECRET_KEY = "old"
    stored = secrets.encrypt("x")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    assert secrets.decrypt(stored) == "x"
    renewed = secrets.renew(stored)
    settings.SECRET_KEY_FALLBACKS = []
    assert secrets.decrypt(renewed) == "x"
    with pytest.raises(secrets.UnreadableSecretError):
        secrets.decrypt(stored)


def test_derived_passwords_follow_from_key_and_purpose(settings):
    settings.SECRET_KEY = "one"
    first = secrets.derive("sandbox-1")
    assert first == secrets.derive("sandbox-1") != secrets.derive("sandbox-2")
    settings.SECRET_KEY = "two"
    assert secrets.derive("sandbox-1") != first


@pytest.mark.parametrize("purpose", list(tokens.Purpose))
def test_links_in_mails_work_on_while_the_old_key_is_a_fallback(settings, purpose):
    settings.SECRET_KEY = "old"
    token = tokens.make(7, purpose)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older", "old"]
    assert tokens.read(token, purpose) == 7
    assert tokens.make(7, purpose) != token
    settings.SECRET_KEY_FALLBACKS = []
    assert tokens.read(token, purpose) is None
