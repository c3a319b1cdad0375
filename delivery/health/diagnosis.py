"""Why is it not sending? One sentence for any campaign, and one word for programs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import redis
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.installation import hold
from accounts.models import Installation, Workspace
from accounts.workspaces import zones
from campaigns.models import Campaign
from campaigns.states import CONFIRMED, Asks, CampaignStatus
from delivery.accounts import breaker, routing
from delivery.bounce_policy import guard
from delivery.figures import ledgers, under_way
from delivery.figures.ledgers import Ledger
from delivery.figures.under_way import Known
from delivery.health import refusing
from delivery.health.causes import Cause, Diagnosis
from delivery.models import SendingAccount
from delivery.pipeline import next_campaign
from delivery.processes import heartbeats
from delivery.states import Reason
from subscribers.states import DomainGroup

BEAT_SILENCE: Final = 15.0  # seconds
ABOUT_TO_START: Final = timedelta(minutes=1)


def explain(
    campaign: Campaign, *, ledger: Ledger | None = None, speed: float | None = None
) -> Diagnosis:
    """Say in a sentence, in the language and time zone in force, how a campaign stands and why.

    ``ledger`` and ``speed`` (messages per second) spare queries where they are known already.
    """
    if _is_asked_about(campaign):
        return _asked(campaign)
    if campaign.status != CampaignStatus.SENDING:
        return _not_sending(campaign, ledger)
    wrong = machinery()
    if wrong is not None:
        return wrong
    books = None if ledger is None else {campaign.pk: ledger}
    speeds = None if speed is None else {campaign.pk: speed}
    known = under_way.of([campaign], books=books, speeds=speeds)[campaign.pk]
    refuses = refusing.explain(campaign, known.ledger, guard.pausing([campaign.workspace_id]))
    return refuses or _sending(campaign, known)


def explain_all(campaigns: Sequence[Campaign], wrong: Diagnosis | None) -> list[Diagnosis]:
    """Explain many campaigns in a fixed number of queries; ``wrong`` is what `machinery` said."""
    sending = [one for one in campaigns if one.status == CampaignStatus.SENDING]
    known = under_way.of(sending) if wrong is None else {}
    alarms = guard.pausing(one.workspace_id for one in sending) if known else []

    def found(campaign: Campaign) -> Diagnosis:
        if _is_asked_about(campaign):
            return _asked(campaign)
        if campaign.status == CampaignStatus.SENDING:
            mine = known.get(campaign.pk)
            refuses = refusing.explain(campaign, mine.ledger, alarms) if mine else None
            return wrong or refuses or _sending(campaign, known[campaign.pk])
        if _is_due(campaign):
            return wrong or _about_to_start()
        return _not_sending(campaign, None)

    return [found(campaign) for campaign in campaigns]


def _is_asked_about(campaign: Campaign) -> bool:
    return campaign.asks_since is not None and campaign.status in CONFIRMED


def _asked(campaign: Campaign) -> Diagnosis:
    return Diagnosis(cause=Cause.ASKS, sentence=_asks(campaign))


def _is_due(campaign: Campaign) -> bool:
    at = campaign.send_at
    return campaign.status == CampaignStatus.SCHEDULED and (at is None or at <= timezone.now())


def _about_to_start() -> Diagnosis:
    return Diagnosis(cause=Cause.STARTING, sentence=_("About to start."))


def _not_sending(campaign: Campaign, ledger: Ledger | None) -> Diagnosis:
    match campaign.status:
        case CampaignStatus.DRAFT:
            return Diagnosis(cause=Cause.DRAFT, sentence=_("This campaign is a draft."))
        case CampaignStatus.SCHEDULED:
            return _scheduled(campaign)
        case CampaignStatus.PAUSED:
            return _paused(campaign)
        case CampaignStatus.CANCELLED:
            return Diagnosis(cause=Cause.CANCELLED, sentence=_("This campaign was cancelled."))
        case _:
            return _finished(campaign, ledger or ledgers.of(campaign))


def machinery() -> Diagnosis | None:
    """Say what is wrong with the processes that send; None: nothing."""
    return _held(hold.state()) or _processes()


def _held(held: Installation | None) -> Diagnosis | None:
    if held is not None:
        since = held.held_since or timezone.now()
        words = {"because": held.get_held_because_display(), "time": clock(since)}
        sentence = _("Nothing is sent since %(time)s: %(because)s A person has to say go.") % words
        return Diagnosis(cause=Cause.HELD, sentence=sentence)
    return None


def _processes() -> Diagnosis | None:
    try:
        workers = heartbeats.alive(heartbeats.SENDING)
        last = heartbeats.last(heartbeats.BEAT)
    except redis.RedisError:
        return Diagnosis(
            cause=Cause.NO_REDIS,
            sentence=_("Nothing is sent because Redis does not answer. It goes on by itself."),
        )
    if not workers:
        return Diagnosis(
            cause=Cause.NO_WORKER,
            sentence=_("Nothing is sent because no worker is running. Start a worker."),
        )
    now = timezone.now().timestamp()
    if last is None or now - last > BEAT_SILENCE:
        return Diagnosis(
            cause=Cause.BEAT_STOPPED,
            sentence=_("Nothing new is started because beat is not running. Start beat.")
            if last is None
            else _("Nothing new is started because beat stopped at %(time)s. Start beat.")
            % {"time": clock(datetime.fromtimestamp(last, tz=timezone.get_current_timezone()))},
        )
    return None


def health(workspace: Workspace, *, held: Installation | None = None) -> Diagnosis:
    """Say whether everything sends, for the dot in the top bar; ``held`` is `hold.state`."""
    wrong = _held(held) or _processes()
    if wrong is not None:
        return wrong
    broken = (
        SendingAccount.objects.filter(workspace=workspace, broken_since__isnull=False)
        .exclude(trouble_count=0)  # it works, and only asked to wait
        .order_by("position", "pk")
        .first()
    )
    if broken is not None:
        return _broken(broken)
    return Diagnosis(cause=Cause.SENDING, sentence=_("Sending normally"))


def of_account(account: SendingAccount) -> Diagnosis | None:
    """Say what is wrong with a sending account; None: nothing."""
    return _broken(account) if account.broken_since is not None else None


def clock(at: datetime) -> str:
    """Write a moment as people do: the time alone if it is today."""
    local = localtime(at)
    if local.date() == localtime(timezone.now()).date():
        return date_format(local, "H:i")
    return date_format(local, "DATE_FORMAT") + " " + date_format(local, "H:i")


def is_about_to_start(campaign: Campaign) -> bool:
    """Say whether a scheduled campaign begins within a minute: a countdown is worth watching."""
    return (
        campaign.status == CampaignStatus.SCHEDULED
        and campaign.send_at is not None
        and campaign.send_at - timezone.now() <= ABOUT_TO_START
    )


def _asks(campaign: Campaign) -> str:
    values = {"time": clock(campaign.send_at or timezone.now())}
    return {
        Asks.OVERDUE: _("It was to be sent at %(time)s, and nothing ran then. Is it still wanted?"),
        Asks.AWAY: _("Nothing ran for more than an hour while it was to be sent. Shall it go on?"),
        Asks.LEAVING: _("Who is left is being noted as unknown; nobody gets mail."),
    }.get(
        Asks(campaign.asks_because),
        _("The database was restored. Who is left may have got this campaign already."),
    ) % values


def _scheduled(campaign: Campaign) -> Diagnosis:
    at = campaign.send_at
    if at is None or at <= timezone.now():
        return machinery() or _about_to_start()
    if is_about_to_start(campaign):
        seconds = max(1, round((at - timezone.now()).total_seconds()))
        return Diagnosis(
            cause=Cause.STARTING,
            sentence=ngettext(
                "Starts in %(n)d second. Until then you can undo it.",
                "Starts in %(n)d seconds. Until then you can undo it.",
                seconds,
            )
            % {"n": seconds},
            until=at,
            count=seconds,
        )
    return Diagnosis(
        cause=Cause.SCHEDULED,
        sentence=_("Scheduled for %(time)s (%(zone)s).")
        % {"time": clock(at), "zone": zones.named(at)},
        until=at,
    )


def _paused(campaign: Campaign) -> Diagnosis:
    values = {
        "name": str(campaign.paused_by or ""),
        "time": clock(campaign.paused_at or timezone.now()),
        "reason": campaign.pause_reason,
    }
    if campaign.pause_reason and campaign.paused_by:
        sentence = _("Paused by %(name)s at %(time)s: %(reason)s") % values
    elif campaign.pause_reason:
        sentence = _("Paused at %(time)s: %(reason)s") % values
    elif campaign.paused_by:
        sentence = _("Paused by %(name)s at %(time)s.") % values
    else:
        sentence = _("Paused at %(time)s.") % values
    return Diagnosis(cause=Cause.PAUSED, sentence=sentence)


def _finished(campaign: Campaign, ledger: Ledger) -> Diagnosis:
    unknown = ledger.undecided
    if unknown:
        return Diagnosis(
            cause=Cause.UNKNOWN_LEFT,
            count=unknown,
            sentence=ngettext(
                "Finished. %(count)d message may or may not have arrived: decide whether to send it"
                " again.",
                "Finished. %(count)d messages may or may not have arrived: decide whether to send"
                " them again.",
                unknown,
            )
            % {"count": unknown},
        )
    return Diagnosis(
        cause=Cause.FINISHED,
        sentence=_("Finished at %(time)s.") % {"time": clock(campaign.finished_at)}
        if campaign.finished_at
        else _("Finished."),
    )


def _sending(campaign: Campaign, known: Known) -> Diagnosis:
    if known.is_held:
        return _going(known)
    if not known.accounts:
        return Diagnosis(
            cause=Cause.NO_ACCOUNT,
            sentence=_("Nothing is sent because there is no sending account. Add one in Settings."),
        )
    if known.is_waiting:
        if next_campaign.usable(campaign, known.accounts) is None:
            return _broken(_route(campaign, known.accounts))
        return _throttled(known) or _going(known)
    return _rest(known)


def _going(known: Known) -> Diagnosis:
    """Say how fast it goes, and whose servers asked us to slow down."""
    sentence = _("Sending normally.")
    per_minute = round(known.speed * 60)
    if per_minute:
        number = number_format(per_minute, force_grouping=True)
        sentence = _("Sending at %(n)s a minute.") % {"n": number}
    slowed = {
        group: lane.reasons[Reason.THROTTLED_BY_SERVER]
        for group, lane in known.ledger.lanes.items()
        if Reason.THROTTLED_BY_SERVER in lane.reasons
    }
    if not slowed:
        return Diagnosis(cause=Cause.SENDING, sentence=sentence)
    group = max(slowed, key=lambda group: slowed[group])
    more = ngettext(
        "%(provider)s asked us to slow down, so %(count)s email is waiting.",
        "%(provider)s asked us to slow down, so %(count)s emails are waiting.",
        slowed[group],
    )
    words = {
        "provider": _("A mailbox provider") if group is DomainGroup.OTHER else group.label,
        "count": number_format(slowed[group], force_grouping=True),
    }
    return Diagnosis(
        cause=Cause.SENDING, count=slowed[group], sentence=f"{sentence} {more % words}"
    )


def _rest(known: Known) -> Diagnosis:
    """Say what a campaign without open claims is about."""
    if not known.is_planned:
        return Diagnosis(cause=Cause.PLANNING, sentence=_("Working out who gets this campaign."))
    deferred = known.ledger.deferred
    if deferred:
        due = known.retry_at
        return Diagnosis(
            cause=Cause.RETRYING,
            count=deferred,
            until=due,
            sentence=ngettext(
                "%(count)d email will be retried at %(time)s.",
                "%(count)d emails will be retried, the first at %(time)s.",
                deferred,
            )
            % {"count": deferred, "time": clock(due or timezone.now())},
        )
    return _going(known)


def _route(campaign: Campaign, accounts: list[SendingAccount]) -> SendingAccount:
    return routing.candidates(
        accounts, from_email=campaign.from_email, chosen=campaign.sending_account_id
    )[0]


def _broken(account: SendingAccount) -> Diagnosis:
    values = {
        "trouble": account.broken_reason.rstrip(". "),  # a sentence goes on behind it
        "since": clock(account.broken_since or timezone.now()),
        "next": clock(account.retry_at or timezone.now()),
    }
    if breaker.is_patient(account):
        return Diagnosis(
            cause=Cause.THROTTLED,
            sentence=_("Waiting: %(trouble)s. It goes on at %(next)s.") % values,
            until=account.retry_at,
        )
    return Diagnosis(
        cause=Cause.BREAKER_OPEN,
        sentence=_("Waiting: %(trouble)s since %(since)s; next try at %(next)s.") % values
        if breaker.is_open(account)
        else _("Trying again: %(trouble)s since %(since)s.") % values,
        until=account.retry_at,
    )


def _throttled(known: Known) -> Diagnosis | None:
    if known.is_due or known.until is None:
        return None
    now, until, what = timezone.now(), known.until, known.waiting_for
    if until - now < timedelta(seconds=5):
        return Diagnosis(
            cause=Cause.SENDING,
            sentence=_("Sending as fast as %(limit)s allows.") % {"limit": _(what)}
            if what
            else _("Sending normally."),
        )
    return Diagnosis(
        cause=Cause.THROTTLED,
        until=until,
        sentence=_("Waiting for %(limit)s until %(time)s.")
        % {"limit": _(what), "time": clock(until)}
        if what
        else _("Waiting for a limit until %(time)s.") % {"time": clock(until)},
    )
