"""What a provider's own error codes say, and where in its answers they stand.

A code is stable where a sentence is not: it decides first, then the field that it complains of, and
only where neither is known does `verdicts` read status and words. An answer with 2xx that
carries an error code took nothing. Sources: each provider's API reference, section "errors".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from delivery.states import Provider


class Blame(Enum):
    """Who is at fault when a mail is not accepted."""

    NOBODY = "nobody"
    PERSON = "person"
    MAIL = "mail"
    ACCOUNT = "account"
    SERVER = "server"
    PATIENCE = "patience"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """An error as the provider names it; ``blame`` is None for a code that says nothing of whom.

    ``is_temporary``: the person's mail may be tried again later.
    """

    code: str = ""
    blame: Blame | None = None
    is_temporary: bool = False


NOTHING: Final = Fault()
TEMPORARILY_AWAY: Final = "temporary_unavailable"  # Unisender Go, of one recipient


def _blames(blame: Blame, *codes: str) -> dict[str, Blame]:
    return dict.fromkeys(codes, blame)


_CODES: Final[Mapping[Provider, Mapping[str, Blame]]] = {
    Provider.AMAZON_SES: {
        **_blames(
            Blame.PATIENCE,
            "LimitExceededException",
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ),
        **_blames(
            Blame.ACCOUNT,
            "AccessDeniedException",
            "AccountSuspendedException",
            "ExpiredTokenException",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MailFromDomainNotVerifiedException",
            "NotFoundException",
            "OptInRequired",
            "SendingPausedException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
    },
    Provider.BREVO: {
        **_blames(Blame.PATIENCE, "too_many_requests"),
        **_blames(
            Blame.ACCOUNT,
            "account_under_validation",
            "not_enough_credits",
            "permission_denied",
            "unauthorized",
        ),
    },
    Provider.MAILJET: {
        **_blames(Blame.ACCOUNT, "mj-0001", "send-0001", "send-0008"),
    },
    Provider.MANDRILL: {
        **_blames(
            Blame.ACCOUNT,
            "Invalid_Key",
            "PaymentRequired",
            "Unknown_MetadataField",
            "Unknown_Subaccount",
            # why it rejects a mail that is nobody's fault among its readers
            "invalid-sender",
            "test-mode-limit",
            "unsigned",
        ),
        **_blames(Blame.SERVER, "GeneralError", "ServiceUnavailable"),
        **_blames(Blame.MAIL, "ValidationError"),
    },
    Provider.POSTAL: {
        **_blames(
            Blame.ACCOUNT,
            "AccessDenied",
            "FromAddressMissing",
            "InvalidServerAPIKey",
            "ServerSuspended",
            "UnauthenticatedFromAddress",
        ),
        **_blames(Blame.PERSON, "NoRecipients"),
    },
    Provider.POSTMARK: {
        **_blames(Blame.ACCOUNT, "10", "400", "401", "405", "412", "413", "1226", "1235"),
        **_blames(Blame.PERSON, "406"),
        **_blames(Blame.PATIENCE, "429"),
        **_blames(Blame.SERVER, "100"),
        **_blames(Blame.MAIL, "402", "403", "411"),
    },
    Provider.RESEND: {
        **_blames(
            Blame.PATIENCE, "daily_quota_exceeded", "monthly_quota_exceeded", "rate_limit_exceeded"
        ),
        **_blames(
            Blame.ACCOUNT,
            "invalid_access",
            "invalid_api_key",
            "invalid_from_address",
            "missing_api_key",
            "restricted_api_key",
        ),
        **_blames(Blame.SERVER, "application_error", "internal_server_error"),
    },
    Provider.SCALEWAY: {
        **_blames(
            Blame.ACCOUNT,
            "denied_authentication",
            "permissions_denied",
            "quotas_exceeded",
            "resource_not_found",
        ),
    },
    Provider.SPARKPOST: {
        **_blames(Blame.ACCOUNT, "7001"),
        **_blames(Blame.PERSON, "5002"),
    },
    Provider.UNISENDER_GO: {
        **_blames(Blame.PERSON, TEMPORARILY_AWAY),
    },
}
# How its API calls where a mail comes from and goes to, in errors that name a field.
_PERSON_FIELDS: Final = ("to", "personalizations", "recipients", "messages[0].to")
_ACCOUNT_FIELDS: Final = ("from", "sender", "messages[0].from")


def fault_of(provider: str, body: Any) -> Fault:
    """Read an answer's body (parsed JSON, or boto3's dictionary) for an error of the provider's."""
    which = Provider(provider)
    try:
        code, field = _PLACES[which](body)
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError):
        return NOTHING
    if not code and not field:
        return NOTHING
    return Fault(
        code=code or field,
        blame=_CODES.get(which, {}).get(code) or _blame_of(field),
        is_temporary=code == TEMPORARILY_AWAY,
    )


def _blame_of(field: str) -> Blame | None:
    name = field.lower()
    if name.startswith(_ACCOUNT_FIELDS):
        return Blame.ACCOUNT
    if name.startswith(_PERSON_FIELDS):
        return Blame.PERSON
    return None


def _text(value: Any) -> str:
    return "" if value in (None, 0, "0", False) else str(value)


def _amazon(body: Any) -> tuple[str, str]:
    return _text(body["Error"]["Code"]), ""


def _named(key: str) -> Callable[[Any], tuple[str, str]]:
    return lambda body: (_text(body[key]), "")


def _mailersend(body: Any) -> tuple[str, str]:
    return "", str(next(iter(body["errors"])))  # {"errors": {"to.0.email": ["…"]}}


def _mailjet(body: Any) -> tuple[str, str]:
    if "ErrorCode" in body:
        return _text(body["ErrorCode"]), ""
    error = next(error for one in body["Messages"] for error in one.get("Errors") or ())
    related = error.get("ErrorRelatedTo") or [""]
    return _text(error.get("ErrorCode")), str(related[0])


def _mailtrap(body: Any) -> tuple[str, str]:
    return ("refused", "") if body["success"] is False else ("", "")


def _mandrill(body: Any) -> tuple[str, str]:
    if isinstance(body, list):  # one entry for each recipient
        return _text(body[0].get("reject_reason")), ""
    return _text(body["name"]), ""


def _postal(body: Any) -> tuple[str, str]:
    if body["status"] == "success":
        return "", ""
    return _text((body.get("data") or {}).get("code")) or str(body["status"]), ""


def _scaleway(body: Any) -> tuple[str, str]:
    if "emails" not in body:
        return _text(body["type"]), ""
    status = str(body["emails"][0]["status"])
    return "", "to" if status in {"canceled", "failed"} else ""


def _sendgrid(body: Any) -> tuple[str, str]:
    error = body["errors"][0]
    return "", str(error.get("field") or "") or "refused"


def _sparkpost(body: Any) -> tuple[str, str]:
    if "results" in body:  # 200, and an id, also where it took nobody
        return "" if body["results"]["total_accepted_recipients"] else "nobody_accepted", ""
    return _text(body["errors"][0].get("code")) or "refused", ""


def _unisender(body: Any) -> tuple[str, str]:
    failed = body.get("failed_emails") or {}
    if failed and not body.get("emails"):  # the reason stands beside each address
        return TEMPORARILY_AWAY if TEMPORARILY_AWAY in failed.values() else "", "to"
    return (_text(body.get("code")) or "refused") if body["status"] == "error" else "", ""


_PLACES: Final[Mapping[Provider, Callable[[Any], tuple[str, str]]]] = {
    Provider.AMAZON_SES: _amazon,
    Provider.BREVO: _named("code"),
    Provider.MAILERSEND: _mailersend,
    Provider.MAILGUN: lambda _body: ("", ""),  # it has sentences only
    Provider.MAILJET: _mailjet,
    Provider.MAILTRAP: _mailtrap,
    Provider.MANDRILL: _mandrill,
    Provider.POSTAL: _postal,
    Provider.POSTMARK: _named("ErrorCode"),
    Provider.RESEND: _named("name"),
    Provider.SCALEWAY: _scaleway,
    Provider.SENDGRID: _sendgrid,
    Provider.SPARKPOST: _sparkpost,
    Provider.UNISENDER_GO: _unisender,
}
