"""Queues: nobody who waits for a mail stands behind a long job, and every queue has a worker."""

import pytest

from config import run
from config.celery import app
from delivery.processes import heartbeats


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("subscribers.take_signup", "mail"),
        ("subscribers.take_overdue_signups", "mail"),
        ("accounts.tasks.send_system_mail", "mail"),
        ("delivery.tasks.send_slice", "sending"),
        ("delivery.tasks.start_due_campaigns", "events"),
        ("delivery.tasks.plan_campaign", "events"),
        ("delivery.tasks.keep_sending", "events"),
        ("delivery.tasks.sweep_up", "events"),
        ("subscribers.tasks.run_import", "long"),
        ("subscribers.tasks.run_bulk_action", "long"),
        ("subscribers.tasks.find_duplicates", "long"),
        ("subscribers.tasks.check_mail_servers_of", "long"),
        ("subscribers.tasks.resume_imports", "default"),
    ],
)
def test_each_task_has_its_queue(task, queue):
    app.autodiscover_tasks(force=True)
    assert task in app.tasks
    assert queue_of(task) == queue


def test_long_jobs_share_no_worker_with_anything_else(settings):
    served = [
        queues.partition("=")[2].split(",")
        for part in run.parts([])
        for queues in part.command
        if queues.startswith("--queues=")
    ]
    assert [queues for queues in served if "long" in queues] == [["long"]]
    assert {queue for queues in served for queue in queues} == set(heartbeats.QUEUES)
    app.autodiscover_tasks(force=True)
    ours = [name for name in app.tasks if not name.startswith("celery.")]
    assert {queue_of(name) for name in ours} <= set(heartbeats.QUEUES)
    assert set(settings.LONG_TASKS) <= set(ours)


@pytest.mark.parametrize("task", ["forget_feedback", "forget_provider_events"])
def test_what_deletes_until_all_is_gone_keeps_no_mail_waiting(task):
    assert queue_of(f"delivery.tasks.{task}") == "long"
