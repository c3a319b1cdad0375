"""A campaign that goes to more or fewer people than was confirmed says so."""

import pytest
from django.utils import timezone

from campaigns.models import Campaign
from delivery.figures.ledgers import Ledger
from delivery.states import MessageState
from reports.campaign import expected


@pytest.mark.parametrize(
    ("confirmed", "planned", "says"),
    [(1008, 770, True), (1008, 1340, True), (1008, 1000, False), (3, 8, False), (None, 5, False)],
)
def test_a_difference_is_said_unless_it_is_a_little(confirmed, planned, says):
    campaign = Campaign(expected=confirmed, started_at=timezone.now())
    ledger = Ledger(counts={MessageState.SENT: planned, MessageState.SKIPPED: 90})
    found = expected.difference(campaign, ledger)
    wanted = expected.AudienceDifference(expected=confirmed or 0, planned=planned) if says else None
    assert found == wanted
