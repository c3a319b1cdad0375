"""The whole choreography of sending.

Tasks are wake-ups: what is to be done stands in the database, so each may be lost, come late, run
twice at once or be left over from another release without harm. None is made per message.

beat, every second  → start_due_campaigns → plan_campaign (chunk after chunk)
                    → keep_sending        → send_slice × number of sending processes
beat, every 2 s     → sweep_up: dead workers' claims, due retries, cancelled and finished campaigns
beat, every 15 s    → fetch_mailboxes → fetch_mailbox for each that is due; a thread of beat's own
                      (`listen_for_mail`) does the same the moment a server tells of mail
a view or command   → start_due_campaigns or keep_sending after its commit: it starts at once
"""

import threading
import time
import uuid
from datetime import timedelta

import redis
import structlog
from celery import current_app, shared_task
from celery.signals import worker_init, worker_process_init, worker_shutting_down
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from accounts.background import set_aside
from delivery.bounce_policy import guard
from delivery.bounces import forgetting as returned_forgetting
from delivery.bounces import intake, replaying
from delivery.bounces.mailboxes import fetching, holding, listening
from delivery.events import applying
from delivery.events.webhooks import taking
from delivery.pipeline import next_campaign, plan, sweep
from delivery.pipeline.batch import TimeSlice
from delivery.pipeline.worker import Worker
from delivery.processes import coordination, heartbeats, stopping
from delivery.public import forgetting, one_click
from delivery.sandbox import follow_up
from delivery.tracking import ingest, position, review

SLICE_SECONDS = 30.0
EVENTS_SECONDS = 10.0  # what is left then is for the next run
SHORTEST_SLICE = 1.5  # seconds before a slice makes room for mail that people wait for
PLAN_SECONDS = 5.0
DRAIN_SECONDS = 10.0
MOST_SENDERS = 256
MAILBOX_SECONDS = 45.0
QUEUED_SECONDS = 120.0  # a mailbox that waits for a worker is not queued once more meanwhile

log = structlog.get_logger()

worker_init.connect(stopping.allow)
worker_process_init.connect(stopping.listen)
worker_shutting_down.connect(stopping.ask)

_sender: list[Worker] = []  # this process's only one, once it sends


@shared_task
def start_due_campaigns() -> None:
    """Begin the campaigns whose time has come, and go on with planning that was interrupted."""
    plan.begin_due()
    for campaign_id in plan.unfinished():
        if coordination.reserve(f"plan:{campaign_id}", seconds=PLAN_SECONDS * 2):
            plan_campaign.delay(campaign_id)


@shared_task
def plan_campaign(campaign_id: int) -> None:
    """Plan chunk after chunk for a few seconds; sending starts after the first."""
    until = time.monotonic() + PLAN_SECONDS
    woken = False
    while not stopping.is_wanted():
        progress = plan.step(campaign_id)
        if progress.rows and not woken:
            keep_sending.delay()
            woken = True
        if progress.is_done:
            coordination.release(f"plan:{campaign_id}")
            return
        if time.monotonic() > until:
            coordination.extend(f"plan:{campaign_id}", seconds=PLAN_SECONDS * 2)
            plan_campaign.delay(campaign_id)
            return


@shared_task
def keep_sending() -> None:
    """Have one slice per sending process under way, if there is anything to send."""
    if not next_campaign.is_anything_due():
        return
    for number in range(min(heartbeats.processes(heartbeats.SENDING), MOST_SENDERS)):
        owner = uuid.uuid4().hex
        if coordination.reserve_slice(number, owner):
            send_slice.delay(number, owner)


@shared_task
def send_slice(number: int, owner: str) -> None:
    """Claim and send for some seconds, then make room and come back while there is work.

    The next part of a slice may run in another process, so this one gives its connections back.
    """
    if stopping.is_wanted() or not coordination.keep_slice(number, owner):
        return
    if not _sender:
        _sender.append(Worker(shard=number + 1))
    sender = _sender[0]
    sender.shard = number + 1
    stopping.working(now=True)
    try:
        more = sender.work(_slice(number, owner))
        sender.rest()
        if stopping.is_wanted():
            sender.drain(seconds=DRAIN_SECONDS)
    except BaseException:
        sender.rest()
        coordination.free_slice(number, owner)
        raise
    finally:
        stopping.working(now=False)
    if more and not stopping.is_wanted():
        send_slice.delay(number, owner)
        return
    coordination.free_slice(number, owner)
    sweep.finish()


def _slice(number: int, owner: str) -> TimeSlice:
    """Return how long to send: until time is up, or until people wait for single mails."""
    began = time.monotonic()
    serves_mail = heartbeats.MAIL in current_app.amqp.queues.consume_from

    def keep() -> bool:
        try:
            if not coordination.keep_slice(number, owner):
                return False
            is_early = time.monotonic() - began < SHORTEST_SLICE
            return is_early or not serves_mail or not coordination.waiting(heartbeats.MAIL)
        except redis.RedisError:
            return True  # the journal says whether anything may go out

    return TimeSlice(until=began + SLICE_SECONDS, is_over=stopping.is_wanted, keep=keep)


@shared_task
def sweep_up() -> None:
    """Do what no worker holds in its hands any more; see `sweep`."""
    if sweep.everything():
        keep_sending.delay()


@shared_task
def forget_origins() -> None:
    """Forget from where opens and clicks came, where a workspace's rules say so."""
    forgetting.forget_origins()
    position.forget_old_origins()


@shared_task
def forget_feedback() -> None:
    """Forget receipts of news that nobody tells again, and counts that no window reaches to."""
    applying.forget_old()
    guard.forget_old()


@shared_task(name="delivery.ingest_events")
def ingest_events() -> None:
    """Bring what readers did from the stream into the ledger, then look again at what is ripe."""
    until = time.monotonic() + EVENTS_SECONDS
    try:
        while ingest.next_batch(others=one_click.apply) and time.monotonic() < until:
            pass
        while review.next_batch() == review.BATCH and time.monotonic() < until:
            pass
    except redis.RedisError:
        log.warning("events_wait", reason="Redis is away")
    except OperationalError:
        # A row stayed locked, or the database is away. Nothing was stored; the next run goes on.
        log.warning("events_wait", reason="the database is busy")


@shared_task
def take_provider_events() -> None:
    """Apply what providers reported, and confirm what their SNS asked to be confirmed."""
    until = time.monotonic() + EVENTS_SECONDS
    try:
        while taking.next_batch() == taking.BATCH and time.monotonic() < until:
            pass
        taking.confirm_topics()
    except OperationalError:
        log.warning("provider_events_wait", reason="the database is busy")


@shared_task
def retry_provider_events() -> None:
    """Look again for the mails of events that came before we had noted them."""
    taking.try_again()


@shared_task
def forget_provider_events() -> None:
    """Delete what providers reported so long ago that nobody asks for it any more."""
    taking.forget_old(timezone.now() - timedelta(days=settings.WEBHOOK_DAYS))


@shared_task
def fetch_mailboxes() -> None:
    """Have every mailbox that is due looked into, and go on with what a dead process left."""
    try:
        for mailbox_id in holding.due():
            fetch_soon(mailbox_id)
        for replay_id in replaying.unfinished():
            if coordination.reserve(f"replay:{replay_id}", seconds=QUEUED_SECONDS):
                replay_returned.delay(replay_id)
        intake.take_up_left()
    except set_aside.AWAY as error:
        log.warning("mailboxes_wait", error=type(error).__name__)


def fetch_soon(mailbox_id: int) -> None:
    """Have a mailbox looked into by a worker, unless it waits for one already."""
    if coordination.reserve(f"mailbox:{mailbox_id}", seconds=QUEUED_SECONDS):
        fetch_mailbox.delay(mailbox_id)


@shared_task
def fetch_mailbox(mailbox_id: int, owner: str = "") -> None:
    """Fetch a mailbox's new mails for some seconds, then make room and come back."""
    owner = owner or uuid.uuid4().hex
    coordination.release(f"mailbox:{mailbox_id}")
    try:
        found = fetching.fetch(
            mailbox_id, owner=owner, seconds=MAILBOX_SECONDS, is_over=stopping.is_wanted
        )
    except set_aside.AWAY as error:  # its lease ends by itself
        log.warning("mailbox_waits", mailbox=mailbox_id, error=type(error).__name__)
        return
    if found.more and not stopping.is_wanted():
        fetch_mailbox.delay(mailbox_id, owner)


@shared_task
def replay_returned(replay_id: int) -> None:
    """Read kept mails once more for some seconds, then make room and come back."""
    if replaying.run(replay_id, seconds=MAILBOX_SECONDS):
        coordination.extend(f"replay:{replay_id}", seconds=QUEUED_SECONDS)
        replay_returned.delay(replay_id)
    else:
        coordination.release(f"replay:{replay_id}")


@shared_task
def forget_returned() -> None:
    """Forget returned mails whose time is over."""
    returned_forgetting.forget_old()


def listen_for_mail() -> threading.Thread:
    """Listen to the mailboxes that tell of new mail, in a thread of this process (beat's)."""
    listener = listening.Listener(listening.woken(fetch_soon))
    thread = threading.Thread(
        target=listener.run, args=(stopping.is_wanted,), name="mailboxes", daemon=True
    )
    thread.start()
    return thread


@shared_task
def follow_up_sandbox() -> None:
    """Read new mails of the sandbox for its search, and let its addresses answer."""
    follow_up.answer_due()
    follow_up.read_words()
