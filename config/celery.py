"""The Celery application, its beat table, and what its processes do besides tasks."""

import gc
import os
import secrets
import signal
import socket
import warnings
from contextlib import suppress
from typing import Any

import redis
import structlog
from celery import Celery, bootsteps, signals
from celery.beat import Scheduler

from config.runtime.processes import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks are for `manage.py check`; here they would import every page, 17 MB per process.
os.environ.setdefault("CELERY_SKIP_CHECKS", "yes")

HEARTBEAT_SECONDS = 2.0
BACKLOG = 50  # tasks of a queue that nobody has taken: ticks would only pile up behind them
log = structlog.get_logger()

# Root is who runs a container; our tasks travel as JSON, so the reason for the warning is absent.
warnings.filterwarnings("ignore", message=r"(?s).*superuser privileges")

app = Celery("warta")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# What beat starts, and how often (seconds, or a crontab).
app.conf.beat_schedule = {
    "ingest-events": {
        "task": "delivery.ingest_events",
        "schedule": 1.0,
        "options": {"expires": 5},
    },
    "send-system-mail": {
        "task": "accounts.tasks.send_system_mail",
        "schedule": 2.0,
        "options": {"expires": 5},
    },
    "back-up": {
        "task": "accounts.tasks.back_up",
        "schedule": 300.0,
        "options": {"expires": 250},
    },
    "forget-ended": {"task": "accounts.tasks.forget_ended", "schedule": 21_600.0},
    "resume-imports": {
        "task": "subscribers.tasks.resume_imports",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "resume-bulk-actions": {
        "task": "subscribers.tasks.resume_bulk_actions",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "resume-duplicate-searches": {
        "task": "subscribers.tasks.resume_duplicate_searches",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "check-mail-servers": {
        "task": "subscribers.tasks.check_mail_servers",
        # It reads everybody's domain. Nothing is due again sooner: mail_servers.KEPT_UNKNOWN.
        "schedule": 6 * 3_600.0,
        "options": {"expires": 3_000},
    },
    "take-overdue-signups": {
        "task": "subscribers.take_overdue_signups",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "copy-form-views": {
        "task": "subscribers.copy_form_views",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "apply-retention": {"task": "subscribers.tasks.apply_retention", "schedule": 21_600.0},
    "forget-origins-of-events": {
        "task": "delivery.tasks.forget_origins",
        "schedule": 21_600.0,
    },
    "forget-feedback": {"task": "delivery.tasks.forget_feedback", "schedule": 21_600.0},
    "retry-provider-events": {
        "task": "delivery.tasks.retry_provider_events",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "forget-provider-events": {
        "task": "delivery.tasks.forget_provider_events",
        "schedule": 21_600.0,
    },
    "fetch-mailboxes": {
        "task": "delivery.tasks.fetch_mailboxes",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "forget-returned-mails": {"task": "delivery.tasks.forget_returned", "schedule": 21_600.0},
    "follow-up-sandbox": {
        "task": "delivery.tasks.follow_up_sandbox",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "rebuild-search": {
        "task": "subscribers.tasks.rebuild_search",
        "schedule": 2.0,
        "options": {"expires": 5},
    },
    "count-segments": {
        "task": "subscribers.tasks.count_segments",
        "schedule": 900.0,
        "options": {"expires": 600},
    },
    "remove-deleted-workspaces": {
        "task": "reports.tasks.remove_deleted_workspaces",
        "schedule": 3_600.0,
        "options": {"queue": "long", "expires": 3_000},
    },
    "rebuild-recent-days": {
        "task": "reports.tasks.rebuild_recent_days",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "forget-old-import-files": {
        "task": "subscribers.tasks.forget_old_import_files",
        "schedule": 21_600.0,
    },
    # Ticks that nobody has taken up in time are worth nothing: the next one says the same.
    **{
        name: {"task": f"delivery.tasks.{name}", "schedule": seconds, "options": {"expires": 5.0}}
        for name, seconds in {
            "start_due_campaigns": 1.0,
            "keep_sending": 1.0,
            "sweep_up": 2.0,
            "take_provider_events": 1.0,
        }.items()
    },
}


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Leave Django's logging alone (being connected is the point)."""


@signals.beat_init.connect
def _listen_for_mail(**_: Any) -> None:
    # Beat is the one process of which there is exactly one, and it has next to nothing to do.
    from delivery import tasks

    tasks.listen_for_mail()


@signals.worker_process_init.connect
def _end_with_the_parent(**_: Any) -> None:
    # A pool process whose main process was killed has nobody who would ever stop it.
    end_with_parent(signal.SIGKILL)


@signals.worker_before_create_process.connect
def _share_what_is_loaded(**_: Any) -> None:
    """Let pool processes share all that is imported, and never search it for garbage."""
    gc.collect()
    gc.freeze()


@signals.worker_process_init.connect
def _collect_less_often(**_: Any) -> None:
    # A claim is some thousand objects that all go away together; nearly none are in cycles.
    gc.set_threshold(20_000, 20, 20)


class Heartbeat(bootsteps.StartStopStep):
    """Tells Redis every two seconds which queues this worker serves, from its main process."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        self.timer: Any = None
        # Containers may share a host's name: what tells two workers apart is chance.
        self.mark = secrets.token_hex(4)
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        """Begin when the worker consumes its queues."""
        self._record(consumer)
        log.info("ready", processes=consumer.controller.concurrency)
        self.timer = consumer.timer.call_repeatedly(HEARTBEAT_SECONDS, self._record, (consumer,))

    def stop(self, consumer: Any) -> None:
        """Take the signs of life back, so that nobody waits for a worker that has gone."""
        from delivery.processes import heartbeats

        if self.timer:
            self.timer.cancel()
            self.timer = None
        with suppress(redis.RedisError):
            for queue in consumer.app.amqp.queues.consume_from:
                heartbeats.forget(queue, self._name(consumer))

    def _name(self, consumer: Any) -> str:
        return f"{consumer.hostname}:{self.mark}"

    def _record(self, consumer: Any) -> None:
        from delivery.processes import heartbeats

        with suppress(redis.RedisError):  # the consumer itself notices and reconnects
            processes = consumer.controller.concurrency
            for queue in consumer.app.amqp.queues.consume_from:
                heartbeats.record(queue, self._name(consumer), processes=processes)


app.steps["consumer"].add(Heartbeat)


class BeatScheduler(Scheduler):
    """Celery's scheduler without a file of its own, telling Redis that it lives."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send a due task, unless so many wait for a worker that another would say nothing new."""
        if entry.options.get("expires") and self._has_backlog(entry.task):
            return
        super().apply_entry(entry, producer=producer)

    def _has_backlog(self, task: str) -> bool:
        from delivery.processes import coordination

        queue = self.app.amqp.router.route({}, task)["queue"].name
        with suppress(redis.RedisError):
            return coordination.waiting(queue) >= BACKLOG
        return False

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due and return the seconds until the next tick."""
        from delivery.processes import heartbeats

        with suppress(redis.RedisError):
            heartbeats.record(heartbeats.BEAT, socket.gethostname())
        return min(float(super().tick(*args, **kwargs)), HEARTBEAT_SECONDS)
