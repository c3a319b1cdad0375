"""One mail, one request: a django-anymail backend of one account, asked by one thread at a time."""

import logging
import threading
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from importlib import import_module
from typing import Any, Final

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from urllib3.exceptions import HTTPError

from delivery.states import Provider
from delivery.transports.protocol import Outgoing, Verdict
from delivery.transports.providers import verdicts
from delivery.transports.providers.catalogue import Spec, spec_of
from delivery.transports.providers.errors import Blame, fault_of
from delivery.transports.providers.message import ProviderMessage, read
from delivery.transports.providers.session import (
    CONNECT_SECONDS,
    READ_SECONDS,
    InnerAddressError,
    ProviderSession,
    mark,
)
from delivery.transports.providers.verdicts import Answer

# Errors of botocore, by name: it has no base class for what happens before a request leaves.
NEVER_SENT: Final = frozenset(
    {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"}
)
SET_UP_WRONG: Final = frozenset(
    {
        "ConfigNotFound",
        "CredentialRetrievalError",
        "EndpointProviderError",
        "EndpointResolutionError",
        "EndpointVariantError",
        "InvalidConfigError",
        "InvalidEndpointConfigurationError",
        "InvalidEndpointDiscoveryConfigurationError",
        "InvalidRegionError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "NoRegionError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "TokenRetrievalError",
        "UnknownEndpointError",
        "UnknownRegionError",
        "UnknownSignatureVersionError",
        "UnsupportedSignatureVersionError",
    }
)
NOT_IN_SHAPE: Final = frozenset(
    {"MissingParametersError", "ParamValidationError", "UnknownParameterError", "ValidationError"}
)
TRIES: Final = 2
UNREADABLE: Final = "the answer could not be read"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSettings:
    """One provider account and how to use it; ``seconds`` is how long to wait for an answer."""

    provider: str
    arguments: dict[str, str] = field(repr=False)
    max_connections: int = 8
    idle_seconds: float = 30.0
    seconds: float = READ_SECONDS

    @property
    def spec(self) -> Spec:
        """What we know of the provider."""
        return spec_of(self.provider)


class ProviderClient:
    """Where requests are made: a backend with an open connection of its own."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._backend: Any = None
        self._lock = threading.Lock()

    def ask(self, mail: Outgoing) -> Answer:
        """Hand one mail to the provider and return its answer. Raises nothing a provider may do."""
        spec = self._settings.spec
        try:
            message = read(mail, spec)
        except (ValueError, LookupError) as error:
            return Answer(verdict=Verdict.FAILED, blame=Blame.PERSON, words=str(error)[:200])
        answer = Answer(verdict=Verdict.NOT_SENT, blame=Blame.SERVER)
        is_in_doubt = False
        for attempt in range(TRIES):
            answer = self._ask_once(message, mail.envelope_to)
            if is_in_doubt:
                return _after_doubt(answer)
            is_in_doubt = answer.verdict is Verdict.UNKNOWN
            broke = answer.blame is Blame.SERVER and not answer.code
            # A kept connection may have died unnoticed: once more, where that cannot be a second
            # mail. Silence is no reason: whoever is slow is not helped by another request.
            may_repeat = answer.verdict is Verdict.NOT_SENT or spec.replays
            if attempt or not (broke and may_repeat) or answer.words == verdicts.NO_ANSWER:
                break
            self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            if self._backend is not None:
                self._backend.close()
            self._backend = None

    def _ask_once(self, message: ProviderMessage, person: str) -> Answer:
        mark.is_written = False
        try:
            backend = self._open()
            # Boto3 has its own connections, into which we cannot look.
            mark.is_written = not hasattr(backend, "session")
            if self._settings.spec.idempotency == "http":
                backend.session.headers["Idempotency-Key"] = message.idempotency_key
            backend.send_messages([message])
        except AnymailRecipientsRefused as error:
            return self._taken(message, _response_of(error), person)
        except AnymailError as error:
            return self._trouble(error, person)
        except InnerAddressError as error:
            return Answer(verdict=Verdict.NOT_SENT, blame=Blame.ACCOUNT, words=str(error))
        except (requests.RequestException, HTTPError, OSError) as error:
            return verdicts.broken(error, is_written=mark.is_written)
        except Exception as error:  # noqa: BLE001 - an answer that a backend trips over
            return self._tripped(error)
        status: Any = getattr(message, "anymail_status", None)
        return self._taken(message, getattr(status, "esp_response", None), person)

    def _tripped(self, error: Exception) -> Answer:
        """A backend failed over its own work: before the request nothing was sent."""
        logging.getLogger(__name__).warning("provider_backend_failed", exc_info=error)
        if mark.is_written:
            return Answer(verdict=Verdict.UNKNOWN, code=HTTPStatus.OK.value, words=UNREADABLE)
        words = f"{type(error).__name__}: {verdicts.clean(str(error))[:200]}"
        return Answer(verdict=Verdict.NOT_SENT, blame=Blame.ACCOUNT, words=words)

    def _taken(self, message: ProviderMessage, response: Any, person: str) -> Answer:
        status: Any = getattr(message, "anymail_status", None)
        statuses = set(getattr(status, "status", None) or ())
        is_http = isinstance(response, requests.Response)
        code = response.status_code if is_http else HTTPStatus.OK.value
        words = verdicts.words_of(response) if is_http else ""
        fault = fault_of(self._settings.provider, verdicts.body_of(response))
        about_person = fault.blame in {None, Blame.PERSON} and not fault.is_temporary
        if about_person and statuses and statuses <= {"invalid", "rejected"}:
            return verdicts.rejected(statuses, code=code, words=words)
        if fault.code or not HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
            return self._refused(response, person)
        ids = getattr(status, "message_id", None)
        provider_id = next(iter(ids), "") if isinstance(ids, set) else ids
        return verdicts.taken(
            statuses,
            code=code,
            words=words,
            provider_id=str(provider_id or ""),
            spec=self._settings.spec,
        )

    def _refused(self, response: requests.Response, person: str) -> Answer:
        return verdicts.refused(
            response.status_code,
            words=verdicts.words_of(response),
            person=person,
            fault=fault_of(self._settings.provider, verdicts.body_of(response)),
            retry_after=verdicts.seconds_until(response.headers.get("Retry-After")),
        )

    def _trouble(self, error: AnymailError, person: str) -> Answer:
        response = _response_of(error)
        if isinstance(response, requests.Response):
            fault = fault_of(self._settings.provider, verdicts.body_of(response))
            if response.status_code < HTTPStatus.MULTIPLE_CHOICES and not fault.code:
                # Accepted, and said in a way that nobody can read.
                words = verdicts.words_of(response) or UNREADABLE
                return Answer(verdict=Verdict.UNKNOWN, code=response.status_code, words=words)
            return self._refused(response, person)
        if isinstance(response, dict):
            return _from_amazon(response, person)
        return _without_answer(error)

    def _open(self) -> Any:
        with self._lock:
            if self._backend is None:
                settings = self._settings
                module, _, name = settings.spec.backend.rpartition(".")
                arguments = settings.spec.arguments(settings.arguments)
                if "client_params" in arguments:  # boto3 has its own way to wait
                    arguments["client_params"]["config"] |= {
                        "connect_timeout": min(CONNECT_SECONDS, settings.seconds),
                        "read_timeout": settings.seconds,
                    }
                backend = getattr(import_module(module), name)(**arguments)
                if hasattr(backend, "session"):
                    backend.timeout = (min(CONNECT_SECONDS, settings.seconds), settings.seconds)
                    session = ProviderSession()
                    session.headers["User-Agent"] = "Warta"
                    backend.session = session
                else:
                    backend.open()
                self._backend = backend
            return self._backend


def _without_answer(error: AnymailError) -> Answer:
    """Read an error that brings no answer along: before, within or after the request."""
    cause = error.__cause__
    if cause is not None and hasattr(cause, "fmt"):  # botocore: its errors have a template
        return _broken_at_amazon(cause)
    if isinstance(cause, (requests.RequestException, OSError)):
        return verdicts.broken(cause, is_written=mark.is_written)
    if isinstance(error, AnymailAPIError):  # boto3's answer, in which nothing can be found
        return Answer(verdict=Verdict.UNKNOWN, code=HTTPStatus.OK.value, words=UNREADABLE)
    # Anymail refuses before it asks: something in this mail the provider has no word for.
    words = verdicts.clean(str(error))[:200]
    return Answer(verdict=Verdict.FAILED, blame=Blame.MAIL, words=words)


def _response_of(error: AnymailError) -> Any:
    return getattr(error, "response", None)


def _after_doubt(repeat: Answer) -> Answer:
    """Read the answer to a repeated request whose first copy may have been taken.

    Only acceptance, or a refusal of this very person, says what became of the mail. Whatever else
    the provider says now is about the repetition: the doubt stays, and the account hears of it.
    """
    names_person = repeat.verdict is Verdict.FAILED and repeat.blame is Blame.PERSON
    if repeat.verdict is Verdict.SENT or names_person:
        return repeat
    blame = Blame.SERVER if repeat.blame is Blame.MAIL else repeat.blame
    return replace(repeat, verdict=Verdict.UNKNOWN, blame=blame)


def _broken_at_amazon(error: BaseException) -> Answer:
    """Read an error of botocore's own: by its kind, whether the request can have left."""
    kind, words = type(error).__name__, verdicts.clean(str(error))[:200]
    if kind in SET_UP_WRONG:
        return Answer(verdict=Verdict.NOT_SENT, blame=Blame.ACCOUNT, words=words)
    if kind in NOT_IN_SHAPE:
        return Answer(verdict=Verdict.FAILED, blame=Blame.MAIL, words=words)
    # A certificate is looked at before anything is said; other errors of TLS may come later.
    never_sent = kind in NEVER_SENT or (kind == "SSLError" and "CERTIFICATE_VERIFY" in words)
    return verdicts.broken(error, is_written=not never_sent)


def _from_amazon(response: dict[str, Any], person: str) -> Answer:
    """Read boto3's error: its code says more than the HTTP status, often a bare 400."""
    said = response.get("Error", {})
    meta = response.get("ResponseMetadata", {})
    retry = (meta.get("HTTPHeaders") or {}).get("retry-after")
    return verdicts.refused(
        int(meta.get("HTTPStatusCode") or 400),
        words=verdicts.clean(said.get("Message") or said.get("Code") or "")[: verdicts.MOST_WORDS],
        person=person,
        fault=fault_of(Provider.AMAZON_SES, response),
        retry_after=verdicts.seconds_until(retry),
    )
