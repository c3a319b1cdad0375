"""Say which mailbox provider refuses nearly everybody, so that nothing is sent there for now."""

from collections.abc import Iterable

from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from delivery.figures.ledgers import Ledger
from delivery.health.causes import Cause, Diagnosis
from delivery.models import ProviderAlarm
from subscribers.states import DomainGroup


def explain(
    campaign: Campaign, ledger: Ledger, alarms: Iterable[ProviderAlarm]
) -> Diagnosis | None:
    """Say it of a campaign that has mail for such a provider; None: it has none.

    ``ledger`` has its lanes; ``alarms`` are those for which mail waits now (`guard.pausing`).
    """
    for alarm in alarms:
        lane = ledger.lanes.get(DomainGroup(alarm.domain_group))
        if alarm.workspace_id != campaign.workspace_id or lane is None or not alarm.paused_until:
            continue
        waiting = lane.to_send + lane.deferred
        if waiting:
            sentence = _(
                "%(provider)s refused %(refused)s of %(whole)s emails, so nothing goes there until"
                " %(time)s and nobody is suppressed for it. Decide in Settings, Bounces."
            )
            words = {
                "provider": alarm.get_domain_group_display(),
                "refused": number_format(alarm.refused, force_grouping=True),
                "whole": number_format(alarm.of, force_grouping=True),
                "time": date_format(localtime(alarm.paused_until), "H:i"),
            }
            return Diagnosis(
                cause=Cause.PROVIDER_REFUSES,
                sentence=sentence % words,
                until=alarm.paused_until,
                count=waiting,
            )
    return None
