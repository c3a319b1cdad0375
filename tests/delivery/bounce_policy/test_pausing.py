"""Mail to a provider that refuses nearly everybody waits, and the campaign says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.bounce_policy import guard, lifting
from delivery.health import diagnosis
from delivery.health.causes import Cause
from delivery.limits.gate import Gate
from delivery.limits.throttle import Grant
from delivery.models import ProviderAlarm
from delivery.processes import heartbeats
from tests.delivery import sending

pytestmark = pytest.mark.django_db


def test_a_gate_lets_others_through_and_holds_those_back():
    waits = {1: Grant(permits=0, wait=60.0, limit="refusing")}
    gate = Gate(account=1, limits=[], groups={}, waits=waits)
    assert not gate.is_open([0, 1])
    assert gate.is_open([0, 2])
    assert gate.admit(1) is None
    assert gate.admit(0) == 0.0
    assert gate.reserve_for(1, 100) == 0
    assert gate.reserve_for(2, 100) == 100


def test_a_campaign_says_which_provider_refuses_and_goes_on_once_decided(cast, monkeypatch):
    monkeypatch.setattr(heartbeats, "alive", lambda _kind: ["here"])
    monkeypatch.setattr(heartbeats, "last", lambda _kind: 9e9)
    campaign = sending.planned(cast.workspace, 8)  # two of them at Gmail
    alarm = ProviderAlarm.objects.create(
        workspace=cast.workspace,
        domain_group=1,
        refused=40,
        of=50,
        paused_until=timezone.now() + timedelta(hours=1),
    )
    told = diagnosis.explain(campaign)
    assert (told.cause, told.count, told.is_trouble) == (Cause.PROVIDER_REFUSES, 2, True)
    assert told.sentence.startswith("Gmail refused 40 of 50 emails, so nothing goes there until")
    assert diagnosis.explain_all([campaign], None)[0].cause == Cause.PROVIDER_REFUSES
    assert lifting.go_on(alarm)
    assert guard.paused(cast.workspace.pk) == {}
    assert diagnosis.explain(campaign).cause != Cause.PROVIDER_REFUSES
