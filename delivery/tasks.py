"""The whole choreography of sending.

Tasks are wake-ups: what is to be done stands in the database, so each may be lost, come late, run
twice at once or be left over from another release without harm. None is made per message.

beat, every second  → start_due_campaigns → plan_campaign (chunk after chunk)
                    → keep_sending        → send_slice × number of sending processes
beat, every 2 s     → sweep_up: dead workers' claims, due retries, cancelled and finished campaigns
a view or command   → start_due_campaigns or keep_sending after its commit: it starts at once
"""

import time
import uuid

import redis
import structlog
from celery import current_app, shared_task
from celery.signals import worker_init, worker_process_init, worker_shutting_down
from django.db import OperationalError

from delivery.pipeline import next_campaign, plan, sweep
from delivery.pipeline.batch import TimeSlice
from delivery.pipeline.worker import Worker
from delivery.processes import coordination, heartbeats, stopping
from delivery.public import forgetting
from delivery.sandbox import follow_up
from delivery.tracking import ingest, review

SLICE_SECONDS = 30.0
EVENTS_SECONDS = 10.0  # what is left then is for the next run
SHORTEST_SLICE = 1.5  # seconds before a slice makes room for mail that people wait for
PLAN_SECONDS = 5.0
DRAIN_SECONDS = 10.0
MOST_SENDERS = 256

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


@shared_task(name="delivery.ingest_events")
def ingest_events() -> None:
    """Bring what readers did from the stream into the ledger, then look again at what is ripe."""
    until = time.monotonic() + EVENTS_SECONDS
    try:
        while ingest.next_batch() == ingest.BATCH and time.monotonic() < until:
            pass
        while review.next_batch() == review.BATCH and time.monotonic() < until:
            pass
    except redis.RedisError:
        log.warning("events_wait", reason="Redis is away")
    except OperationalError:
        # A row stayed locked, or the database is away. Nothing was stored; the next run goes on.
        log.warning("events_wait", reason="the database is busy")


@shared_task
def follow_up_sandbox() -> None:
    """Read new mails of the sandbox for its search, and let its addresses answer."""
    follow_up.answer_due()
    follow_up.read_words()
