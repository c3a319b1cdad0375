"""No page asks more of the database because there is more to show."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, Invitation, Membership
from accounts.roles import Role
from accounts.team import api_keys
from campaigns.models import Campaign, Picture, PictureFolder, Template
from delivery.models import (
    BounceException,
    DkimKey,
    ProviderAlarm,
    SandboxMessage,
    SendingAccount,
)
from delivery.processes import heartbeats
from subscribers.models import (
    BulkAction,
    CustomField,
    DuplicateGroup,
    Import,
    MailingList,
    Segment,
    SignupForm,
    Subscriber,
    Suppression,
    Tag,
    ToolMigration,
)
from tests.architecture import many
from tests.architecture.addresses import every_address
from tests.architecture.test_addresses import BY_KEY, PUBLIC

if TYPE_CHECKING:
    from tests.people import Cast

ROWS: dict[str, Any] = {
    "campaign_id": Campaign.objects.filter(status="sending"),
    "template_id": Template,
    "list_id": MailingList,
    "picture_id": Picture,
    "folder_id": PictureFolder,
    "subscriber_id": Subscriber,
    "segment_id": Segment,
    "import_id": Import,
    "migration_id": ToolMigration,
    "field_id": CustomField,
    "form_id": SignupForm,
    "suppression_id": Suppression,
    "signing_key_id": DkimKey,
    "tag_id": Tag,
    "action_id": BulkAction,
    "group_id": DuplicateGroup,
    "account_id": SendingAccount,
    "exception_id": BounceException,
    "alarm_id": ProviderAlarm,
    "message_id": SandboxMessage,
    "membership_id": Membership,
    "invitation_id": Invitation,
    "key_id": ApiKey,
}
# With a second page it is asked how many there are in all.
SECOND_PAGE = {"/subscribers/": 1}
# After a restore each campaign that waits for an answer is shown as it would be sent.
ONE_BY_ONE = re.compile(r"/settings/held/")
STATUSES = ("sending", "paused", "scheduled", "sent")


def paths() -> list[str]:
    """Return every address, filled with the first rows; of sends, one of each status."""
    found = []
    for address in every_address():
        if address.name in PUBLIC:
            continue
        path = f"/{address.route}"
        for name, rows in ROWS.items():
            manager = getattr(rows, "objects", rows)
            key = str(manager.order_by("pk").first().pk)
            path = path.replace(f"<int:{name}>", key).replace(f"<{name}>", key)
        if "<" not in path:
            found.append(path)
    for status in STATUSES:
        campaign = Campaign.objects.filter(status=status).earliest("pk")
        found += [f"/campaigns/{campaign.pk}/sending/?part=figures&status={status}"]
    return [*found, "/sending/?part=1", "/campaigns/?rows=1", "/campaigns/?status=archived"]


def test_no_page_asks_more_for_three_or_fifty_rows_than_for_one(
    cast: "Cast",
    signed_in: Callable[..., Client],
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeats, "alive", lambda _kind: ["here"])
    monkeypatch.setattr(heartbeats, "last", lambda _kind: 9e9)
    member = signed_in(cast.owner)
    key = api_keys.create(cast.workspace, name="Walk", role=Role.OWNER, by=cast.owner)
    program = Client(headers={"authorization": f"Bearer {key}"})
    # Who is on one list alone is known without counting; with two they are counted once.
    many.make_reader(cast.workspace, "first")
    counts: dict[str, dict[int, int]] = {}
    made = 0
    for rows in (1, 3, 50):
        while made < rows:
            made += 1
            many.make(cast.workspace, made)
        for path in paths():
            client = program if path.startswith(f"/{BY_KEY}") else member
            if rows == 1:
                client.get(path)  # what a first look writes down, and what a process learns once
            redis_client.flushdb()
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(path)
                if answer.streaming:
                    b"".join(answer.streaming_content)  # type: ignore[attr-defined]
            assert answer.status_code < 500, path
            if answer.status_code < 300:
                counts.setdefault(path, {})[rows] = len(asked)
    assert len(counts) > 80
    grown = {
        path: max(by.values()) - by[1]
        for path, by in counts.items()
        if max(by.values()) > by[1] and not ONE_BY_ONE.fullmatch(path)
    }
    assert grown == SECOND_PAGE
    assert all(len(by) == 3 for by in counts.values())
