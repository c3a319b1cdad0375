"""Furnishes a product with a row for every address, and says how to ask for each.

Run inside the product, by ``manage.py shell``: ``furnished.tell()``.
"""

import json
import re
import sys

from django.test import Client
from django.utils import timezone

from accounts.roles import Role
from accounts.team import api_keys
from campaigns.models import Campaign, Content
from campaigns.states import CampaignStatus
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from subscribers.models import SignupForm
from tests import people
from tests.architecture.addresses import ROWS, every_address
from tests.delivery import makers

# What these lead to ends the walk: the session, the workspace.
ENDS = {"account_logout", "workspace_delete", "account_change_password"}
READERS = {
    "track_open": Purpose.TRACK,
    "track_click": Purpose.TRACK,
    "unsubscribe": Purpose.UNSUBSCRIBE,
    "preferences": Purpose.PREFERENCES,
    "know": Purpose.PREFERENCES,
    "know_json": Purpose.PREFERENCES,
    "web_version": Purpose.VIEW,
}


def tell() -> None:
    """Print, as JSON, the member's cookie, a program's key, and every address filled in."""
    cast = people.make_cast()
    rows = {name: make(cast.workspace) for name, make in ROWS.items()}
    Campaign.objects.filter(pk=rows["campaign_id"]).update(
        status=CampaignStatus.SENDING, started_at=timezone.now()
    )
    weekly = makers.make_list(cast.workspace, "Weekly")
    sent = makers.make_sent_campaign(cast.workspace, weekly)
    content = Content.objects.create(campaign=sent, source="Halo", frozen_at=timezone.now())
    Campaign.objects.filter(pk=sent.pk).update(content=content)
    ana = makers.make_subscriber(cast.workspace, "ana@example.org", weekly)
    letter = makers.make_message(sent, ana, content_version=1)
    client = Client()
    client.force_login(cast.owner)
    told = {
        "cookies": {name: morsel.value for name, morsel in client.cookies.items()},
        "key": api_keys.create(cast.workspace, name="Walk", role=Role.OWNER, by=cast.owner),
        "paths": list(_paths(rows, letter.pk, cast.workspace.slug)),
        "campaign": rows["campaign_id"],
    }
    sys.stdout.write(json.dumps(told))


def _paths(rows: dict[str, int], letter: int, slug: str) -> dict[str, str]:
    found = {}
    form = SignupForm.objects.get(pk=rows["form_id"])
    for address in every_address():
        token = tokens.make(letter, READERS[address.name]) if address.name in READERS else "x"
        path = re.sub(r"<str:token>", token, f"/{address.route}")
        path = re.sub(r"<str:public_id>", form.public_id, path)
        for name, key in rows.items():
            path = path.replace(f"<int:{name}>", str(key)).replace(f"<{name}>", str(key))
        path = re.sub(r"<[^>]*>|\(\?P<\w+>[^)]*\)", "x", path)
        path = re.sub(r"[?^$\\]", "", path)
        if hasattr(address.view, "permission"):
            path = f"/{slug}{path}"
        if address.name not in ENDS:
            found[path] = address.name
    return found
