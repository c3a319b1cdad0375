"""How a test server behaves: everything that real servers do to their clients, on request."""

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

STAGES: Final = ("banner", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT")
TLS_MODES: Final = ("none", "starttls", "implicit")
TREATMENTS: Final = ("greylist", "slow", "hang_up")
CERTIFICATES: Final = ("good", "wrong_name", "expired", "self_signed")


class BehaviourError(Exception):
    """What was asked for is no behaviour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Behaviour:
    """The defaults are a fast server that takes everything; times are in seconds.

    ``drop_at`` names the stage at which the connection is cut: "banner" before a word is said,
    "MAIL" and so on instead of the answer, "BODY" in the middle of a mail, "DOT" when the whole
    mail has come: it counts as accepted, yet the answer never leaves.

    ``refuse`` and ``treat`` are asked for the address as it is, then without ``+tag``, then for
    its ``@domain``. Of `TREATMENTS`, "greylist" refuses the first try, "slow" answers to the whole
    mail after ``slow_delay``, "hang_up" takes the mail and hangs up without an answer.
    """

    # What is offered
    pipelining: bool = True
    eight_bit: bool = True
    smtputf8: bool = True
    enhanced: bool = True
    dsn: bool = False
    size: int = 0  # bytes; 0: no limit is named
    helo_only: bool = False
    tls: str = "none"
    certificate: str = "good"
    users: dict[str, str] = field(default_factory=dict)  # name → password; empty: no sign-in
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")
    clear_text_auth: bool = True  # also without TLS
    refuse_auth_after: int = -1  # mails; from then on the password is wrong

    # What is answered
    replies: dict[str, str] = field(default_factory=dict)  # stage → "550 5.7.1 no"; DOT too
    refuse: dict[str, str] = field(default_factory=dict)  # address or @domain → answer to RCPT
    treat: dict[str, str] = field(default_factory=dict)  # address or @domain → a treatment
    greylist: float = 0.0  # a recipient's first try, and any before so long after it, gets 451
    close_after: int = 0  # mails per connection; then 421 instead of an answer to MAIL
    busy: bool = False  # 421 instead of a banner
    most_connections: int = 0  # more get 421; 0: any number

    # How it is answered
    tarpit: float = 0.0  # before every answer
    dot_delay: float = 0.0  # before the answer to a whole mail
    slow_delay: float = 5.0  # before the answer to a mail to somebody who is treated "slow"
    byte_delay: float = 0.0  # between the bytes of every answer
    silent_at: str = ""  # the stage that is never answered
    junk_at: str = ""  # the stage that is answered by something that is not SMTP
    words_after_starttls: bool = False  # plain words behind the 220, as an attacker would add

    # When the connection is cut
    drop_at: str = ""
    drop_probability: float = 1.0
    drop_seed: int = 1
    drop_from: int = 0  # mails accepted before the first cut
    drop_most: int = -1  # cuts in all; -1: without end

    # What is kept
    keep_body: bool = False

    def __post_init__(self) -> None:
        for name in ("drop_at", "silent_at", "junk_at"):
            value = getattr(self, name)
            if value and value not in STAGES:
                raise BehaviourError(f"{name}: {value!r} is none of {', '.join(STAGES)}")
        if self.tls not in TLS_MODES:
            raise BehaviourError(f"tls: {self.tls!r} is none of {', '.join(TLS_MODES)}")
        if self.certificate not in CERTIFICATES:
            raise BehaviourError(f"certificate: {self.certificate!r} is unknown")
        unknown = set(self.replies) - set(STAGES)
        if unknown:
            raise BehaviourError(f"replies: no stage is called {', '.join(sorted(unknown))}")
        strange = set(self.treat.values()) - set(TREATMENTS)
        if strange:
            raise BehaviourError(f"treat: {', '.join(sorted(strange))} is unknown")

    def changed(self, changes: dict[str, Any]) -> "Behaviour":
        """Return this behaviour with some things done differently.

        Raises:
            BehaviourError: there is no such thing.
        """
        unknown = set(changes) - {entry.name for entry in fields(self)}
        if unknown:
            raise BehaviourError(f"no behaviour is called {', '.join(sorted(unknown))}")
        if isinstance(changes.get("mechanisms"), list):
            changes = changes | {"mechanisms": tuple(changes["mechanisms"])}
        return replace(self, **changes)


def rule_for(rules: dict[str, str], person: str) -> str:
    """Return what ``refuse`` or ``treat`` says about an address; "" for nothing."""
    if not rules:
        return ""
    local, _at, domain = person.rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    return rules.get(person) or rules.get(plain) or rules.get(f"@{domain}", "")


def from_json(text: str) -> Behaviour:
    """Read a behaviour: a JSON object of the fields that differ from the defaults.

    Raises:
        BehaviourError: it is not one.
    """
    try:
        changes = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise BehaviourError(f"not JSON: {error}") from error
    if not isinstance(changes, dict):
        raise BehaviourError("not a JSON object")
    return Behaviour().changed(changes)
