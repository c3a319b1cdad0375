"""Signing keys: made, published, looked up in a real DNS, put to use, rotated, deleted."""

import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from django.urls import reverse

from accounts.installation import secrets
from delivery.accounts import dkim_keys
from delivery.models import DkimKey, SendingAccount
from delivery.states import DkimAlgorithm, DkimState

DOMAIN = "kopisenja.example"


class Zone:
    """A name server on loopback that knows what a test tells it."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            data, peer = self._socket.recvfrom(4096)
            if data == b"stop":
                return
            query = dns.message.from_wire(data)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            name = query.question[0].name
            found = self.texts.get(str(name).rstrip("."))
            if found is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                answer.answer.append(dns.rrset.from_text(name, 1, "IN", "TXT", *found))
            self._socket.sendto(answer.to_wire(), peer)

    def stop(self) -> None:
        """Answer no more."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"stop", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def zone(settings) -> Iterator[Zone]:
    zone = Zone()
    settings.DNS_SERVERS, settings.DNS_PORT = ["127.0.0.1"], zone.port
    yield zone
    zone.stop()


@pytest.fixture
def key(workspace) -> DkimKey:
    return dkim_keys.generate(workspace, domain=DOMAIN, algorithm=DkimAlgorithm.RSA)


def test_the_private_half_is_encrypted_and_shown_nowhere(admin_client, key):
    assert "PRIVATE KEY" in secrets.decrypt(key.encrypted_key)
    assert b"PRIVATE KEY" not in bytes(key.encrypted_key)
    page = admin_client.get(reverse("key_detail", args=[key.pk])).content.decode()
    assert "PRIVATE" not in page
    assert key.public_key in page


def test_a_long_record_is_split_where_a_string_ends(key):
    first, second = dkim_keys.record_strings(key).split('" "')
    assert len(first.strip('"')) == 255
    assert first.strip('"') + second.strip('"') == dkim_keys.record_text(key)
    assert dkim_keys.record_text(key).startswith("v=DKIM1; k=rsa; p=MII")


def test_an_ed25519_record_holds_the_bare_key(workspace):
    made = dkim_keys.generate(workspace, domain=DOMAIN, algorithm=DkimAlgorithm.ED25519)
    assert len(made.public_key) == 44  # 32 bytes in base64 (RFC 8463 §4)
    assert dkim_keys.record_text(made) == f"v=DKIM1; k=ed25519; p={made.public_key}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _text: None, "There is no such record yet"),
        (lambda text: [text[:200]], "The record is cut off"),
        (lambda text: [text.replace("p=MII", "p=NII")], "another key"),
        (lambda _text: ["v=DKIM1; k=rsa; p="], "no public key"),
        (lambda text: [text, "v=spf1 -all"], "There are 2 TXT records"),
    ],
)
def test_the_look_up_says_what_is_wrong(zone, key, change, words):
    texts = change(dkim_keys.record_text(key))
    if texts is not None:
        zone.texts[key.record_name] = [
            " ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255)) for text in texts
        ]
    assert words in dkim_keys.check(key).problem
    assert words in DkimKey.objects.get().problem


def test_a_key_signs_only_once_its_record_is_there(admin_client, zone, key):
    path = reverse("key_activate", args=[key.pk])
    page = admin_client.post(path, follow=True).content.decode()
    assert "Not yet" in page
    assert DkimKey.objects.get().state == DkimState.NEW
    zone.texts[key.record_name] = [dkim_keys.record_strings(key)]
    page = admin_client.post(path, follow=True).content.decode()
    assert "is signed with this key from now on" in page
    assert DkimKey.objects.get().state == DkimState.ACTIVE


def test_a_new_key_retires_the_one_before_it_of_its_kind(workspace, key):
    other = dkim_keys.generate(workspace, domain=DOMAIN, algorithm=DkimAlgorithm.ED25519)
    new = dkim_keys.generate(workspace, domain=DOMAIN, algorithm=DkimAlgorithm.RSA)
    for each in (key, other, new):
        assert dkim_keys.activate(each)
    assert not dkim_keys.activate(new)
    assert [found.pk for found in dkim_keys.active(workspace.pk, DOMAIN)] == [new.pk, other.pk]
    key.refresh_from_db()
    assert key.state == DkimState.RETIRED
    assert key.retired_at is not None


def test_a_parent_domains_key_signs_for_its_parts(workspace, other_workspace, key):
    dkim_keys.activate(key)
    assert dkim_keys.active(workspace.pk, f"news.{DOMAIN}") == [key]
    assert dkim_keys.active(workspace.pk, f"un{DOMAIN}") == []
    assert dkim_keys.active(other_workspace.pk, DOMAIN) == []


def test_what_signs_cannot_be_deleted(admin_client, key):
    dkim_keys.activate(key)
    path = reverse("key_delete", args=[key.pk])
    assert admin_client.post(path).status_code == 404
    assert not dkim_keys.delete(key)
    admin_client.post(reverse("key_retire", args=[key.pk]))
    admin_client.post(path)
    assert not DkimKey.objects.exists()


def test_both_kinds_are_made_at_once(admin_client, workspace):
    fields = {"domain": "Kopi@KopiSenja.Example", "algorithms": ["rsa", "ed25519"]}
    admin_client.post(reverse("key_list"), fields)
    made = DkimKey.objects.filter(workspace=workspace)
    assert {(key.domain, key.algorithm) for key in made} == {(DOMAIN, "rsa"), (DOMAIN, "ed25519")}


@pytest.mark.parametrize("domain", ["nonsense", "a b.example", "", "x" * 300 + ".example"])
def test_a_wrong_domain_is_named(admin_client, domain):
    page = admin_client.post(reverse("key_list"), {"domain": domain, "algorithms": ["rsa"]})
    assert page.status_code == 200
    assert not DkimKey.objects.exists()


def test_an_unreadable_key_leaves_mail_unsigned(workspace, key, settings):
    dkim_keys.activate(key)
    account = SendingAccount(workspace=workspace, kind="smtp")
    assert dkim_keys.signer_for(account, DOMAIN) is not None
    settings.SECRET_KEY = "another key, long enough for everybody"
    settings.SECRET_KEY_FALLBACKS = []
    assert dkim_keys.signer_for(account, DOMAIN) is None


def test_providers_that_write_the_mail_anew_are_sent_no_signature(workspace, key):
    dkim_keys.activate(key)
    for provider, signs in (("sendgrid", False), ("amazon_ses", True), ("mailgun", True)):
        account = SendingAccount(workspace=workspace, kind="anymail", provider=provider)
        assert (dkim_keys.signer_for(account, DOMAIN) is not None) == signs


def test_editors_and_other_workspaces_see_no_keys(editor_client, outsider_client, key):
    assert editor_client.get(reverse("key_list")).status_code == 403
    assert outsider_client.get(reverse("key_detail", args=[key.pk])).status_code == 404
    assert outsider_client.post(reverse("key_activate", args=[key.pk])).status_code == 404
