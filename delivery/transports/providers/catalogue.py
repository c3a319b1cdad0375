"""The providers whose APIs we speak, by way of django-anymail, and what each one is like.

A provider takes either our finished mail as it is (``is_raw``: headers, encoding and signature
arrive as we made them) or its parts, and then writes Date and MIME structure itself.
What each API lets us say stands here and nowhere else; sources are the providers' API references.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from delivery.states import Provider


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One thing to ask for; secret ones are encrypted at rest and never shown again."""

    name: str
    label: Any
    help: Any = ""
    is_secret: bool = False
    is_required: bool = True
    choices: tuple[tuple[str, Any], ...] = ()
    pattern: str = r"[\x21-\x7e]{1,500}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """How to speak with one provider."""

    backend: str  # dotted path of the class
    settings: tuple[Setting, ...]
    arguments: Callable[[Mapping[str, str]], dict[str, Any]] = dict
    is_raw: bool = False
    has_metadata: bool = True  # comes back in its webhooks
    can_stop_tracking: bool = True  # its own open and click tracking, mail by mail
    keeps_message_id: bool = False
    idempotency: str = ""  # where a stable key goes: "http", "header" or "body"
    replays: bool = False  # the same key again is certainly not a second mail, for some minutes
    names_status: bool = False  # says in each answer what became of each recipient
    accepts_with: int = 0  # the only HTTP status that means "taken", where there is one
    is_shared: bool = False  # one client serves all threads
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    drops_headers: frozenset[str] = frozenset()
    note: Any = ""
    per_second: int | None = None  # what a new account is allowed, where the provider says it


_API_KEY: Final = _("API key")


def _key(name: str, label: Any = _API_KEY) -> Setting:
    return Setting(name=name, label=label, is_secret=True)


def _region(*choices: tuple[str, Any]) -> Setting:
    return Setting(
        name="region", label=_("Region"), choices=choices, help=_("Where your account lives.")
    )


def _urls(by_region: dict[str, str]) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    """Turn the chosen region into the address of its API."""

    def arguments(given: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = dict(given)
        region = values.pop("region", "")
        values.setdefault("api_url", by_region.get(region) or next(iter(by_region.values())))
        return values

    return arguments


def _ses(given: Mapping[str, str]) -> dict[str, Any]:
    """Return boto3's settings. It must not try again by itself: a second try is a second mail."""
    client: dict[str, Any] = {
        "aws_access_key_id": given.get("access_key_id"),
        "aws_secret_access_key": given.get("secret_access_key"),
        "region_name": given.get("region"),
        "config": {
            "retries": {"total_max_attempts": 1},
            "max_pool_connections": 100,
            "proxies": {},
        },
    }
    if given.get("api_url"):
        client["endpoint_url"] = given["api_url"]
    return {
        "client_params": client,
        "configuration_set_name": given.get("configuration_set_name") or None,
    }


_REGION_US_EU: Final = (("us", _("United States")), ("eu", _("European Union")))
_ANYMAIL: Final = "anymail.backends.{}.EmailBackend"

SPECS: Final[dict[Provider, Spec]] = {
    Provider.AMAZON_SES: Spec(
        backend=_ANYMAIL.format("amazon_ses"),
        arguments=_ses,
        settings=(
            Setting(name="access_key_id", label=_("Access key id")),
            _key("secret_access_key", _("Secret access key")),
            Setting(
                name="region",
                label=_("Region"),
                help=_("Like eu-central-1."),
                pattern=r"[a-z]{2}(-[a-z]+){1,3}-\d{1,2}",
            ),
            Setting(
                name="configuration_set_name",
                label=_("Configuration set"),
                is_required=False,
                help=_("Leave open and click tracking off in it: Warta counts by itself."),
            ),
        ),
        is_raw=True,
        is_shared=True,
        can_stop_tracking=False,
        per_second=14,
        note=_(
            "Amazon gives new production accounts 14 emails per second. Enter your "
            "own quota; in Amazon's sandbox it is 1, and only confirmed addresses get "
            "mail."
        ),
    ),
    Provider.BREVO: Spec(
        backend=_ANYMAIL.format("brevo"),
        settings=(_key("api_key"),),
        can_stop_tracking=False,
        idempotency="header",
        replays=True,
        note=_("Switch off click tracking in Brevo's settings: Warta counts by itself."),
    ),
    Provider.MAILERSEND: Spec(
        backend=_ANYMAIL.format("mailersend"),
        accepts_with=202,
        settings=(_key("api_token", _("API token")),),
        has_metadata=False,
        note=_(
            "MailerSend takes the one-click unsubscribe header from Professional and "
            "Enterprise plans only; on smaller ones it refuses the email."
        ),
    ),
    Provider.MAILGUN: Spec(
        backend="delivery.transports.providers.raw.MailgunMime",
        settings=(
            _key("api_key"),
            Setting(
                name="sender_domain",
                label=_("Sending domain at Mailgun"),
                help=_("Like mg.example.com."),
                pattern=r"[A-Za-z0-9.-]{1,253}",
            ),
            _region(*_REGION_US_EU),
        ),
        arguments=_urls(
            {"us": "https://api.mailgun.net/v3/", "eu": "https://api.eu.mailgun.net/v3/"}
        ),
        is_raw=True,
        keeps_message_id=True,
    ),
    Provider.MAILJET: Spec(
        backend=_ANYMAIL.format("mailjet"),
        names_status=True,
        settings=(_key("api_key"), _key("secret_key", _("Secret key"))),
        drops_headers=frozenset({"message-id", "feedback-id", "precedence"}),
    ),
    Provider.MAILTRAP: Spec(
        backend=_ANYMAIL.format("mailtrap"),
        names_status=True,
        settings=(_key("api_token", _("API token")),),
        can_stop_tracking=False,
        note=_("Switch off open and click tracking for the domain: Warta counts by itself."),
    ),
    Provider.MANDRILL: Spec(
        backend=_ANYMAIL.format("mandrill"),
        settings=(_key("api_key"),),
        keeps_message_id=True,
        names_status=True,
    ),
    Provider.POSTAL: Spec(
        backend="delivery.transports.providers.raw.PostalRaw",
        names_status=True,
        settings=(
            Setting(
                name="api_url",
                label=_("Address of your Postal"),
                help=_("Like https://postal.example.com."),
                pattern=r"https://[A-Za-z0-9.-]{1,253}(:\d{2,5})?/?",
            ),
            _key("api_key"),
        ),
        is_raw=True,
        keeps_message_id=True,
        has_metadata=False,
        can_stop_tracking=False,
    ),
    Provider.POSTMARK: Spec(
        backend=_ANYMAIL.format("postmark"),
        names_status=True,
        settings=(
            _key("server_token", _("Server API token")),
            Setting(
                name="message_stream",
                label=_("Message stream"),
                is_required=False,
                help=_("Newsletters belong into a broadcast stream, usually “broadcast”."),
            ),
        ),
        keeps_message_id=True,
        extra_headers={"X-PM-KeepID": "true"},
    ),
    Provider.RESEND: Spec(
        backend=_ANYMAIL.format("resend"),
        settings=(_key("api_key"),),
        can_stop_tracking=False,
        idempotency="http",
        replays=True,
        per_second=2,
        note=_(
            "Resend allows 2 requests per second unless it has raised your limit. Switch off open "
            "and click tracking for the domain: Warta counts by itself."
        ),
    ),
    Provider.SCALEWAY: Spec(
        backend=_ANYMAIL.format("scaleway"),
        names_status=True,
        settings=(
            _key("secret_key", _("Secret key")),
            Setting(name="project_id", label=_("Project id"), pattern=r"[0-9a-fA-F-]{10,50}"),
            _region(("fr-par", "fr-par")),
        ),
        can_stop_tracking=False,
        drops_headers=frozenset({"message-id"}),
    ),
    Provider.SENDGRID: Spec(
        backend=_ANYMAIL.format("sendgrid"),
        accepts_with=202,
        settings=(_key("api_key"), _region(*_REGION_US_EU)),
        arguments=_urls(
            {"us": "https://api.sendgrid.com/v3/", "eu": "https://api.eu.sendgrid.com/v3/"}
        ),
        keeps_message_id=True,
    ),
    Provider.SPARKPOST: Spec(
        backend=_ANYMAIL.format("sparkpost"),
        names_status=True,
        settings=(
            _key("api_key"),
            Setting(
                name="subaccount",
                label=_("Subaccount"),
                is_required=False,
                pattern=r"\d{1,12}",
                help=_("Its number, if you use one."),
            ),
            _region(*_REGION_US_EU),
        ),
        arguments=_urls(
            {
                "us": "https://api.sparkpost.com/api/v1/",
                "eu": "https://api.eu.sparkpost.com/api/v1/",
            }
        ),
    ),
    Provider.UNISENDER_GO: Spec(
        backend=_ANYMAIL.format("unisender_go"),
        names_status=True,
        settings=(
            _key("api_key"),
            Setting(
                name="region",
                label=_("Data centre"),
                choices=(("go1", "go1.unisender.ru"), ("go2", "go2.unisender.ru")),
                help=_("The one you sign in at."),
            ),
        ),
        arguments=_urls(
            {
                "go1": "https://go1.unisender.ru/ru/transactional/api/v1/",
                "go2": "https://go2.unisender.ru/ru/transactional/api/v1/",
            }
        ),
        idempotency="body",
    ),
}


def spec_of(provider: str) -> Spec:
    """Return what we know of a provider."""
    return SPECS[Provider(provider)]


def name_of(provider: str) -> str:
    """Return a provider's name."""
    return str(Provider(provider).label)
