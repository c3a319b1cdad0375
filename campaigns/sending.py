"""Has campaigns that are due begun soon: `delivery`, which sends them, names the task."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from accounts import waking

if TYPE_CHECKING:
    from celery import Task

_task: list[Callable[[], "Task[Any, Any]"]] = []


def register(task: Callable[[], "Task[Any, Any]"]) -> None:
    """Name the task that begins what is due; called once, when the apps are ready."""
    _task[:] = [task]


def wake(*, after: float = 0) -> None:
    """Have due campaigns looked for in ``after`` seconds, once what was written is committed."""
    waking.wake(_task[0](), after=after)
