"""What the headers that matter say, in words, beside each of them."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from django.utils.translation import gettext as _

from accounts.input.senders import understood
from delivery.sandbox.authentication import Alignment, alignment, domain_of
from delivery.sandbox.parts import Field, Mail

_FEEDBACK_FIELDS: Final = 4
_HTTPS: Final = re.compile(r"<https://[^<>\s]+>")
_MAILTO: Final = re.compile(r"<mailto:[^<>\s]+>")


def note_of(field: Field, mail: Mail) -> str:
    """Return what there is to say about a header; "" for nothing."""
    note = _NOTES.get(field.name.lower())
    return note(field.value, mail) if note else ""


def missing(mail: Mail) -> list[str]:
    """Return what a newsletter should carry and this mail does not."""
    said = {
        "list-unsubscribe": _(
            "List-Unsubscribe is missing: mail programs show no unsubscribe button."
        ),
        "list-unsubscribe-post": _(
            "List-Unsubscribe-Post is missing: Gmail and Yahoo ask bulk senders for one-click."
        ),
        "message-id": _("Message-ID is missing: some servers take that for spam."),
        "date": _("Date is missing: some servers take that for spam."),
    }
    return [sentence for name, sentence in said.items() if not mail.get(name)]


def _from(value: str, _mail: Mail) -> str:
    sender = understood(value)
    if not sender.address:
        return _("There is no address that a reply could go to.")
    return _("What people see as the sender. DMARC asks whether %(domain)s allowed this mail.") % {
        "domain": domain_of(sender.address)
    }


def _message_id(value: str, mail: Mail) -> str:
    own = domain_of(value.strip("<> "))
    sender = domain_of(understood(mail.get("from")).address)
    if alignment(own, sender) in {Alignment.SAME, Alignment.RELATED}:
        return _("The email's own number; bounces and replies name it.")
    return _("The email's own number. Its domain is not the sender's, which some filters dislike.")


def _list_unsubscribe(value: str, mail: Mail) -> str:
    has_mailto = bool(_MAILTO.search(value))
    if not _HTTPS.search(value):
        if "<http://" in value:
            return _("The unsubscribe button needs an address with https; this one has http.")
        return (
            _("Unsubscribing works by email only; Gmail and Yahoo ask for an https address, too.")
            if has_mailto
            else _("No address that an email program could use.")
        )
    if mail.get("list-unsubscribe-post"):
        return _("Mail programs show an unsubscribe button that works with one click (RFC 8058).")
    return _("Without List-Unsubscribe-Post the button only opens a page.")


def _list_unsubscribe_post(value: str, _mail: Mail) -> str:
    if value.strip().lower() == "list-unsubscribe=one-click":
        return _("One click unsubscribes, without a page in between.")
    return _("This must read List-Unsubscribe=One-Click.")


def _feedback_id(value: str, _mail: Mail) -> str:
    fields = value.split(":")
    if len(fields) > _FEEDBACK_FIELDS or not fields[-1].strip():
        return _("Gmail reads up to four words with colons between, the last names the sender.")
    return _("Gmail groups spam complaints by these words (Postmaster Tools).")


def _said(sentence: Callable[[], str]) -> Callable[[str, Mail], str]:
    return lambda _value, _mail: sentence()


_NOTES: Final[Mapping[str, Callable[[str, Mail], str]]] = {
    "from": _from,
    "message-id": _message_id,
    "list-unsubscribe": _list_unsubscribe,
    "list-unsubscribe-post": _list_unsubscribe_post,
    "feedback-id": _feedback_id,
    "precedence": _said(
        lambda: _("Says that this is bulk mail, so that few out-of-office replies come back.")
    ),
    "auto-submitted": _said(
        lambda: _("Says that a program wrote this; programs do not answer it.")
    ),
    "list-id": _said(lambda: _("Names the list, for filters and for sorting by mail programs.")),
    "reply-to": _said(lambda: _("Where replies go instead of to the sender.")),
    "return-path": _said(
        lambda: _("The receiving server adds this by itself; a sender should not.")
    ),
    "bcc": _said(lambda: _("Everybody who gets the mail can read this. It must not be sent.")),
    "dkim-signature": _said(
        lambda: _("The sender's signature; the Authentication tab says whether it is valid.")
    ),
    "x-warta-message": _said(
        lambda: _("By this Warta finds the email again in bounces and complaints.")
    ),
    "date": _said(lambda: _("When it was handed over; a wrong date counts as a sign of spam.")),
    "content-type": _said(lambda: _("How the email is built; the Parts tab shows it.")),
}
