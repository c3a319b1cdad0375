"""What counts as an address, and when two are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.addresses import addresses, domains
from subscribers.fields.problems import Problem
from subscribers.states import DomainGroup


@pytest.mark.parametrize(
    ("text", "email", "key"),
    [
        ("Dewi.A@Example.COM", "Dewi.A@example.com", "dewi.a@example.com"),
        ("\u00a0\u200bdewi@example.com\ufeff ;", "dewi@example.com", "dewi@example.com"),
        ("jo@xn--mnchen-3ya.de", "jo@münchen.de", "jo@münchen.de"),
        ("Jo@MÜNCHEN.de", "Jo@münchen.de", "jo@münchen.de"),
        ("用户@例子.公司", "用户@例子.公司", "用户@例子.公司"),
        ("x@sandbox.test", "x@sandbox.test", "x@sandbox.test"),
        ("o'hara+news@example.com", "o'hara+news@example.com", "o'hara+news@example.com"),
    ],
)
def test_an_address_is_kept_as_given_and_keyed_in_lower_case(text, email, key):
    address = addresses.normalise(text)
    assert (address.email, address.key) == (email, key)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "address_missing"),
        ("budi(at)kampus.example.id", "address_no_at"),
        ("a@b@example.com", "address_two_at"),
        ("a b@example.com", "address_space"),
        ("a@exam ple.com", "address_space"),
        ("a..b@example.com", "address_local"),
        ("a@localhost", "address_no_dot"),
        ("a@-example.com", "address_domain"),
        ("a@[192.0.2.1]", "address_domain"),
        ("a@192.0.2.1", "address_domain"),
        ("x" * 65 + "@example.com", "address_long"),
        ("x@" + "a." * 130 + "com", "address_long"),
        ("a@example.com\r\nBcc: b@example.com", "address_two_at"),
        ("a\x00@example.com", "address_local"),
    ],
)
def test_what_is_no_address_says_why(text, code):
    with pytest.raises(Problem) as caught:
        addresses.normalise(text)
    assert caught.value.code == code
    assert caught.value.message
    assert caught.value.way_out


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_problem(text):
    try:
        address = addresses.normalise(text)
    except Problem:
        return
    assert addresses.normalise(address.email) == address
    assert address.email.isprintable()


@pytest.mark.parametrize(
    ("domain", "known"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("yaho.co.id", "yahoo.co.id"),
        ("ymail.com", ""),
        ("qmail.com", ""),
        ("cloud.com", ""),
        ("gmail.com", ""),
        ("yahoo.fr", ""),
        ("kampus.example.id", ""),
    ],
)
def test_typo_hints(domain, known):
    assert domains.suggestion(domain) == known


def test_a_typo_hint_keeps_the_local_part():
    assert addresses.normalise("Dewi@gmial.com").suggestion == "Dewi@gmail.com"


@pytest.mark.parametrize(
    ("domain", "group"),
    [
        ("googlemail.com", DomainGroup.GMAIL),
        ("hotmail.co.uk", DomainGroup.OUTLOOK),
        ("yahoo.com.sg", DomainGroup.YAHOO),
        ("gmx.at", DomainGroup.GMX),
        ("yahoo.example.com", DomainGroup.OTHER),
        ("live.example.de", DomainGroup.OTHER),
    ],
)
def test_mailbox_providers(domain, group):
    assert domains.group(domain) == group


def test_flags():
    assert addresses.normalise("Info+x@example.com").is_role
    assert not addresses.normalise("dewi@example.com").is_role
    assert addresses.normalise("x@mailinator.com").domain.is_disposable
    assert not addresses.normalise("x@example.com").domain.is_disposable


def test_hashes_differ_between_workspaces():
    one = addresses.address_hash("a@example.com", secret=b"1" * 32)
    assert len(one) == 16
    assert one == addresses.address_hash("a@example.com", secret=b"1" * 32)
    assert one != addresses.address_hash("a@example.com", secret=b"2" * 32)
