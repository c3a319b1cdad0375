"""What a server's answer means, by words, status and code; and that any answer means something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.refusals import phrases, rules
from delivery.refusals.causes import MEANINGS, Cause
from delivery.refusals.classify import refusal
from delivery.refusals.words import GAP, Words, phrase
from delivery.states import Effect

C = Cause
ANSWERS: list[tuple[int, str, str, Cause]] = [
    # the address
    (550, "5.1.1", "user unknown", C.USER_UNKNOWN),
    (550, "5.1.1", "<nina@example.org>... User unknown", C.USER_UNKNOWN),
    (550, "", "No such user here", C.USER_UNKNOWN),
    (
        550,
        "5.1.10",
        "RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup",
        C.USER_UNKNOWN,
    ),
    (550, "5.5.0", "Requested action not taken: mailbox unavailable", C.USER_UNKNOWN),
    (550, "5.1.0", "Address rejected nina@example.org", C.USER_UNKNOWN),
    (550, "5.1.2", "Host unknown (Name server: host not found)", C.DOMAIN_UNKNOWN),
    (556, "", "no", C.DOMAIN_TAKES_NO_MAIL),
    (550, "", "Domain does not accept mail: null MX", C.DOMAIN_TAKES_NO_MAIL),
    (551, "", "User has moved to another provider", C.MOVED),
    (501, "5.1.3", "Bad recipient address syntax", C.ADDRESS_SYNTAX),
    # the mailbox
    (525, "5.7.13", "User account disabled", C.MAILBOX_DISABLED),
    (554, "", "This account has been disabled or discontinued", C.MAILBOX_DISABLED),
    (550, "5.2.1", "User unknown", C.MAILBOX_DISABLED),  # the status doubts the words
    (550, "5.7.1", "User unknown", C.RECIPIENT_REFUSED),
    (550, "5.4.1", "Recipient address rejected: Access denied", C.RECIPIENT_REFUSED),
    (452, "4.2.2", "The recipient's inbox is out of storage space", C.MAILBOX_FULL),
    (552, "", "Requested mail action aborted: exceeded storage allocation", C.MAILBOX_FULL),
    (550, "", "Destinatario desconocido o mailbox full", C.MAILBOX_FULL),  # unknown, or full
    # what passes
    (450, "4.2.0", "Recipient address rejected: Greylisted", C.GREYLISTED),
    (451, "", "Greylisting in action, please come back later", C.GREYLISTED),
    (452, "4.3.1", "Insufficient system storage", C.SYSTEM_FULL),
    (421, "4.4.2", "Connection timed out", C.NETWORK),
    (554, "5.4.6", "Too many hops", C.MAIL_LOOP),
    (554, "4.4.7", "Message expired: unable to deliver in 840 minutes", C.EXPIRED),
    (421, "", "Too many concurrent connections", C.TOO_MANY_CONNECTIONS),
    (454, "4.7.0", "TLS not available due to local problem", C.TLS_FAILED),
    (550, "5.7.10", "Encryption required", C.TLS_FAILED),
    # patience
    (
        421,
        "4.7.28",
        "Our system has detected an unusual rate of mail from your SPF domain",
        C.RATE_LIMITED,
    ),
    (450, "4.2.1", "The user is receiving mail at a rate that prevents more", C.RATE_LIMITED),
    (550, "", "Ip frequency limited", C.RATE_LIMITED),
    # the sender
    (554, "5.7.1", "Client host [192.0.2.1] blocked using zen.spamhaus.org", C.BLOCKLISTED),
    (550, "5.7.606", "Access denied, banned sending IP [192.0.2.1]", C.BLOCKLISTED),
    (550, "5.7.1", "likely suspicious due to the very low reputation", C.BAD_REPUTATION),
    (550, "5.7.25", "The IP address does not have a PTR record", C.NO_REVERSE_DNS),
    (450, "4.7.1", "Client host rejected: cannot find your hostname", C.NO_REVERSE_DNS),
    (550, "5.1.8", "Sender address rejected: Domain not found", C.SENDER_REJECTED),
    # authentication and policies
    (
        550,
        "5.7.26",
        "Unauthenticated email is not accepted due to DMARC policy",
        C.AUTHENTICATION_FAILED,
    ),
    (
        550,
        "5.7.515",
        "Access denied, sending domain does not meet the level",
        C.AUTHENTICATION_FAILED,
    ),
    (554, "5.7.9", "Message not accepted for policy reasons", C.POLICY),
    (550, "5.7.1", "RESOLVER.RST.AuthRequired; authentication required", C.RESTRICTED_RECIPIENT),
    (550, "5.1.1", "Refused due to recipient preferences", C.FILTERED),
    # the mail
    (550, "5.7.1", "Message content rejected, UBE", C.SPAM_CONTENT),
    (552, "5.7.0", "Virus detected", C.VIRUS),
    (552, "5.3.4", "Message size exceeds fixed limit", C.TOO_LARGE),
    (
        550,
        "5.7.1",
        "Messages with multiple 550-5.7.1 addresses in From: are not accepted",
        C.MALFORMED,
    ),
    # us
    (530, "5.7.0", "Must issue AUTH first: authentication required", C.SIGN_IN_REQUIRED),
    (554, "5.7.1", "<nina@example.org>: Relay access denied", C.RELAY_DENIED),
    (550, "5.4.5", "Daily user sending limit exceeded", C.ACCOUNT_LIMIT),
    (503, "5.5.1", "Bad sequence of commands", C.PROTOCOL),
    # languages
    (550, "", "Utilisateur inconnu", C.USER_UNKNOWN),
    (550, "", "Пользователь не найден", C.USER_UNKNOWN),
    (550, "", "用户不存在", C.USER_UNKNOWN),
    (552, "", "Das Postfach ist voll", C.MAILBOX_FULL),
    (421, "", "Trop de connexions", C.TOO_MANY_CONNECTIONS),
    (550, "", "Adresse IP source bloquee pour incident de spam", C.BLOCKLISTED),
    # nothing
    (550, "5.0.0", "", C.UNDECIDED),
    (0, "", "no", C.UNDECIDED),
]


@pytest.mark.parametrize(("code", "enhanced", "text", "cause"), ANSWERS)
def test_an_answer_has_a_cause(code, enhanced, text, cause):
    assert refusal(code=code, enhanced=enhanced, text=text).cause is cause


def test_codes_are_found_in_the_words_where_nobody_read_them():
    found = refusal(code=0, enhanced="", text="550 5.2.2 no")
    assert (found.cause, found.is_permanent) == (Cause.MAILBOX_FULL, True)


@pytest.mark.parametrize("text", ["user unknown", "Host not found", "mailbox does not exist"])
def test_who_says_try_again_has_not_made_up_their_mind(text):
    assert refusal(code=450, enhanced="4.1.1", text=text).effect is Effect.TRANSIENT
    assert refusal(code=550, enhanced="5.1.1", text=text).effect is Effect.ADDRESS_INVALID


def test_words_about_a_user_are_trusted_where_users_are_asked_for():
    answer = {"code": 550, "enhanced": "5.7.1", "text": "no such user"}
    assert refusal(**answer, stage="recipient").effect is Effect.ADDRESS_INVALID
    assert refusal(**answer).effect is Effect.MAILBOX_INACTIVE


def test_words_about_a_user_are_doubted_after_the_whole_mail():
    answer = {"code": 550, "enhanced": "", "text": "unknown user", "stage": "data"}
    assert refusal(**answer).effect is Effect.MAILBOX_INACTIVE
    assert refusal(**answer, domain="docomo.ne.jp").cause is Cause.FILTERED
    known = refusal(code=550, enhanced="5.1.1", text="unknown user", stage="data")
    assert known.effect is Effect.ADDRESS_INVALID


def test_addresses_are_no_words():
    text = "<spam.blocked.quota-exceeded@virus.example>: no such user"
    assert refusal(code=550, enhanced="5.1.1", text=text).cause is Cause.USER_UNKNOWN


def test_every_cause_has_a_meaning_and_every_rule_a_cause():
    assert set(MEANINGS) == set(Cause)
    every = (*phrases.BY_WORDS.rules, *phrases.LATE.rules)
    assert {rule.cause for rule in every} <= set(Cause)
    tables = (rules.BY_STATUS, rules.BY_DETAIL, rules.BY_SUBJECT, rules.BY_CODE)
    assert all(isinstance(cause, Cause) for table in tables for cause in table.values())
    assert len({cause for cause in Cause if cause}) >= 36


def test_every_phrase_fits_itself():
    for rule in (*phrases.BY_WORDS.rules, *phrases.LATE.rules):
        for written in rule.says:
            said = Words(written.replace("…", " ").replace("*", "ing"))
            assert said.has(phrase(written)), written
            code = rule.codes[0] if rule.codes else "550"
            if not any(said.has(phrase(other)) for other in rule.unless):
                assert rule.fits(said, code=550, enhanced=code, domain="example.org"), written


def test_a_gap_has_an_end():
    wanted = phrase("user…unknown")
    assert Words(f"user {'x' * (GAP - 8)} unknown").has(wanted)
    assert not Words(f"user {'x' * (GAP + 8)} unknown").has(wanted)


@given(
    code=st.integers(),
    enhanced=st.text(max_size=20),
    text=st.text()
    | st.lists(st.sampled_from(["user", "mailbox", "550", "5.1.1", "@"])).map(" ".join),
    domain=st.text(max_size=50),
    stage=st.sampled_from(["", "recipient", "data", "relayed"]),
)
def test_whatever_is_said_means_something(code, enhanced, text, domain, stage):
    found = refusal(code=code, enhanced=enhanced, text=text, domain=domain, stage=stage)
    assert found.effect in Effect
    assert found.cause in Cause
