"""A form with one double opt-in list, and tasks that run at once."""

import pytest

from accounts.background import waking
from subscribers.models import MailingList
from subscribers.signup import proof_of_work
from tests.subscribers.signup.signing import DOUBLE, make_form


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly", opt_in=DOUBLE)


@pytest.fixture
def form(workspace, weekly):
    return make_form(workspace, weekly)


@pytest.fixture(autouse=True)
def _mails_at_once(monkeypatch):
    monkeypatch.setattr(waking, "wake", lambda task, *args: task(*args))
    monkeypatch.setattr(proof_of_work, "COUNTERS", (5, 10))
