"""What the DNS says of a mail's domains, asked on request: few questions, soon over."""

import time
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name
import dns.resolver
from django.utils.translation import gettext as _

from delivery.accounts import dkim_keys
from delivery.sandbox.authentication import Authentication, Verdict
from subscribers.addresses import mail_servers

SECONDS: Final = 6.0  # for all questions together
ONE_SECONDS: Final = 2.0
MOST_STEPS: Final = 8  # of DMARC's walk up the tree (RFC 9989 §4.10)
LONGEST: Final = 1_000  # characters of a record that are shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One record that was looked for: its name, what it holds, and what that means."""

    kind: str  # "DKIM", "SPF", "DMARC"
    name: str
    text: str
    verdict: Verdict
    sentence: str


class _Questions:
    """Asks for TXT records until the time is up."""

    def __init__(self) -> None:
        self.until = time.monotonic() + SECONDS
        self.resolver = mail_servers.our_resolver()

    def texts(self, name: str) -> list[str] | None:
        """Return a name's TXT records, none if there are none; None: nobody could say."""
        left = self.until - time.monotonic()
        if left <= 0:
            return None
        self.resolver.lifetime = min(ONE_SECONDS, left)
        try:
            answer = self.resolver.resolve(dns.name.from_text(name), "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, UnicodeError, ValueError):
            return None
        return [b"".join(one.strings).decode("utf-8", "replace")[:LONGEST] for one in answer]


def look_up(judged: Authentication, keys: dict[str, str]) -> list[Record]:
    """Look up what a mail's receivers would; ``keys`` are ours, by record name."""
    asked = _Questions()
    found = [_dkim(asked, one.record_name, keys) for one in judged.signatures]
    if judged.return_domain:
        found.append(_spf(asked, judged.return_domain))
    if judged.from_domain:
        found.append(_dmarc(asked, judged.from_domain))
    return found


def _record(kind: str, name: str, texts: list[str] | None, verdict: Verdict, said: str) -> Record:
    if texts is None:
        verdict, said = Verdict.OPEN, _("It could not be looked up just now. Try again.")
    return Record(
        kind=kind, name=name, text="\n".join(texts or ())[:LONGEST], verdict=verdict, sentence=said
    )


def _dkim(asked: _Questions, name: str, keys: dict[str, str]) -> Record:
    texts = asked.texts(name)
    published = dkim_keys.read_tags(texts[0]).get("p", "") if texts else ""
    ours = dkim_keys.read_tags(keys.get(name, "")).get("p", "")
    if not published:
        verdict, said = Verdict.BAD, _("There is no public key under this name yet.")
    elif ours and published != ours:
        verdict, said = Verdict.BAD, _("The record holds another key than the one that signs.")
    else:
        verdict, said = Verdict.GOOD, _("The public key is published.")
    return _record("DKIM", name, texts, verdict, said)


def _spf(asked: _Questions, domain: str) -> Record:
    texts = asked.texts(domain)
    records = [text for text in texts or () if text.lower().split(" ")[0] == "v=spf1"]
    if len(records) == 1:
        verdict = Verdict.GOOD
        said = _("There is an SPF record. It must name the server that sends.")
    elif records:
        verdict, said = Verdict.BAD, _("There are several SPF records; there must be one.")
    else:
        verdict, said = Verdict.BAD, _("The return path's domain has no SPF record.")
    return _record("SPF", domain, None if texts is None else records, verdict, said)


def _dmarc(asked: _Questions, domain: str) -> Record:
    """Walk from the sender's domain up to the first record."""
    labels = domain.split(".")
    if len(labels) > MOST_STEPS:  # RFC 9989 §4.10: then on from the seventh label from the right
        steps = [labels, *(labels[start:] for start in range(len(labels) - 7, len(labels)))]
    else:
        steps = [labels[start:] for start in range(len(labels))]
    name, texts = f"_dmarc.{domain}", None
    for step in steps[:MOST_STEPS]:
        texts = asked.texts("_dmarc." + ".".join(step))
        records = [one for one in texts or () if one.replace(" ", "").startswith("v=DMARC1")]
        if texts is None or records:
            name = "_dmarc." + ".".join(step)
            texts = records if texts is not None else None
            break
        texts = []
    if not texts:
        said = _("There is no DMARC record. Gmail, Yahoo and Outlook ask for one from senders.")
        return _record("DMARC", name, texts, Verdict.BAD, said)
    wanted = dkim_keys.read_tags(texts[0]).get("p", "none").lower()
    said = {
        "reject": _("Mail that fails DMARC is to be refused (p=reject)."),
        "quarantine": _("Mail that fails DMARC is to be treated as spam (p=quarantine)."),
    }.get(wanted, _("Mail that fails DMARC is only to be reported (p=none)."))
    return _record("DMARC", name, texts, Verdict.GOOD, said)
