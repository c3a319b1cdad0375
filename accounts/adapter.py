"""How django-allauth behaves here."""

import unicodedata
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts import tasks
from accounts.background import waking
from accounts.mails import system_mail
from accounts.models import SystemMail
from accounts.workspaces.workspace_urls import outside


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Accounts are made by invitation only; allauth's mails are ours."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Refuse public sign-up."""
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords for an account and a network together.

        Counted for the account alone, a stranger could keep its owner out.
        """
        login = str(credentials.get("email", ""))
        name = unicodedata.normalize("NFKC", login).strip().casefold()
        return f"{name}:{ratelimit.get_ip(request)}"

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Build the reset link from SITE_URL: the Host header is the visitor's word."""
        path = outside("account_reset_password_from_key", uidb36="UID", key="KEY")
        return str(settings.SITE_URL + path.replace("UID-KEY", key))

    def send_mail(
        self,
        template_prefix: str,
        email: str,  # noqa: ARG002 - allauth's signature; it goes to the user's own
        context: dict[str, Any],
    ) -> None:
        """Send allauth's mail in our own words; kinds we have no words for go nowhere."""
        if template_prefix.endswith("password_reset_key"):
            system_mail.put(
                SystemMail.Kind.PASSWORD_RESET,
                user_id=context["user"].pk,
                language=get_language() or "",  # of the page on which it was asked for
            )
            waking.wake(tasks.send_system_mail)
