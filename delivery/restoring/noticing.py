"""What sending does when a database is found to have gone back in time or to be a copy."""

from typing import Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.installation.signs import UnderWay
from accounts.models import Installation
from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.states import CONFIRMED, Asks, CampaignStatus

# Mails that went out in the time that is lost carry numbers which the restored database would give
# to other people: a link in them would unsubscribe somebody else. More than anybody sends.
JUMP: Final = 1_000_000_000
IN_MAILS: Final = ("delivery_message", "subscribers_subscriber", "subscribers_signuprequest")


def begun(because: Installation.Because) -> None:
    """Have campaigns ask before they go on."""
    if because is Installation.Because.AWAY:
        lifecycle.ask(Asks.AWAY, only=_now())
        return
    lifecycle.ask(Asks.RESTORED)
    with connection.cursor() as cursor:
        for table in IN_MAILS:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'),"
                " nextval(pg_get_serial_sequence(%s, 'id')) + %s)",
                [table, table, JUMP],
            )


def under_way() -> UnderWay:
    """Say whether anything would be sent by itself."""
    confirmed = Campaign.objects.filter(status__in=CONFIRMED, asks_since=None)
    at_all = confirmed.exists()
    return UnderWay(now=at_all and confirmed.filter(_now()).exists(), at_all=at_all)


def has_history() -> bool:
    """Say whether this database ever began to send a campaign."""
    return Campaign.objects.filter(started_at__isnull=False).exists()


def _now() -> Q:
    return Q(status=CampaignStatus.SENDING) | Q(
        status=CampaignStatus.SCHEDULED, send_at__lt=timezone.now()
    )
