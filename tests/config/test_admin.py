"""The administrator's pages: each opens, and none asks the database more for more rows."""

import html
import re
from urllib.parse import urljoin

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from campaigns.models import Campaign, Content, Link, Template
from delivery.models import Claim, Event, EventTally, Message, MessageTally, SendMinute
from delivery.states import EventKind
from subscribers.addresses import addresses
from subscribers.consent import ledger, lifecycle, suppression
from subscribers.models import MailingList
from subscribers.people import people
from subscribers.states import ConsentSource, SuppressionReason
from tests.architecture.files import APPS

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def names(model, action):
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}"


@pytest.fixture
def administrator(db, signed_in):
    return signed_in(User.objects.create_superuser("root@warta.example", "x", name="Root"))


def fill(workspace, number):
    """One row more of everything that grows."""
    someone, _new = people.add(workspace, address=addresses.normalise(f"p{number}@example.org"))
    mailing_list = MailingList.objects.create(workspace=workspace, name=f"List {number}")
    lifecycle.subscribe(someone, mailing_list=mailing_list, source=ConsentSource.MANUAL)
    ledger.statement(workspace, text=f"Words {number}")
    suppression.suppress(workspace, email=f"s{number}@example.org", reason=SuppressionReason.MANUAL)
    campaign = Campaign.objects.create(workspace=workspace, name=f"Campaign {number}")
    Content.objects.create(campaign=campaign, subject="Hello")
    Link.objects.create(campaign=campaign, ordinal=1, url="https://example.org/")
    Template.objects.create(workspace=workspace, name=f"Template {number}", source="<mjml/>")
    message = Message.objects.create(campaign=campaign, subscriber=someone)
    Event.objects.create(
        campaign=campaign, message=message, subscriber=someone, kind=EventKind.OPENED
    )
    EventTally.objects.create(campaign=campaign, kind=EventKind.OPENED, agent=1)
    MessageTally.objects.create(campaign=campaign, domain_group=0, state=1, count=1)
    SendMinute.objects.create(campaign=campaign, minute=timezone.now(), domain_group=0)
    Claim.objects.create(campaign=campaign, first_message=1, last_message=1)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_costs_the_same_however_many_rows(administrator, workspace, model):
    counts = []
    for rows in ((0,), (1, 2, 3)):
        for number in rows:
            fill(workspace, number)
        address = reverse(names(model, "changelist"))
        administrator.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert administrator.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_row_and_search_opens(administrator, workspace, model):
    fill(workspace, 0)
    row = model._default_manager.order_by("pk").first()
    if row is not None:
        assert administrator.get(reverse(names(model, "change"), args=[row.pk])).status_code == 200
    address = reverse(names(model, "changelist"))
    assert administrator.get(address, {"q": "1"}).status_code == 200


@pytest.mark.parametrize(
    "label", ["delivery.Message", "delivery.Event", "subscribers.ConsentEvent"]
)
def test_the_ledgers_are_read_only(administrator, workspace, label):
    model = next(model for model in MODELS if model._meta.label == label)
    fill(workspace, 0)
    assert administrator.get(reverse(names(model, "add"))).status_code == 403
    row = model._default_manager.first()
    assert administrator.post(reverse(names(model, "delete"), args=[row.pk])).status_code == 403
    assert administrator.post(reverse(names(model, "change"), args=[row.pk])).status_code == 403
    assert model._default_manager.count() == 1


def test_members_who_are_no_administrators_stay_outside(owner_client):
    assert owner_client.get("/admin/").status_code in (302, 403)
    assert owner_client.get(reverse("admin:delivery_message_changelist")).status_code in (302, 403)


def test_every_model_of_ours_can_be_looked_at():
    ours = {model for model in apps.get_models() if model.__module__.split(".")[0] in APPS}
    assert sorted(model._meta.label for model in ours - set(MODELS)) == []


def test_names_are_right_and_none_stands_twice(administrator):
    plurals = [str(model._meta.verbose_name_plural) for model in MODELS]
    assert [name for name in plurals if name.endswith("ys")] == [
        "API keys",
        "replays",
        "DKIM keys",
    ]
    page = administrator.get(reverse("admin:index")).content.decode()
    assert "Warta administration" in page
    assert "Django administration" not in page
    sections = re.findall(r'class="section"[^>]*>\s*([^<]+?)\s*<', page)
    assert sorted(sections) == sorted(set(sections))


def test_every_link_of_its_pages_leads_somewhere(administrator, workspace):
    fill(workspace, 0)
    seen, waiting = set(), [reverse("admin:index")]
    while waiting:
        address = waiting.pop()
        answer = administrator.get(address)
        assert answer.status_code in {200, 302}, address
        if answer.status_code == 302 or not address.startswith("/admin/"):
            continue
        for link in re.findall(r'(?:href|src|action)="([^"#]+)', answer.content.decode()):
            target = urljoin(address, html.unescape(link)).split("?")[0]
            if target.startswith(("/static/", "http:", "https:", "data:")) or "logout" in target:
                continue
            if target not in seen:
                seen.add(target)
                waiting.append(target)
