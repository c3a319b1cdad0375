"""A form with one double opt-in list, and tasks that run at once."""

import pytest

from accounts import tasks
from subscribers.models import MailingList
from subscribers.signup import proof_of_work
from subscribers.tasks import take_signup
from tests.subscribers.signup.signing import DOUBLE, make_form


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly", opt_in=DOUBLE)


@pytest.fixture
def form(workspace, weekly):
    return make_form(workspace, weekly)


@pytest.fixture(autouse=True)
def _mails_at_once(monkeypatch):
    import config.celery  # noqa: F401 - its tasks know of commits

    monkeypatch.setattr(tasks, "nudge", tasks.send_system_mail)
    monkeypatch.setattr(take_signup, "delay", take_signup)
    monkeypatch.setattr(take_signup, "delay_on_commit", take_signup)
    monkeypatch.setattr(proof_of_work, "COUNTERS", (5, 10))
