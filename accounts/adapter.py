"""How django-allauth behaves here."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts import tasks
from accounts.workspace_urls import outside


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Accounts are made by invitation only; allauth's mails are ours."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Refuse public sign-up."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Build the reset link from SITE_URL: the Host header is the visitor's word."""
        path = outside("account_reset_password_from_key", uidb36="UID", key="KEY")
        return str(settings.SITE_URL + path.replace("UID-KEY", key))

    def send_mail(
        self,
        template_prefix: str,
        email: str,  # noqa: ARG002 - allauth's signature; the task sends to the user's own
        context: dict[str, Any],
    ) -> None:
        """Send allauth's mail in our own words; kinds we have no words for go nowhere."""
        if template_prefix.endswith("password_reset_key"):
            tasks.send_password_reset.delay_on_commit(  # type: ignore[attr-defined]  # celery-types leaves it out
                context["user"].pk
            )
