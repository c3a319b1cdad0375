"""Access tokens for XOAUTH2: got with the refresh token, kept until shortly before they expire.

The token address is asked by the session that reaches no machine of the inner network
(`transports.providers.session`); RFC 6749 §6.
"""

import json
import time
from datetime import timedelta
from typing import Any, Final

import requests
from django.utils import timezone
from django.utils.translation import gettext as _
from urllib3.exceptions import HTTPError

from accounts.installation import secrets
from delivery.bounces.mailboxes import trouble
from delivery.models import BounceMailbox
from delivery.transports.providers.session import ProviderSession, read_body

SECONDS: Final = 15.0
LARGEST: Final = 64 * 1024  # bytes of an answer
SPARE: Final = timedelta(minutes=2)
USUAL: Final = 3600  # seconds that a token lives if the answer does not say
LONGEST: Final = 86_400


def access_token(mailbox: BounceMailbox, *, is_new: bool = False, seconds: float = SECONDS) -> str:
    """Return an access token within so many ``seconds``; ``is_new``: the kept one was refused.

    Raises:
        trouble.MailboxError: the token address refuses us or is away.
    """
    kept = mailbox.token_until is not None and mailbox.token_until > timezone.now() + SPARE
    try:
        if kept and not is_new:
            return secrets.decrypt(mailbox.encrypted_token)
        stored = json.loads(secrets.decrypt(mailbox.encrypted_secret) or "{}")
    except secrets.UnreadableSecretError as error:
        raise unreadable() from error
    answer = _ask(mailbox, stored, seconds=min(seconds, SECONDS))
    token = answer.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) < LARGEST:
        raise trouble.MailboxError(_("The token address sent no access token."), is_refused=True)
    told = answer.get("expires_in")
    lives = int(told) if isinstance(told, (int, float)) and 0 < told <= LONGEST else USUAL
    mailbox.encrypted_token = secrets.encrypt(token)
    mailbox.token_until = timezone.now() + timedelta(seconds=lives)
    fields = ["encrypted_token", "token_until"]
    fresh = answer.get("refresh_token")  # some providers hand out a new one each time
    if isinstance(fresh, str) and fresh and fresh != stored.get("refresh_token"):
        mailbox.encrypted_secret = secrets.encrypt(json.dumps({**stored, "refresh_token": fresh}))
        fields.append("encrypted_secret")
    if mailbox.pk:
        mailbox.save(update_fields=fields)
    return token


def unreadable() -> trouble.MailboxError:
    """Say that what is stored was encrypted with another SECRET_KEY."""
    return trouble.MailboxError(
        _("The stored password cannot be read: SECRET_KEY has changed. Enter it again."),
        is_refused=True,
    )


def _ask(mailbox: BounceMailbox, stored: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": stored.get("refresh_token", ""),
        "client_id": mailbox.client_id,
    }
    if stored.get("client_secret"):
        form["client_secret"] = stored["client_secret"]
    if mailbox.scope:
        form["scope"] = mailbox.scope
    until = time.monotonic() + seconds
    wait = max(seconds, 0.1)
    try:
        with (
            ProviderSession() as session,
            session.post(mailbox.token_url, data=form, timeout=wait, stream=True) as response,
        ):
            body = read_body(response, most=LARGEST, until=until)
            status = response.status_code
    except (requests.RequestException, HTTPError, OSError) as error:
        raise trouble.MailboxError(
            _("The token address cannot be reached: %(words)s")
            % {"words": trouble.said(type(error).__name__)}
        ) from error
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        answer = {}
    if status != requests.codes.ok:
        words = answer.get("error_description") or answer.get("error") or f"HTTP {status}"
        raise trouble.MailboxError(
            _("The token address refuses us: %(words)s") % {"words": trouble.said(words)},
            is_refused=status in {400, 401, 403},
        )
    return answer
