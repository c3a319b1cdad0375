"""Suppression lists as providers write them: reasons and dates stay, domains cover people."""

from datetime import UTC, datetime

import pytest

from subscribers.models import Suppression
from subscribers.states import MigrationSource
from tests.subscribers.migrate_from.makers import moved

AT = datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)
EPOCH = int(AT.timestamp())
FILES = {
    "sendgrid bounces": (
        "suppression_bounces.csv",
        (
            "status,reason,email,created\n"
            f'5.1.1,"550 5.1.1 The email account does not exist, spam or not",a@x.example,{EPOCH}\n'
        ),
        "bounced",
    ),
    "sendgrid blocks": (
        "suppression_blocks.csv",
        (
            "status,reason,email,created\n"
            f'5.7.1,"550 5.7.1 Message rejected as spam",a@x.example,{EPOCH}\n'
        ),
        "imported",
    ),
    "sendgrid spam reports": (
        "suppression_spam_reports.csv",
        f"ip,email,created\n203.0.113.1,a@x.example,{EPOCH}\n",
        "complained",
    ),
    "sendgrid invalid": (
        "suppression_invalid_emails.csv",
        f"reason,email,created\nMail domain mentioned in it is unknown,a@x.example,{EPOCH}\n",
        "bounced",
    ),
    "sendgrid unsubscribes": (
        "suppression_unsubscribes.csv",
        f"email,created\na@x.example,{EPOCH}\n",
        "unsubscribed",
    ),
    "mailgun bounces": (
        "bounces.csv",
        (
            "address,code,error,created_at\n"
            'a@x.example,550,No such mailbox,"Sat, 06 May 2023 07:08:09 GMT"\n'
        ),
        "bounced",
    ),
    "mailgun complaints": (
        "complaints.csv",
        'address,created_at\na@x.example,"Sat, 06 May 2023 07:08:09 GMT"\n',
        "complained",
    ),
    "mailgun unsubscribes": (
        "unsubscribes.csv",
        'address,tags,created_at\na@x.example,*,"Sat, 06 May 2023 07:08:09 GMT"\n',
        "unsubscribed",
    ),
    "postmark bounce": (
        "suppressions.csv",
        (
            "EmailAddress,SuppressionReason,Origin,CreatedAt\n"
            "a@x.example,HardBounce,Recipient,2023-05-06T07:08:09Z\n"
        ),
        "bounced",
    ),
    "postmark complaint": (
        "suppressions.csv",
        (
            "EmailAddress,SuppressionReason,Origin,CreatedAt\n"
            "a@x.example,SpamComplaint,Recipient,2023-05-06T03:08:09-04:00\n"
        ),
        "complained",
    ),
    "postmark, by the reader": (
        "suppressions.csv",
        (
            "EmailAddress,SuppressionReason,Origin,CreatedAt\n"
            "a@x.example,ManualSuppression,Recipient,2023-05-06T07:08:09Z\n"
        ),
        "unsubscribed",
    ),
    "postmark, by the sender": (
        "suppressions.csv",
        (
            "EmailAddress,SuppressionReason,Origin,CreatedAt\n"
            "a@x.example,ManualSuppression,Customer,2023-05-06T07:08:09Z\n"
        ),
        "manual",
    ),
    "ses bounce": (
        "list.csv",
        "EmailAddress,Reason,LastUpdateTime\na@x.example,BOUNCE,2023-05-06T07:08:09+00:00\n",
        "bounced",
    ),
    "ses complaint": (
        "list.csv",
        "EmailAddress,Reason,LastUpdateTime\na@x.example,COMPLAINT,2023-05-06T07:08:09+00:00\n",
        "complained",
    ),
    "brevo hard bounce": (
        "blocklist.csv",
        "Email;Reason;Blocked at\na@x.example;hardBounce;06-05-2023 07:08:09\n",
        "bounced",
    ),
    "brevo spam": (
        "blocklist.csv",
        "Email;Reason;Blocked at\na@x.example;contactFlaggedAsSpam;06-05-2023 07:08:09\n",
        "complained",
    ),
    "brevo unsubscribed": (
        "blocklist.csv",
        "Email;Reason;Blocked at\na@x.example;unsubscribedViaEmail;06-05-2023 07:08:09\n",
        "unsubscribed",
    ),
    "brevo admin": (
        "blocklist.csv",
        "Email;Reason;Blocked at\na@x.example;adminBlocked;2023-05-06 07:08:09\n",
        "manual",
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_reasons_and_dates_are_kept(taken, kind):
    name, text, reason = FILES[kind]
    moved(taken(MigrationSource.SUPPRESSIONS, (name, text)))
    row = Suppression.objects.get()
    assert (row.email_key, row.reason) == ("a@x.example", reason)
    day, month = row.created_at.day, row.created_at.month
    assert {day, month} == {5, 6}
    assert row.created_at.replace(day=6, month=5) == AT


def test_what_the_server_said_is_kept(taken):
    moved(taken(MigrationSource.SUPPRESSIONS, FILES["mailgun bounces"][:2]))
    assert "No such mailbox" in Suppression.objects.get().detail


@pytest.mark.parametrize("domain", ["@spam.example", "*@Spam.example"])
def test_a_domain_covers_everybody_here_who_is_there(taken, person, domain):
    for email in ("a@spam.example", "b@spam.example", "c@other.example", "d@notspam.example"):
        person(email)
    text = (
        "email,reason,created\n"
        "A@spam.example,unsubscribed,2020-01-01\n"
        f"{domain},complaint,2023-05-06\nnew@fresh.example,bounce,2023-05-06\n"
    )
    record = moved(taken(MigrationSource.SUPPRESSIONS, ("list.csv", text)))
    reasons = dict(Suppression.objects.values_list("email_key", "reason"))
    assert reasons == {
        "a@spam.example": "unsubscribed",
        "b@spam.example": "complained",
        "new@fresh.example": "bounced",
    }
    assert record.flagged["noticed"] == {"domains": 1}
    again = moved(taken(MigrationSource.SUPPRESSIONS, ("list.csv", text)))
    assert again.suppressed == 0
