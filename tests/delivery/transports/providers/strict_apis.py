"""Answerers that check a request as a provider documents its API, and refuse as it would.

SendGrid: twilio.com/docs/sendgrid/api-reference/mail-send (POST /v3/mail/send).
Mailgun: documentation.mailgun.com, POST /v3/{domain}/messages.mime.
Postmark: postmarkapp.com/developer/api/email-api (POST /email).
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from email.policy import default
from itertools import count
from typing import Any

from delivery.sandbox.provider_server import Answerer, Reply, Request
from delivery.states import Provider

KEY = "key-1"
TOKEN = "token"
DOMAIN = "mg.kopisenja.example"
ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+").fullmatch
SENDGRID_RESERVED = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)
MEGABYTE = 1024 * 1024


class Wrong(Exception):  # noqa: N818 - of a request
    """What is wrong with a request: a field, and words."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
        self.words = words


def need(holds: object, field: str, words: str) -> None:
    if not holds:
        raise Wrong(field, words)


def _mailbox(value: Any, field: str) -> None:
    need(isinstance(value, dict) and set(value) <= {"email", "name"}, field, "is no mailbox")
    need(ADDRESS(str(value.get("email"))), f"{field}.email", "Does not contain a valid address.")


def check_sendgrid(request: Request) -> None:
    body = request.json
    known = {"personalizations", "from", "reply_to", "reply_to_list", "subject", "content"}
    known |= {"headers", "custom_args", "categories", "tracking_settings", "mail_settings", "asm"}
    known |= {"attachments", "template_id", "send_at", "batch_id", "ip_pool_name", "sections"}
    need(set(body) <= known, ",".join(set(body) - known), "is not a valid property")
    parts = body.get("personalizations")
    need(isinstance(parts, list) and 1 <= len(parts) <= 1_000, "personalizations", "1 to 1000")
    people: list[str] = []
    for number, part in enumerate(parts):
        field = f"personalizations.{number}"
        need(part.get("to"), f"{field}.to", "The to array is required for all personalizations.")
        for kind in ("to", "cc", "bcc"):
            for place, person in enumerate(part.get(kind, [])):
                _mailbox(person, f"{field}.{kind}.{place}")
                people.append(person["email"].lower())
        need(set(part.get("headers", {})).isdisjoint(SENDGRID_RESERVED), field, "reserved")
    need(len(people) <= 1_000, "personalizations", "No more than 1000 recipients.")
    need(len(set(people)) == len(people), "personalizations", "Each email address must be unique.")
    _mailbox(body.get("from"), "from")
    need(not ("reply_to" in body and "reply_to_list" in body), "reply_to", "One or the other.")
    for place, person in enumerate(body.get("reply_to_list", [])):
        _mailbox(person, f"reply_to_list.{place}")
    need(str(body.get("subject", "")).strip(), "subject", "The subject is required.")
    content = body.get("content")
    need(isinstance(content, list) and content, "content", "Unless a template is given: required.")
    order = ["text/plain", "text/html"]
    kinds = [part.get("type") for part in content]
    need(kinds == [kind for kind in order if kind in kinds], "content", "text/plain comes first.")
    need(all(part.get("value") for part in content), "content.0.value", "must be a string.")
    for name, value in body.get("headers", {}).items():
        need(isinstance(value, str) and value.isascii(), f"headers.{name}", "must be ASCII.")
        need("\n" not in value and "\r" not in value, f"headers.{name}", "no line ends.")
        need(name.lower() not in SENDGRID_RESERVED, f"headers.{name}", "is a reserved header.")
    custom = body.get("custom_args", {})
    need(all(isinstance(value, str) for value in custom.values()), "custom_args", "are strings.")
    need(len(json.dumps(custom).encode()) <= 10_000, "custom_args", "10,000 bytes at most.")
    need(len(body.get("categories", [])) <= 10, "categories", "10 at most.")


def sendgrid() -> Answerer:
    numbers = count(1)

    def answer(request: Request) -> Reply:
        def refuse(status: int, words: str, field: str | None = None) -> Reply:
            return Reply(
                status=status,
                body={"errors": [{"message": words, "field": field, "help": None}]},
            )

        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refuse(401, "The provided authorization grant is invalid, expired, or revoked")
        if (request.method, request.path) != ("POST", "/mail/send"):
            return refuse(404, "Not found")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return refuse(415, "Content-Type should be application/json.")
        if len(request.body) > 30 * MEGABYTE:
            return refuse(413, "The JSON payload you have included is too large.")
        try:
            check_sendgrid(request)
        except Wrong as wrong:
            return refuse(400, wrong.words, wrong.field)
        return Reply(status=202, headers={"X-Message-Id": f"sg-{next(numbers)}"})

    return answer


def check_mailgun(request: Request) -> None:
    need(request.headers["content-type"].startswith("multipart/form-data"), "type", "a form")
    parts = list(_parts(request))
    people = [value.decode() for name, value in parts if name == "to"]
    need(people, "to", "to parameter is missing")
    need(sum(len(one.split(",")) for one in people) <= 1_000, "to", "1,000 recipients at most")
    for one in people:
        need(
            ADDRESS(one.rpartition("<")[2].strip("> ")), "to", "to parameter is not a valid address"
        )
    given = {name for name, _value in parts}
    allowed = all(re.fullmatch(r"to|message|(o|v|h|t):[\w-]+|template", name) for name in given)
    need(allowed, "form", f"unknown parameters: {given}")
    files = [value for name, value in parts if name == "message"]
    need(len(files) == 1, "message", "message parameter is missing")
    need(len(files[0]) <= 25 * MEGABYTE, "message", "The message is too large")
    mail = BytesParser(policy=default).parsebytes(files[0])
    need(mail["From"] and mail["Subject"] and mail["Message-ID"], "message", "headers are missing")
    for name, value in parts:
        if name.startswith("o:tracking"):
            need(value in {b"yes", b"no", b"true", b"false", b"htmlonly"}, name, "yes or no")
    variables = {name: value for name, value in parts if name.startswith("v:")}
    need(sum(len(n) + len(v) for n, v in variables.items()) < 16_384, "v:", "16 kB at most")


def _parts(request: Request) -> Iterator[tuple[str, bytes]]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parsed: Any = BytesParser().parsebytes(head + request.body)
    for part in parsed.get_payload():
        name = part.get_param("name", header="content-disposition")
        yield str(name), part.get_payload(decode=True)


def mailgun() -> Answerer:
    numbers = count(1)
    wanted = base64.b64encode(f"api:{KEY}".encode()).decode()

    def answer(request: Request) -> Reply:
        if request.headers.get("authorization") != f"Basic {wanted}":
            return Reply(status=401, body="Forbidden")
        if request.path != f"/{DOMAIN}/messages.mime":
            return Reply(status=404, body={"message": f"Domain not found: {request.path}"})
        try:
            check_mailgun(request)
        except Wrong as wrong:
            return Reply(status=400, body={"message": wrong.words})
        number = f"<mg-{next(numbers)}@{DOMAIN}>"
        return Reply(body={"id": number, "message": "Queued. Thank you."})

    return answer


def check_postmark(body: Any) -> None:
    known = {"From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo"}
    known |= {"Headers", "TrackOpens", "TrackLinks", "Attachments", "Metadata", "MessageStream"}
    need(set(body) <= known, "body", f"unknown fields {set(body) - known}")
    for field in ("From", "To"):
        need(body.get(field), field, f"Zero recipients specified or no {field}")
    people = [one for field in ("To", "Cc", "Bcc") for one in _of_list(body.get(field, ""))]
    need(len(people) <= 50, "To", "50 recipients at most")
    for one in [*people, *_of_list(body["From"])]:
        need(ADDRESS(one.rpartition("<")[2].strip("> ")), "To", f"Invalid 'To' address: '{one}'.")
    need(len(body.get("Subject", "")) <= 2_000, "Subject", "2,000 characters at most")
    need(body.get("HtmlBody") or body.get("TextBody"), "HtmlBody", "Provide a body.")
    for field in ("HtmlBody", "TextBody"):
        need(len(body.get(field, "").encode()) <= 5 * MEGABYTE, field, "5 MB at most")
    for header in body.get("Headers", []):
        need(set(header) == {"Name", "Value"}, "Headers", "Name and Value")
        need(header["Value"].isascii() and "\n" not in header["Value"], "Headers", header["Name"])
    metadata = body.get("Metadata", {})
    need(len(metadata) <= 10, "Metadata", "10 at most")
    for name, value in metadata.items():
        fits = len(name) <= 20 and isinstance(value, str) and len(value) <= 80
        need(fits, "Metadata", f"{name}: 20 and 80 characters at most")
    need(
        body.get("TrackLinks", "None") in {"None", "HtmlAndText", "HtmlOnly", "TextOnly"}, "T", "L"
    )
    need(isinstance(body.get("TrackOpens", False), bool), "TrackOpens", "a boolean")


def _of_list(value: str) -> list[str]:
    return [one for one in re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", value) if one.strip()]


def postmark() -> Answerer:
    numbers = count(1)

    def answer(request: Request) -> Reply:
        if request.headers.get("x-postmark-server-token") != TOKEN:
            words = "The Server Token you provided in the X-Postmark-Server-Token is not valid."
            return Reply(status=401, body={"ErrorCode": 10, "Message": words})
        if request.headers.get("accept") != "application/json":
            return Reply(status=406, body={"ErrorCode": 0, "Message": "Accept: application/json"})
        if (request.method, request.path) != ("POST", "/email"):
            return Reply(status=404, body={"ErrorCode": 404, "Message": request.path})
        if len(request.body) > 10 * MEGABYTE:
            return Reply(status=413, body={"ErrorCode": 413, "Message": "Payload too large."})
        body = request.json
        try:
            for one in body if isinstance(body, list) else [body]:
                need(not isinstance(body, list) or len(body) <= 500, "batch", "500 at most")
                check_postmark(one)
        except Wrong as wrong:
            return Reply(status=422, body={"ErrorCode": 300, "Message": wrong.words})
        number = f"pm-{next(numbers)}"
        return Reply(
            body={"To": body["To"], "MessageID": number, "ErrorCode": 0, "Message": "OK"},
        )

    return answer


APIS: dict[Provider, Callable[[], Answerer]] = {
    Provider.SENDGRID: sendgrid,
    Provider.MAILGUN: mailgun,
    Provider.POSTMARK: postmark,
}
