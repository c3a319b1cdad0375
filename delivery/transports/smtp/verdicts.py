"""What a server's answer means for this mail, and whom it blames.

The first digit decides whether to try again (RFC 5321 §4.2.1); the stage, the code and the enhanced
status (RFC 3463, 4954, 7372) decide who is to blame:

=========  ===================================================  ============  =======
stage      answer                                               verdict       blame
=========  ===================================================  ============  =======
any        421                                                  deferred      session
MAIL       454, 530, 534, 535, 538, 5.7.8, 5.7.9, 5.7.11        not sent      sign-in
later      the same: the server lets us in, but not this mail   deferred      sender
MAIL       552, 5.3.4, 5.2.3 (too large), 5.6.7 (no UTF-8)      failed        mail
MAIL       other 5xx: the sender is refused                     deferred      sender
MAIL       other 4xx                                            deferred      sender
RCPT       552 without an enhanced code (§4.5.3.1.10: as 452)   deferred      person
RCPT       5xx that speaks of us (5.7.x of authentication,      failed, or    sender
           "relay access denied", "client host rejected")       deferred *
RCPT       other                                                by its digit  person
DATA, end  5xx that speaks of us                                failed, or    sender
                                                                deferred *
DATA, end  other                                                by its digit  mail
=========  ===================================================  ============  =======

A refusal that blames the sender says nothing about the person. (*) Where the mail before was
accepted it is this receiver's own policy, and final; where it was not, the mail waits, and after a
few such in a row the whole server counts as in trouble. One odd address can so never stop a
campaign, and one blocked sender can never use up a whole audience.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from delivery.transports.protocol import Verdict
from delivery.transports.smtp.reply import Reply


class Stage(Enum):
    """Which command an answer belongs to."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    FINAL_DOT = "."
    EMPTY_DOT = "empty ."  # ends a transaction that must not send (RFC 2920 §3.1)
    QUIT = "QUIT"


class Blame(Enum):
    """Who is at fault when it is not accepted."""

    NOBODY = "nobody"
    PERSON = "person"
    MAIL = "mail"
    SENDER = "sender"
    SESSION = "session"
    SIGN_IN = "sign-in"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What to record, and whom it counts against."""

    verdict: Verdict
    blame: Blame


CLOSING: Final = 421
SIGN_IN_CODES: Final = frozenset({454, 530, 534, 535, 538})
SIGN_IN_STATUS: Final = frozenset({"5.7.8", "5.7.9", "5.7.11"})
TOO_LARGE: Final = frozenset({"5.3.4", "5.2.3"})
NEEDS_UTF8: Final = frozenset({"5.6.7", "5.6.9", "5.6.10"})
SENDER_STATUS: Final = frozenset(
    # RFC 3463 5.1.7 and 5.1.8: bad sender; RFC 7372: DKIM, SPF, reverse DNS, and others
    {"5.1.7", "5.1.8", *(f"5.7.{detail}" for detail in range(20, 30)), "5.7.509", "5.7.515"}
)
SPEAKS_OF_US: Final = re.compile(
    r"relay(?:ing)?\b.{0,20}\b(?:denied|not (?:permitted|allowed))|unable to relay"
    r"|not (?:permitted|allowed) to relay|we do not relay"
    r"|client host\b.{0,60}\b(?:rejected|blocked|denied)|blocked using|helo command rejected"
    r"|sender address rejected|sender (?:address )?(?:is )?(?:rejected|denied|not allowed)"
    r"|(?:must|need to|not) (?:be )?authenticat",
    re.IGNORECASE,
)

SIGN_IN_FIRST: Final = Judgement(verdict=Verdict.NOT_SENT, blame=Blame.SIGN_IN)
ASK_AGAIN: Final = Judgement(verdict=Verdict.DEFERRED, blame=Blame.SENDER)
ACCEPTED: Final = Judgement(verdict=Verdict.SENT, blame=Blame.NOBODY)


def judge(stage: Stage, reply: Reply, *, accepted_before: bool) -> Judgement:
    """Say what an answer that refuses (or, at the final dot, accepts) a mail means.

    ``accepted_before``: the mail before this one was accepted by the same server.
    """
    if stage is Stage.FINAL_DOT and reply.is_positive:
        return ACCEPTED
    if reply.code == CLOSING:
        return Judgement(verdict=Verdict.DEFERRED, blame=Blame.SESSION)
    if reply.code in SIGN_IN_CODES or reply.enhanced in SIGN_IN_STATUS:
        return SIGN_IN_FIRST if stage is Stage.MAIL else ASK_AGAIN
    if stage is Stage.MAIL:
        return _at_mail(reply)
    if reply.is_permanent:
        return _refused(stage, reply, accepted_before=accepted_before)
    fault = Blame.PERSON if stage is Stage.RCPT else Blame.MAIL
    return Judgement(verdict=Verdict.DEFERRED, blame=fault)


def _at_mail(reply: Reply) -> Judgement:
    """Read a refusal of MAIL: the person has not been named yet."""
    is_about_mail = reply.enhanced in TOO_LARGE | NEEDS_UTF8 or reply.code == 552  # noqa: PLR2004
    if reply.is_permanent and is_about_mail:
        return Judgement(verdict=Verdict.FAILED, blame=Blame.MAIL)
    return Judgement(verdict=Verdict.DEFERRED, blame=Blame.SENDER)


def _refused(stage: Stage, reply: Reply, *, accepted_before: bool) -> Judgement:
    if stage is Stage.RCPT and reply.code == 552 and not reply.enhanced:  # noqa: PLR2004 - see above
        return Judgement(verdict=Verdict.DEFERRED, blame=Blame.PERSON)
    if reply.enhanced in SENDER_STATUS or SPEAKS_OF_US.search(reply.text):
        verdict = Verdict.FAILED if accepted_before else Verdict.DEFERRED
        return Judgement(verdict=verdict, blame=Blame.SENDER)
    fault = Blame.PERSON if stage is Stage.RCPT else Blame.MAIL
    return Judgement(verdict=Verdict.FAILED, blame=fault)
