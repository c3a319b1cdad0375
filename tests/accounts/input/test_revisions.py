"""Two tabs, or two people, never overwrite each other unseen, whatever the form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from accounts.roles import Role
from accounts.team import api_keys
from campaigns.models import Campaign, Template
from delivery.models import SendingAccount
from subscribers.models import ConsentStatement, CustomField, MailingList, Segment, SignupForm
from tests.browsing import fields_of

if TYPE_CHECKING:
    from tests.people import Cast

pytestmark = pytest.mark.django_db
Make = Callable[[Workspace], str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A form: how to make what it edits and get its address, and a field with two new values."""

    address: Make
    form: str = "form[data-guard], form.card"
    field: str = "name"
    values: tuple[str, str] = ("Theirs", "Mine")
    more: tuple[tuple[str, str], ...] = ()


def signup_form(workspace: Workspace) -> str:
    statement = ConsentStatement.objects.create(workspace=workspace, text="Yes.")
    form = SignupForm.objects.create(workspace=workspace, name="F", title="F", statement=statement)
    form.lists.add(mailing_list(workspace))
    return reverse("form_edit", args=[form.pk])


def mailing_list(workspace: Workspace) -> MailingList:
    return MailingList.objects.create(workspace=workspace, name="News")


def segment(workspace: Workspace) -> str:
    rule = {"subject": "first_name", "operator": "is", "text": "Ani"}
    rules = {"match": "all", "rules": [rule]}
    made = Segment.objects.create(workspace=workspace, name="S", rules=rules)
    return reverse("segment_page", args=[made.pk])


def template(workspace: Workspace) -> str:
    made = Template.objects.create(workspace=workspace, name="T", source="<mjml></mjml>")
    return reverse("template_edit", args=[made.pk])


def field(workspace: Workspace) -> str:
    made = CustomField.objects.create(workspace=workspace, key="city", label="City")
    return reverse("field_edit", args=[made.pk])


def account(workspace: Workspace) -> str:
    made = SendingAccount.objects.create(
        workspace=workspace, name="A", kind="smtp", host="mail.example", port=587
    )
    return reverse("account_edit", args=[made.pk])


CASES = {
    "workspace": Case(address=lambda _w: reverse("settings_workspace"), form="form.card"),
    "retention": Case(
        address=lambda _w: reverse("settings_privacy"),
        field="history_days",
        values=("365", "1095"),
    ),
    "list": Case(address=lambda w: reverse("list_edit", args=[mailing_list(w).pk])),
    "segment": Case(address=segment, form="#segment-form", more=(("do", "save"),)),
    "template": Case(address=template, form="#template-form"),
    "signup form": Case(address=signup_form),
    "field": Case(address=field, field="label"),
    "texts": Case(
        address=lambda w: reverse("list_texts", args=[mailing_list(w).pk]) + "?language=en",
        form="#text-form",
        field="text",
        more=(("do", "save"), ("subject", "Hello")),
    ),
    "account": Case(address=account, form="form.card[novalidate]"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_who_saves_second_is_asked(
    case: Case, cast: "Cast", owner_client: Client, admin_client: Client, redis_client: object
) -> None:
    address = case.address(cast.workspace)
    opened = fields_of(owner_client.get(address).text, case.form) | dict(case.more)
    assert opened["revision"] == ["0"]
    theirs, mine = case.values
    first = admin_client.post(address, opened | {case.field: theirs})
    assert first.status_code == 302, first.text[:3000]
    second = owner_client.post(address, opened | {case.field: mine})
    assert second.status_code == 409
    for said in ("Made changed this at", "Saved there", theirs, mine, 'name="overwrite" value="1"'):
        assert said in second.text
    kept = fields_of(second.text, case.form) | dict(case.more)
    assert kept[case.field] == [mine]
    again = owner_client.post(address, kept)  # Enter decides nothing
    assert again.status_code == 409
    assert fields_of(owner_client.get(address).text, case.form)[case.field] == [theirs]
    assert owner_client.post(address, kept | {"overwrite": "1"}).status_code == 302
    assert fields_of(owner_client.get(address).text, case.form)[case.field] == [mine]
    # A decision about what was shown is none about what came after it.
    assert admin_client.post(address, kept | {case.field: theirs}).status_code == 409
    # The same once more, by a double press or a reload, is no quarrel.
    assert owner_client.post(address, kept | {"overwrite": "1"}).status_code == 302


@pytest.fixture
def draft(cast: "Cast") -> Campaign:
    return Campaign.objects.create(workspace=cast.workspace, name="C")


def test_tracking_and_audience_are_saved_by_themselves_and_quarrel_apart(
    draft: Campaign, editor_client: Client, owner_client: Client
) -> None:
    staff = MailingList.objects.create(workspace=draft.workspace, name="Staff")
    audience = reverse("campaign_audience", args=[draft.pk])
    tracking = reverse("campaign_tracking", args=[draft.pk])
    shown = fields_of(owner_client.get(audience).text, "#audience-form")
    by_itself = {"X-Autosave": "1"}
    saved = editor_client.post(audience, {**shown, "exclude": [staff.pk]}, headers=by_itself)
    assert (saved.status_code, saved["X-Revision"]) == (204, "1")
    lost = owner_client.post(audience, {**shown, "include": [staff.pk]}, headers=by_itself)
    assert lost.status_code == 409
    assert "Budi changed this at" in lost.text
    assert "Staff" in lost.text
    assert "<html" not in lost.text
    assert list(draft.exclude_lists.all()) == [staff]
    other = fields_of(owner_client.get(tracking).text, "#tracking-form")
    assert owner_client.post(tracking, other, headers=by_itself).status_code == 204
    lost = editor_client.post(tracking, {"revision": other["revision"]}, headers=by_itself)
    assert lost.status_code == 409


def test_a_program_chooses_what_it_read(draft: Campaign, cast: "Cast") -> None:
    key = api_keys.create(draft.workspace, name="Shop", role=Role.EDITOR, by=cast.owner)
    program = Client(headers={"authorization": f"Bearer {key}"})
    path = f"/api/v1/campaigns/{draft.pk}/audience"
    read = program.get(path).json()["revision"]

    def put(read: int) -> Any:
        match = {"If-Match": f'"{read}"'}
        return program.put(path, {"lists": []}, "application/json", headers=match)

    assert put(read).json()["revision"] == read + 1
    assert put(read).status_code == 409


def test_a_page_that_names_no_revision_is_still_seen_by_others(
    cast: "Cast", owner_client: Client, admin_client: Client
) -> None:
    address = reverse("list_edit", args=[mailing_list(cast.workspace).pk])
    opened = fields_of(owner_client.get(address).text, "form[data-guard]")
    blind = {name: value for name, value in opened.items() if name != "revision"}
    assert admin_client.post(address, blind | {"name": "Theirs"}).status_code == 302
    assert owner_client.post(address, opened | {"name": "Mine"}).status_code == 409
