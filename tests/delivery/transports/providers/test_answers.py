"""What each provider's documented answers make of a mail, against a server that gives them."""

from typing import Any

import pytest

from delivery.sandbox.provider_server import Reply, running
from delivery.states import Provider
from delivery.transports.protocol import Verdict
from tests.delivery.transports.providers.provider_calls import send

SENT, FAILED, DEFERRED = Verdict.SENT, Verdict.FAILED, Verdict.DEFERRED
NOT_SENT, UNKNOWN = Verdict.NOT_SENT, Verdict.UNKNOWN
YOU = "reader1@example.org"
TAKEN: dict[Provider, Reply] = {
    Provider.AMAZON_SES: Reply(body={"MessageId": "010201-1"}),
    Provider.BREVO: Reply(status=201, body={"messageId": "<1@smtp-relay.mailin.fr>"}),
    Provider.MAILERSEND: Reply(status=202, headers={"X-Message-Id": "5e42957d51f1d94a1070a733"}),
    Provider.MAILGUN: Reply(body={"id": "<1@mg.kopisenja.example>", "message": "Queued. Thanks."}),
    Provider.MAILJET: Reply(
        body={
            "Messages": [
                {
                    "Status": "success",
                    "To": [{"Email": YOU, "MessageUUID": "1ab", "MessageID": 456}],
                }
            ]
        }
    ),
    Provider.MAILTRAP: Reply(body={"success": True, "message_ids": ["0c7fd939-02cf"]}),
    Provider.MANDRILL: Reply(body=[{"email": YOU, "status": "sent", "_id": "abc"}]),
    Provider.POSTAL: Reply(
        body={"status": "success", "data": {"messages": {YOU: {"id": 3, "token": "x"}}}}
    ),
    Provider.POSTMARK: Reply(
        body={"To": YOU, "MessageID": "b7bc", "ErrorCode": 0, "Message": "OK"}
    ),
    Provider.RESEND: Reply(body={"id": "49a3999c-0ce1"}),
    Provider.SCALEWAY: Reply(body={"emails": [{"id": "s1", "mail_rcpt": YOU, "status": "new"}]}),
    Provider.SENDGRID: Reply(status=202, headers={"X-Message-Id": "f9a3"}),
    Provider.SPARKPOST: Reply(
        body={
            "results": {
                "total_rejected_recipients": 0,
                "total_accepted_recipients": 1,
                "id": "11668787484950529",
            }
        }
    ),
    Provider.UNISENDER_GO: Reply(body={"status": "success", "job_id": "1Zy", "emails": [YOU]}),
}


@pytest.fixture(autouse=True)
def _own_provider(settings: Any) -> None:
    settings.OWN_PROVIDERS = ["127.0.0.1"]


def answered(which: Provider, reply: Reply) -> tuple[Verdict, str]:
    """Send one mail; return its verdict and whom the answer blames."""
    with running(lambda _request: reply) as server:
        done = send(server, 1, which)
    trouble = done.trouble
    if trouble is None:
        return done.verdicts[0], ""
    if trouble.is_patience:
        return done.verdicts[0], "patience"
    return done.verdicts[0], "account" if trouble.permanent else "server"


@pytest.mark.parametrize("which", list(Provider))
def test_taken_is_what_the_provider_says_it_took(which):
    assert answered(which, TAKEN[which]) == (SENT, "")


@pytest.mark.parametrize("which", list(Provider))
@pytest.mark.parametrize(
    "body",
    ["", "<html>Welcome to the hotel's network</html>", {}, {"ok": True}, [], None],
    ids=["empty", "html", "{}", "other", "[]", "null"],
)
def test_a_200_that_names_neither_status_nor_id_is_not_sent(which, body):
    reply = Reply(status=200, body="null" if body is None else body)
    assert answered(which, reply) == (UNKNOWN, "")


@pytest.mark.parametrize("which", list(Provider))
@pytest.mark.parametrize("status", [400, 422])
def test_the_words_of_success_with_another_status_are_no_success(which, status):
    taken = TAKEN[which]
    reply = Reply(status=status, body=taken.body, headers=taken.headers)
    verdict, _blame = answered(which, reply)
    # Nobody named: it waits, and a few such in a row stop the account.
    assert verdict in {FAILED, DEFERRED}


POSTMARK_INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive. "
    f"Found inactive addresses: {YOU}"
)
ERRORS: list[tuple[Provider, int, Any, Verdict, str]] = [
    (Provider.POSTMARK, 422, {"ErrorCode": 406, "Message": POSTMARK_INACTIVE}, FAILED, ""),
    (Provider.POSTMARK, 422, {"ErrorCode": 406, "Message": "Inactive."}, FAILED, ""),
    (Provider.POSTMARK, 200, {"ErrorCode": 406, "Message": "Inactive."}, FAILED, ""),
    (
        Provider.POSTMARK,
        422,
        {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{YOU}'."},
        FAILED,
        "",
    ),
    (
        Provider.POSTMARK,
        422,
        {"ErrorCode": 300, "Message": "Error parsing 'To': it is not an address."},
        DEFERRED,
        "",
    ),
    (Provider.POSTMARK, 401, {"ErrorCode": 10, "Message": "No token."}, NOT_SENT, "account"),
    (Provider.POSTMARK, 422, {"ErrorCode": 400, "Message": "No signature."}, NOT_SENT, "account"),
    (Provider.POSTMARK, 422, {"ErrorCode": 405, "Message": "Not allowed."}, NOT_SENT, "account"),
    (Provider.POSTMARK, 422, {"ErrorCode": 412, "Message": "Pending."}, NOT_SENT, "account"),
    (Provider.POSTMARK, 429, {"ErrorCode": 429, "Message": "Slower."}, NOT_SENT, "patience"),
    (Provider.POSTMARK, 503, {"ErrorCode": 100, "Message": "Maintenance."}, DEFERRED, ""),
    (
        Provider.SENDGRID,
        400,
        {
            "errors": [
                {
                    "message": "Does not contain a valid address.",
                    "field": "personalizations.0.to.0.email",
                    "help": None,
                }
            ]
        },
        FAILED,
        "",
    ),
    (
        Provider.SENDGRID,
        403,
        {"errors": [{"message": "It does not match.", "field": "from", "help": None}]},
        NOT_SENT,
        "account",
    ),
    (Provider.SENDGRID, 200, "", UNKNOWN, ""),  # its sandbox mode: valid, and not queued
    (Provider.MAILGUN, 400, {"message": f"to parameter is no address: {YOU}"}, FAILED, ""),
    (Provider.MAILGUN, 401, "Forbidden", NOT_SENT, "account"),
    (Provider.MAILGUN, 404, {"message": "Domain not found: x"}, NOT_SENT, "account"),
    (Provider.MAILGUN, 200, {"message": "Mailgun Magnificent API"}, UNKNOWN, ""),
    (Provider.BREVO, 402, {"code": "not_enough_credits", "message": "No."}, NOT_SENT, "account"),
    (Provider.BREVO, 400, {"code": "unauthorized", "message": "No."}, NOT_SENT, "account"),
    (Provider.BREVO, 400, {"code": "invalid_parameter", "message": "Hm."}, DEFERRED, ""),
    (
        Provider.BREVO,
        400,
        {"code": "invalid_parameter", "message": f"email is not valid in to: {YOU}"},
        FAILED,
        "",
    ),
    (
        Provider.MANDRILL,
        500,
        {"status": "error", "code": -1, "name": "Invalid_Key", "message": "Invalid API key"},
        NOT_SENT,
        "account",
    ),
    (
        Provider.MANDRILL,
        500,
        {"status": "error", "code": -2, "name": "ValidationError", "message": "Wrong"},
        DEFERRED,
        "",
    ),
    (
        Provider.MANDRILL,
        200,
        [{"email": YOU, "status": "rejected", "reject_reason": "hard-bounce", "_id": "a"}],
        FAILED,
        "",
    ),
    (Provider.MANDRILL, 200, [{"email": YOU, "status": "invalid"}], FAILED, ""),
    (
        Provider.MANDRILL,
        200,
        [{"email": YOU, "status": "rejected", "reject_reason": "unsigned", "_id": "a"}],
        NOT_SENT,
        "account",
    ),
    (Provider.MANDRILL, 200, [{"email": YOU, "status": "scheduled", "_id": "a"}], SENT, ""),
    (Provider.MANDRILL, 200, [{"email": YOU, "status": "odd"}], UNKNOWN, ""),
    (
        Provider.MAILJET,
        400,
        {
            "Messages": [
                {
                    "Status": "error",
                    "Errors": [
                        {
                            "ErrorCode": "send-0008",
                            "StatusCode": 403,
                            "ErrorMessage": "It is not an authorised sender.",
                            "ErrorRelatedTo": ["From"],
                        }
                    ],
                }
            ]
        },
        NOT_SENT,
        "account",
    ),
    (
        Provider.MAILJET,
        400,
        {
            "Messages": [
                {
                    "Status": "error",
                    "Errors": [
                        {
                            "ErrorCode": "mj-0013",
                            "StatusCode": 400,
                            "ErrorMessage": "It is an invalid email address.",
                            "ErrorRelatedTo": ["To[0].Email"],
                        }
                    ],
                }
            ]
        },
        FAILED,
        "",
    ),
    (
        Provider.MAILJET,
        401,
        {"ErrorCode": "mj-0001", "StatusCode": 401, "ErrorMessage": "Wrong key."},
        NOT_SENT,
        "account",
    ),
    (Provider.MAILTRAP, 401, {"error": "Unauthorized"}, NOT_SENT, "account"),
    (Provider.MAILTRAP, 400, {"success": False, "errors": [f"{YOU} is invalid"]}, FAILED, ""),
    (Provider.MAILTRAP, 200, {"success": False, "errors": ["it is empty"]}, DEFERRED, ""),
    (
        Provider.MAILERSEND,
        422,
        {"message": "Invalid.", "errors": {"from.email": ["Verify it first. #MS42207"]}},
        NOT_SENT,
        "account",
    ),
    (
        Provider.MAILERSEND,
        422,
        {"message": "Invalid.", "errors": {"to.0.email": ["It must be valid."]}},
        FAILED,
        "",
    ),
    (
        Provider.MAILERSEND,
        202,
        {
            "warnings": [
                {
                    "type": "ALL_SUPPRESSED",
                    "recipients": [{"email": YOU, "reason": ["hard_bounced"]}],
                }
            ]
        },
        FAILED,
        "",
    ),
    (
        Provider.POSTAL,
        200,
        {"status": "error", "data": {"code": "UnauthenticatedFromAddress", "message": "No."}},
        NOT_SENT,
        "account",
    ),
    (
        Provider.POSTAL,
        200,
        {"status": "error", "data": {"code": "InvalidServerAPIKey", "message": "No."}},
        NOT_SENT,
        "account",
    ),
    (
        Provider.POSTAL,
        200,
        {"status": "parameter-error", "data": {"message": "It is missing."}},
        DEFERRED,
        "",
    ),
    (
        Provider.RESEND,
        403,
        {"statusCode": 403, "name": "validation_error", "message": "Verify the domain."},
        NOT_SENT,
        "account",
    ),
    (
        Provider.RESEND,
        422,
        {"statusCode": 422, "name": "invalid_from_address", "message": "Hm."},
        NOT_SENT,
        "account",
    ),
    (
        Provider.RESEND,
        429,
        {"statusCode": 429, "name": "daily_quota_exceeded", "message": "Hm."},
        NOT_SENT,
        "patience",
    ),
    (
        Provider.RESEND,
        422,
        {"statusCode": 422, "name": "validation_error", "message": f"Invalid `to`: {YOU}"},
        FAILED,
        "",
    ),
    (
        Provider.SCALEWAY,
        400,
        {"message": "Quota.", "type": "quotas_exceeded"},
        NOT_SENT,
        "account",
    ),
    (
        Provider.SCALEWAY,
        200,
        {"emails": [{"id": "s1", "mail_rcpt": YOU, "status": "failed"}]},
        FAILED,
        "",
    ),
    (
        Provider.SPARKPOST,
        400,
        {"errors": [{"message": "Invalid domain", "code": "7001", "description": "x"}]},
        NOT_SENT,
        "account",
    ),
    (Provider.SPARKPOST, 420, {"errors": [{"message": "Limit"}]}, NOT_SENT, "patience"),
    (
        Provider.SPARKPOST,
        200,
        {"results": {"total_rejected_recipients": 1, "total_accepted_recipients": 0, "id": "1"}},
        FAILED,
        "",
    ),
    (
        Provider.SPARKPOST,
        200,
        {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 0, "id": "1"}},
        DEFERRED,
        "",
    ),
    (
        Provider.UNISENDER_GO,
        200,
        {"status": "success", "job_id": "1", "emails": [], "failed_emails": {YOU: "invalid"}},
        FAILED,
        "",
    ),
    (
        Provider.UNISENDER_GO,
        200,
        {
            "status": "success",
            "job_id": "1",
            "emails": [],
            "failed_emails": {YOU: "temporary_unavailable"},
        },
        DEFERRED,
        "",
    ),
    (Provider.MAILJET, 200, {"Messages": []}, UNKNOWN, ""),
    (
        Provider.UNISENDER_GO,
        200,
        {"status": "success", "job_id": "1", "emails": [], "failed_emails": {YOU: "new_word"}},
        FAILED,
        "",
    ),
    (
        Provider.UNISENDER_GO,
        200,
        {"status": "success", "job_id": "1", "emails": [], "failed_emails": {}},
        UNKNOWN,
        "",
    ),
    (
        Provider.UNISENDER_GO,
        400,
        {"status": "error", "code": 204, "message": "No.", "failed_emails": {YOU: "unsubscribed"}},
        FAILED,
        "",
    ),
    (
        Provider.UNISENDER_GO,
        401,
        {"status": "error", "code": 103, "message": "Wrong key"},
        NOT_SENT,
        "account",
    ),
]


@pytest.mark.parametrize(
    ("which", "status", "body", "verdict", "blamed"),
    ERRORS,
    ids=[f"{which}-{status}-{n}" for n, (which, status, *_) in enumerate(ERRORS)],
)
def test_documented_errors(which, status, body, verdict, blamed):
    headers = {"Content-Type": "application/json"} if isinstance(body, dict | list) else {}
    assert answered(which, Reply(status=status, body=body, headers=headers)) == (verdict, blamed)


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("MessageRejected", f"Address is on the suppression list: {YOU}", (FAILED, "")),
        ("MessageRejected", "Email address is not verified.", (NOT_SENT, "account")),
        ("AccountSuspendedException", "Suspended.", (NOT_SENT, "account")),
        ("SendingPausedException", "Paused.", (NOT_SENT, "account")),
        ("TooManyRequestsException", "Slower.", (NOT_SENT, "patience")),
        ("BadRequestException", "Hm.", (DEFERRED, "")),
    ],
)
def test_documented_errors_of_amazon(code, words, expected):
    reply = Reply(status=400, body={"message": words}, headers={"x-amzn-ErrorType": code})
    assert answered(Provider.AMAZON_SES, reply) == expected


def test_a_strict_postmark_loses_nobody():
    """31 of 1,500 people are inactive there: they fail with the reason, all others are sent."""

    def answer(request: Any) -> Reply:
        person = request.json["To"].partition("<")[2].rstrip(">")
        number = int(person.removeprefix("reader").partition("@")[0])
        if number % 48:
            said = {"To": person, "MessageID": f"id-{number}", "ErrorCode": 0, "Message": "OK"}
            return Reply(body=said)
        return Reply(status=422, body={"ErrorCode": 406, "Message": POSTMARK_INACTIVE})

    with running(answer) as server:
        done = send(server, 300, Provider.POSTMARK)
    assert done.trouble is None
    assert done.count(FAILED) == 300 // 48
    assert done.count(SENT) == 300 - 300 // 48
    assert all(
        done.outcomes[n].provider_id for n in done.pulled if done.outcomes[n].verdict is SENT
    )
