"""One press is one act: pressed twice, reloaded, gone back to, at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

import config.celery  # noqa: F401 - its tasks know of commits
from accounts.input.once import under_free_name
from accounts.models import ApiKey, Invitation, Press, User, Workspace
from campaigns import mail_templates
from campaigns.models import Campaign, Template
from delivery.models import DkimKey, SendingAccount
from subscribers.models import CustomField, MailingList, Segment
from tests.browsing import fields_of

LIST = {"name": "News", "visibility": "public", "opt_in": "double", "language": ""}
SMTP = {"name": "New", "host": "mail.example", "port": "587", "tls": "starttls"}
CASES: dict[str, tuple[str, str, dict[str, str], Any]] = {
    "campaign": ("campaign_new", "form.w-new, main form", {"name": "Juni"}, Campaign),
    "list": ("list_new", "form[data-guard]", {"name": "News"}, MailingList),
    "key": ("api_key_list", "main form[method=post]", {"name": "Shop", "role": "editor"}, ApiKey),
    "field": (
        "field_list",
        "main form[method=post]",
        {"label": "City", "type": "text"},
        CustomField,
    ),
    "workspace": ("workspace_new", "main form", {"name": "Kedai"}, Workspace),
    "invitation": (
        "settings_team",
        "main form[method=post]:has([name=email])",
        {"email": "n@example.org", "role": "editor"},
        Invitation,
    ),
    "signing key": (
        "key_list",
        "main form[method=post]",
        {"domain": "kopi.example", "algorithms": "ed25519"},
        DkimKey,
    ),
    "account": ("account_new", "form.card[novalidate]", SMTP, SendingAccount),
}


@pytest.fixture
def press(owner_client: Client) -> Callable[..., Any]:
    """Return a function that opens a page and makes its button, to be pressed more than once."""

    def open_page(name: str, form: str, typed: dict[str, str]) -> Callable[..., Any]:
        address = reverse(name)
        sent = fields_of(owner_client.get(address).text, form) | typed
        assert sent["csrfmiddlewaretoken"]
        return lambda **more: owner_client.post(address, sent | more)

    return open_page


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_press_twice_makes_one(
    case: tuple[str, str, dict[str, str], Any], press: Callable[..., Any], redis_client: object
) -> None:
    name, form, typed, model = case
    before = model.objects.count()
    button = press(name, form, typed)
    first = button()
    assert first.status_code == 302, first.text[:2000]
    second = button()
    assert (second.status_code, second["Location"]) == (302, first["Location"])
    assert model.objects.count() == before + 1


@pytest.mark.django_db
def test_something_else_typed_after_going_back_is_another(press: Callable[..., Any]) -> None:
    button = press("list_new", "form[data-guard]", {"name": "News"})
    button()
    button(name="Offers")
    assert sorted(MailingList.objects.values_list("name", flat=True)) == ["News", "Offers"]


@pytest.mark.django_db
def test_a_refused_form_can_be_sent_again(press: Callable[..., Any]) -> None:
    button = press("list_new", "form[data-guard]", {"name": ""})
    assert button().status_code == 200
    assert button().status_code == 200
    assert Press.objects.count() == 0
    assert button(name="News").status_code == 302


@pytest.mark.django_db
def test_a_key_is_shown_once_and_reloading_makes_no_other(
    press: Callable[..., Any], owner_client: Client
) -> None:
    button = press("api_key_list", "main form[method=post]", {"name": "Shop", "role": "editor"})
    button()
    shown = button()  # the browser follows the second of a double press
    page = owner_client.get(shown["Location"]).text
    assert "Copy the key now" in page
    assert "Copy the key now" not in owner_client.get(shown["Location"]).text
    assert ApiKey.objects.count() == 1


def at_once(number: int, act: Callable[[int], Any]) -> list[Any]:
    """Do something several times at the same moment, each with a connection of its own."""

    def one(index: int) -> Any:
        try:
            return act(index)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_make_one(
    owner: User, owner_client: Client, signed_in: Callable[[User], Client], redis_client: object
) -> None:
    address = reverse("campaign_new")
    sent = fields_of(owner_client.get(address).text, "main form") | {"name": "Juni"}
    clients = [signed_in(owner) for _each in range(3)]
    answers = at_once(3, lambda index: clients[index].post(address, sent))
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer["Location"] for answer in answers}) == 1
    assert Campaign.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_copies_at_the_same_moment_get_names_of_their_own(workspace: Workspace) -> None:
    template = Template.objects.create(workspace=workspace, name="T", source="<mjml></mjml>")
    copies = at_once(4, lambda _index: mail_templates.duplicate(template).name)
    assert sorted(copies) == ["Copy of T", "Copy of T 2", "Copy of T 3", "Copy of T 4"]


@pytest.mark.django_db(transaction=True)
def test_who_takes_a_name_a_moment_later_is_told(
    owner: User, signed_in: Callable[[User], Client], workspace: Workspace
) -> None:
    clients = [signed_in(owner) for _each in range(3)]
    answers = at_once(3, lambda index: clients[index].post(reverse("list_new"), LIST))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 302]
    assert MailingList.objects.filter(name="News").count() == 1


@pytest.mark.django_db
def test_a_name_that_is_never_free_is_an_error_and_no_endless_loop(workspace: Workspace) -> None:
    Segment.objects.create(workspace=workspace, name="S")
    with pytest.raises(RuntimeError):
        under_free_name(
            "S", taken=set, make=lambda name: Segment.objects.create(workspace=workspace, name=name)
        )
