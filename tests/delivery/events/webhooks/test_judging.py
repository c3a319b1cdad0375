"""What providers say, and what it means: their words and those of the servers they spoke with."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery.events.webhooks import judging, reading
from delivery.states import Effect, EventKind, Provider

BOUNCED, DELAYED = EventKind.BOUNCED, EventKind.DELAYED


def ses(kind: str, sub: str, diagnostic: str = "", status: str = "") -> dict[str, Any]:
    person = {"emailAddress": "a@b.example", "diagnosticCode": diagnostic, "status": status}
    return {
        "Type": "Notification",
        "Message": json.dumps(
            {
                "eventType": "Bounce",
                "mail": {"messageId": "m1", "destination": ["a@b.example"]},
                "bounce": {
                    "bounceType": kind,
                    "bounceSubType": sub,
                    "bouncedRecipients": [person],
                    "timestamp": "2026-11-30T10:00:00Z",
                },
            }
        ),
    }


def mailgun(severity: str, code: int, message: str, reason: str = "generic") -> dict[str, Any]:
    return {
        "event-data": {
            "event": "failed",
            "severity": severity,
            "reason": reason,
            "id": "1",
            "timestamp": 1_764_000_000.5,
            "recipient": "a@b.example",
            "delivery-status": {"code": code, "message": message},
        }
    }


def postmark(kind: str, details: str = "", description: str = "") -> dict[str, Any]:
    return {
        "RecordType": "Bounce",
        "Type": kind,
        "ID": 7,
        "MessageID": "m1",
        "Email": "a@b.example",
        "Details": details,
        "Description": description,
    }


def of_sendgrid(event: str, **changes: Any) -> dict[str, Any]:
    return {"event": event, "email": "a@b.example", "sg_event_id": "1"} | changes


def sparkpost(kind: str, category: str, reason: str, code: str = "") -> dict[str, Any]:
    inner = {"type": kind, "bounce_class": category, "raw_reason": reason, "error_code": code}
    return {"msys": {"message_event": inner | {"event_id": "1", "raw_rcpt_to": "a@b.example"}}}


def mailersend(kind: str, reason: str = "") -> dict[str, Any]:
    morph = {"object": "recipient_bounce", "reason": reason}
    email = {"message": {"id": "1"}, "recipient": {"email": "a@b.example"}}
    return {"type": f"activity.{kind}", "data": {"type": kind, "email": email, "morph": morph}}


def of_brevo(event: str, reason: str = "") -> dict[str, Any]:
    return {"event": event, "email": "a@b.example", "reason": reason, "message-id": "<1@x>"}


def mailtrap(event: str, response: str = "", code: int = 0, category: str = "") -> dict[str, Any]:
    return {
        "event": event,
        "email": "a@b.example",
        "message_id": "1",
        "timestamp": 1_764_000_000,
        "response": response,
        "response_code": code,
        "bounce_category": category,
    }


USER_UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"
FULL = "452 4.2.2 The email account that you tried to reach is over quota"
CASES: list[tuple[Provider, dict[str, Any], EventKind | None, Effect]] = [
    (
        Provider.AMAZON_SES,
        ses("Permanent", "General", USER_UNKNOWN, "5.1.1"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (Provider.AMAZON_SES, ses("Permanent", "NoEmail"), BOUNCED, Effect.ADDRESS_INVALID),
    (
        Provider.AMAZON_SES,
        ses("Permanent", "OnAccountSuppressionList"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (Provider.AMAZON_SES, ses("Transient", "General"), BOUNCED, Effect.TRANSIENT),
    (Provider.AMAZON_SES, ses("Transient", "MailboxFull"), BOUNCED, Effect.MAILBOX_FULL),
    (Provider.AMAZON_SES, ses("Transient", "ContentRejected"), BOUNCED, Effect.CONTENT),
    (Provider.AMAZON_SES, ses("Undetermined", "Undetermined"), BOUNCED, Effect.UNDECIDED),
    # A server's words count more than what a provider made of them.
    (
        Provider.AMAZON_SES,
        ses("Transient", "General", f"smtp; {USER_UNKNOWN}"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (
        Provider.AMAZON_SES,
        ses("Permanent", "General", "smtp; 552 5.2.2 mailbox full"),
        BOUNCED,
        Effect.MAILBOX_FULL,
    ),
    (Provider.BREVO, of_brevo("soft_bounce"), BOUNCED, Effect.TRANSIENT),
    (Provider.BREVO, of_brevo("soft_bounce", FULL), BOUNCED, Effect.MAILBOX_FULL),
    (Provider.BREVO, of_brevo("hard_bounce", USER_UNKNOWN), BOUNCED, Effect.ADDRESS_INVALID),
    (Provider.BREVO, of_brevo("deferred", FULL), DELAYED, Effect.DELAY),
    (Provider.BREVO, of_brevo("invalid_email"), BOUNCED, Effect.ADDRESS_INVALID),
    (Provider.BREVO, of_brevo("error"), BOUNCED, Effect.CONFIG),
    (Provider.MAILERSEND, mailersend("soft_bounced"), BOUNCED, Effect.TRANSIENT),
    (Provider.MAILERSEND, mailersend("soft_bounced", FULL), BOUNCED, Effect.MAILBOX_FULL),
    (Provider.MAILERSEND, mailersend("hard_bounced"), BOUNCED, Effect.ADDRESS_INVALID),
    (Provider.MAILGUN, mailgun("temporary", 452, FULL), DELAYED, Effect.DELAY),
    (Provider.MAILGUN, mailgun("temporary", 550, "550 try later"), DELAYED, Effect.DELAY),
    (Provider.MAILGUN, mailgun("permanent", 550, USER_UNKNOWN), BOUNCED, Effect.ADDRESS_INVALID),
    (
        Provider.MAILGUN,
        mailgun("permanent", 605, "", "suppress-bounce"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (
        Provider.MAILGUN,
        mailgun("permanent", 607, "", "suppress-complaint"),
        BOUNCED,
        Effect.COMPLAINT,
    ),
    (
        Provider.MAILGUN,
        mailgun("permanent", 498, "No MX for b.example"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (
        Provider.MAILTRAP,
        mailtrap("soft bounce", "451 4.3.0 try again later", 451),
        BOUNCED,
        Effect.TRANSIENT,
    ),
    (
        Provider.MAILTRAP,
        mailtrap("bounce", USER_UNKNOWN, 550, "badmailbox"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (Provider.MAILTRAP, mailtrap("suspension"), DELAYED, Effect.CONFIG),
    (
        Provider.MANDRILL,
        {
            "event": "soft_bounce",
            "_id": "1",
            "msg": {"email": "a@b.example", "bounce_description": "mailbox_full"},
        },
        BOUNCED,
        Effect.MAILBOX_FULL,
    ),
    (
        Provider.MANDRILL,
        {
            "event": "reject",
            "_id": "1",
            "msg": {"email": "a@b.example", "reject": {"reason": "unsub"}},
        },
        BOUNCED,
        Effect.UNSUBSCRIBE,
    ),
    (
        Provider.POSTMARK,
        postmark("HardBounce", f"smtp;{USER_UNKNOWN}"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (Provider.POSTMARK, postmark("Transient"), BOUNCED, Effect.TRANSIENT),
    (Provider.POSTMARK, postmark("SoftBounce", f"smtp;{FULL}"), BOUNCED, Effect.MAILBOX_FULL),
    (Provider.POSTMARK, postmark("DnsError"), BOUNCED, Effect.TRANSIENT),
    (
        Provider.POSTMARK,
        postmark("AutoResponder", "I am away"),
        EventKind.AUTO_REPLIED,
        Effect.AUTO_REPLY,
    ),
    (Provider.POSTMARK, postmark("SpamNotification"), BOUNCED, Effect.CONTENT),
    (Provider.POSTMARK, postmark("SpamComplaint"), EventKind.COMPLAINED, Effect.COMPLAINT),
    (Provider.POSTMARK, postmark("DMARCPolicy"), BOUNCED, Effect.AUTH_POLICY),
    (
        Provider.RESEND,
        {
            "type": "email.bounced",
            "data": {
                "bounce": {"type": "Transient", "subType": "MailboxFull", "message": "It was full."}
            },
        },
        BOUNCED,
        Effect.MAILBOX_FULL,
    ),
    (
        Provider.SCALEWAY,
        {
            "type": "email_dropped",
            "id": "1",
            "email_to": "a@b.example",
            "email_response_code": 550,
            "email_response_message": USER_UNKNOWN,
        },
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (
        Provider.SCALEWAY,
        {"type": "email_mailbox_not_found", "id": "1", "email_to": "a@b.example"},
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("bounce", type="bounce", reason=USER_UNKNOWN),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("bounce", type="blocked", reason=""),
        BOUNCED,
        Effect.SENDER_BLOCKED,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("bounce", type="blocked", reason=FULL),
        BOUNCED,
        Effect.MAILBOX_FULL,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("bounce", bounce_classification="Frequency or Volume Too High"),
        BOUNCED,
        Effect.THROTTLED,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("dropped", reason="Unsubscribed Address"),
        BOUNCED,
        Effect.UNSUBSCRIBE,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("dropped", reason="Spam Reporting Address"),
        BOUNCED,
        Effect.COMPLAINT,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("deferred", response="451 4.7.1 try later"),
        DELAYED,
        Effect.DELAY,
    ),
    (
        Provider.SENDGRID,
        of_sendgrid("deferred", response=USER_UNKNOWN),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (
        Provider.SPARKPOST,
        sparkpost("bounce", "10", USER_UNKNOWN, "550"),
        BOUNCED,
        Effect.ADDRESS_INVALID,
    ),
    (Provider.SPARKPOST, sparkpost("bounce", "22", ""), BOUNCED, Effect.MAILBOX_FULL),
    (
        Provider.SPARKPOST,
        sparkpost("out_of_band", "60", "I am away"),
        EventKind.AUTO_REPLIED,
        Effect.AUTO_REPLY,
    ),
    (Provider.SPARKPOST, sparkpost("delay", "21", "454 4.4.4 no MX"), DELAYED, Effect.DELAY),
    (Provider.SPARKPOST, sparkpost("something new", "", ""), None, Effect.NONE),
]


@pytest.mark.parametrize(("provider", "raw", "kind", "effect"), CASES, ids=range(len(CASES)))
def test_an_event_means_what_was_meant(provider, raw, kind, effect):
    (said,) = reading.read(provider, raw)
    found = judging.judge(said)
    if kind is None:
        assert found is None
    else:
        assert found is not None
        assert (found.kind, found.effect) == (kind, effect)


def test_a_delay_of_amazon_is_a_delay_for_each_person():
    inner = {
        "eventType": "DeliveryDelay",
        "mail": {"messageId": "m1", "destination": ["a@b.example"]},
        "deliveryDelay": {
            "delayType": "MailboxFull",
            "timestamp": "2026-11-30T10:00:00Z",
            "delayedRecipients": [{"emailAddress": "a@b.example", "status": "4.2.2"}],
        },
    }
    (said,) = reading.read(Provider.AMAZON_SES, {"Message": json.dumps(inner)})
    assert (said.kind, said.recipient, said.provider_id) == (DELAYED, "a@b.example", "m1")


def test_a_moment_far_ahead_is_the_moment_it_came(workspace):
    ahead = timezone.now() + timedelta(days=300)
    raw = of_sendgrid("delivered", timestamp=int(ahead.timestamp()))
    (said,) = reading.read(Provider.SENDGRID, raw)
    now = timezone.now()
    news = judging.feedback_of(said, workspace_id=1, account_id=1, received_at=now)
    assert news.at == now


def test_the_same_event_has_the_same_key_and_another_has_another():
    one, two = of_sendgrid("open"), of_sendgrid("open", sg_event_id="2")
    keys = [reading.read(Provider.SENDGRID, raw)[0].key for raw in (one, dict(one), two)]
    assert keys[0] == keys[1] != keys[2]
    told = [of_brevo("opened") | {"ts_epoch": at} for at in (1, 1, 2)]
    keys = [reading.read(Provider.BREVO, raw)[0].key for raw in told]
    assert keys[0] == keys[1] != keys[2]


def test_a_repeated_request_that_is_signed_anew_is_the_same_event_at_mailgun():
    raw = mailgun("permanent", 550, USER_UNKNOWN)
    keys = {
        reading.read(Provider.MAILGUN, raw | {"signature": {"token": token}})[0].key
        for token in ("a", "b")
    }
    assert len(keys) == 1


def test_amazon_says_the_same_over_two_topics_once():
    raw = ses("Permanent", "NoEmail")
    keys = {
        reading.read(Provider.AMAZON_SES, raw | {"MessageId": number})[0].key
        for number in ("1", "2")
    }
    assert len(keys) == 1
