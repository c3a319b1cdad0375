"""DKIM, SPF and DMARC as a receiver would judge them, with real keys and a real name server."""

import pytest
from django.urls import reverse

from delivery.accounts import dkim_keys
from delivery.mime.dkim import Signer
from delivery.models import DkimKey
from delivery.sandbox import authentication, dns_records, parts
from delivery.sandbox.authentication import Alignment, Verdict, alignment
from tests.delivery.sandbox import mails
from tests.delivery.sandbox.name_server import serving

DOMAIN = "kopisenja.example"
BODY = b"Halo,\r\n\r\nkopi baru.\r\n"
HEAD = (
    b"From: Kopi Senja <kabar@kopisenja.example>\r\nTo: dewi@example.org\r\nSubject: Kopi\r\n"
    b"Date: Fri, 20 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@kopisenja.example>\r\n"
    b"Content-Type: text/plain\r\n"
)


@pytest.fixture(params=["rsa", "ed25519"])
def key(request, workspace):
    made = dkim_keys.generate(workspace, domain=DOMAIN, algorithm=request.param)
    dkim_keys.activate(made)
    return made


def signed(key) -> bytes:
    signer = dkim_keys.signer([key])
    assert isinstance(signer, Signer)
    return signer.sign(HEAD, [BODY], timestamp=1_700_000_000) + HEAD + b"\r\n" + BODY


def judged(raw: bytes, key, *, envelope_from: str = f"bounce@{DOMAIN}"):
    keys = authentication.keys_of(key.workspace_id)
    return authentication.judge(parts.read(raw), envelope_from=envelope_from, keys=keys)


def test_a_right_signature_passes_without_any_dns(key):
    found = judged(signed(key), key)
    assert [one.verdict for one in found.signatures] == [Verdict.GOOD]
    assert (found.dkim, found.spf, found.dmarc) == (Alignment.SAME, Alignment.SAME, Verdict.GOOD)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(b"kopi baru", b"teh baru", "body"), (b"Subject: Kopi", b"Subject: Teh", "header")],
)
def test_what_was_changed_on_the_way_is_named(key, before, after, words):
    found = judged(signed(key).replace(before, after), key)
    assert found.signatures[0].verdict is Verdict.BAD
    assert words in found.signatures[0].sentence
    assert found.dkim is Alignment.NONE


def test_a_strangers_key_is_not_judged(key, other_workspace):
    raw = signed(key)
    DkimKey.objects.filter(pk=key.pk).update(workspace=other_workspace)
    found = judged(raw, key)
    assert found.signatures[0].verdict is Verdict.OPEN


@pytest.mark.parametrize(
    "value",
    ["", "v=1", "v=1; a=x; d=kopisenja.example; s=S; b=!!; bh=; h=from", "v=1; l=" + "9" * 3000],
)
def test_a_broken_signature_is_no_error(key, value):
    raw = f"DKIM-Signature: {value.replace('S', key.selector)}\r\n".encode() + HEAD + b"\r\n" + BODY
    assert all(one.verdict is not Verdict.GOOD for one in judged(raw, key).signatures)


def test_a_mail_that_is_made_to_cost_time_is_not_checked(key):
    raw = signed(key) + b" " * 2_000 + b"x\r\n"
    assert judged(raw, key).signatures[0].verdict is Verdict.OPEN
    assert judged(signed(key) + b"x\r\n" * 1_000_000, key).signatures[0].verdict is Verdict.OPEN


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("a.example", "A.example.", Alignment.SAME),
        ("news.a.example", "a.example", Alignment.RELATED),
        ("a.example", "bounce.mail.a.example", Alignment.RELATED),
        ("news.a.example", "bounce.a.example", Alignment.UNSURE),
        ("a.example", "b.example", Alignment.NONE),
        ("a.example", "ba.example", Alignment.NONE),
        ("a.example", "example", Alignment.NONE),
        ("", "a.example", Alignment.NONE),
    ],
)
def test_domains_belong_together_if_one_lies_in_the_other(first, second, wanted):
    assert alignment(first, second) is wanted


def test_the_dns_is_asked_on_request_only(editor_client, workspace, key, settings):
    mail = mails.keep(workspace, signed(key), envelope_from=f"bounce@mail.{DOMAIN}")
    texts = {
        key.record_name: [dkim_keys.record_text(key)[:250]],
        f"mail.{DOMAIN}": ["v=spf1 -all", "something else"],
        "_dmarc.kopisenja.example": ["v=DMARC1; p=quarantine"],
    }
    with serving(texts) as (port, asked):
        settings.DNS_SERVERS, settings.DNS_PORT = ["127.0.0.1"], port
        page = reverse("sandbox_message", args=[mail.pk])
        assert "The signature is valid" in editor_client.get(page, {"view": "checks"}).text
        check = reverse("sandbox_check", args=[mail.pk])
        assert editor_client.get(check).status_code == 405
        assert not asked
        answer = editor_client.post(check, {"what": "dns"}).text
    assert "treated as spam (p=quarantine)" in answer
    assert "There is an SPF record" in answer
    assert asked == [key.record_name, f"mail.{DOMAIN}", f"_dmarc.{DOMAIN}"]


def test_dmarc_is_looked_for_up_the_tree_in_few_steps(key, settings):
    deep = ".".join("abcdefghijklm") + ".kopisenja.example"
    raw = HEAD.replace(b"kabar@kopisenja.example", f"kabar@{deep}".encode()) + b"\r\n" + BODY
    with serving({"_dmarc.kopisenja.example": ["v=DMARC1; p=reject"]}) as (port, asked):
        settings.DNS_SERVERS, settings.DNS_PORT = ["127.0.0.1"], port
        records = dns_records.look_up(judged(raw, key, envelope_from=""), {})
    assert [(one.kind, one.name) for one in records] == [("DMARC", "_dmarc.kopisenja.example")]
    assert "refused (p=reject)" in records[0].sentence
    assert len(asked) <= dns_records.MOST_STEPS


def test_a_name_that_is_none_breaks_nothing(key, settings):
    with serving({}) as (port, _asked):
        settings.DNS_SERVERS, settings.DNS_PORT = ["127.0.0.1"], port
        odd = HEAD.replace(b"kabar@kopisenja.example", b"kabar@" + b"a" * 90 + b"..example")
        records = dns_records.look_up(
            judged(odd + b"\r\n", key, envelope_from="x@\u202e..\x00" + "b" * 300), {}
        )
    assert all(one.verdict is not Verdict.GOOD for one in records)
