"""A draft that could be sent, and what surrounds it."""

import pytest

from accounts.models import Workspace
from campaigns import starters
from campaigns.models import Campaign
from delivery.models import SendingAccount
from subscribers.models import MailingList
from tests.campaigns.makers import make_campaign, make_list, make_reader


@pytest.fixture
def news(workspace: Workspace) -> MailingList:
    SendingAccount.objects.create(workspace=workspace, name="Provider", kind="smtp")
    starters.install_starters(workspace)
    news = make_list(workspace)
    make_reader(workspace, news, "dewi@example.org", first_name="Dewi")
    return news


@pytest.fixture
def draft(workspace: Workspace, news: MailingList) -> Campaign:
    """Nothing keeps it from being sent."""
    return make_campaign(workspace, news, source="# Halo {{ first_name }}", from_name="Kopi Senja")
