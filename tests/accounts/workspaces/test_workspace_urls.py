"""The workspace is named in the address, and nowhere else."""

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

import config.celery  # noqa: F401 - its tasks know of commits
from accounts.models import FormerSlug, Membership, User, Workspace
from accounts.roles import Role
from accounts.workspaces import workspace_urls, workspaces
from accounts.workspaces.workspace_urls import in_workspace, needs_workspace, outside
from campaigns.models import Campaign
from subscribers.models import SignupBrake
from subscribers.signup import mails

if TYPE_CHECKING:
    from tests.people import Cast

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[3]


@pytest.fixture
def both(cast: "Cast") -> Client:
    """A browser of somebody who owns both workspaces."""
    Membership.objects.create(workspace=cast.other_workspace, user=cast.owner, role=Role.OWNER)
    client = Client()
    client.force_login(cast.owner)
    return client


def fields(workspace: Workspace, **other: str) -> dict[str, str]:
    names = ("name", "slug", "postal_address", "website", "brand_colour", "default_language")
    return {name: getattr(workspace, name) for name in (*names, "time_zone")} | other


def test_a_form_opened_in_one_workspace_saves_there_whatever_was_chosen_since(
    both: Client, cast: "Cast"
) -> None:
    ours, theirs = cast.workspace, cast.other_workspace
    address = in_workspace(ours, "settings_workspace")
    page = both.get(address).text
    both.get(in_workspace(theirs, "home"))  # in another tab
    assert f'action="{address}"' in page
    both.post(address, fields(ours, name="Kopi Pagi", postal_address="Jl. Braga 12"))
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.name, ours.postal_address) == ("Kopi Pagi", "Jl. Braga 12")
    assert (theirs.name, theirs.postal_address) == ("Teh Pagi", "Jalan Malabar 7, Bandung 40262")


def test_what_is_done_to_everybody_is_done_to_those_on_the_page(both: Client, cast: "Cast") -> None:
    address = in_workspace(cast.workspace, "settings_team")
    both.get(in_workspace(cast.other_workspace, "home"))
    both.post(address, {"email": "new@example.org", "role": "admin"})
    assert cast.workspace.invitations.count() == 1
    assert cast.other_workspace.invitations.count() == 0


def test_every_link_of_a_page_stays_in_its_workspace(both: Client, cast: "Cast") -> None:
    both.get(in_workspace(cast.other_workspace, "home"))
    page = both.get(in_workspace(cast.workspace, "campaign_list")).text
    assert 'href="/kopi-senja/subscribers/"' in page
    assert 'href="/teh-pagi/"' in page  # the switcher
    assert page.replace('href="/teh-pagi/"', "").count("/teh-pagi/") == 0
    assert 'action="/sign-out/"' in page
    assert 'href="/profile/"' in page


def test_pages_of_no_workspace_are_surrounded_by_the_one_used_last(
    both: Client, cast: "Cast"
) -> None:
    for workspace in (cast.other_workspace, cast.workspace):
        both.get(in_workspace(workspace, "home"))
        assert f'href="/{workspace.slug}/campaigns/"' in both.get(outside("profile")).text
        assert both.get("/campaigns/")["Location"] == f"/{workspace.slug}/campaigns/"


def test_what_polls_in_another_tab_is_not_what_was_used_last(both: Client, cast: "Cast") -> None:
    both.get(in_workspace(cast.other_workspace, "home"))
    both.get(in_workspace(cast.workspace, "search"), headers={"HX-Request": "true"})
    assert both.get("/")["Location"] == "/teh-pagi/"


def test_a_link_can_be_sent_to_a_colleague_who_signs_in(cast: "Cast", client: Client) -> None:
    campaign = Campaign.objects.create(workspace=cast.workspace, name="Panen")
    link = in_workspace(cast.workspace, "campaign_review", campaign.pk)
    asked = client.get(link)
    assert asked["Location"] == f"/sign-in/?next={link}"


def test_a_slug_can_be_changed_and_the_old_one_leads_there(both: Client, cast: "Cast") -> None:
    ours = cast.workspace
    answer = both.post(in_workspace(ours, "settings_workspace"), fields(ours, slug="Roastery"))
    assert answer["Location"] == "/roastery/settings/"
    assert both.get("/kopi-senja/campaigns/?q=1")["Location"] == "/roastery/campaigns/?q=1"
    renamed = fields(ours, slug="roastery", name="Roastery")
    assert both.post("/kopi-senja/settings/", renamed).status_code == 302  # an older tab
    ours.refresh_from_db()
    assert (ours.name, ours.slug) == ("Roastery", "roastery")
    taken = both.post("/teh-pagi/settings/", fields(cast.other_workspace, slug="kopi-senja"))
    assert "Another workspace has this address" in taken.text
    assert workspaces.free_slug("Kopi Senja") == "kopi-senja-2"
    both.post("/roastery/settings/", fields(ours, slug="kopi-senja"))
    assert both.get("/kopi-senja/campaigns/").status_code == 200
    assert list(FormerSlug.objects.values_list("slug", flat=True)) == ["roastery"]


@pytest.mark.parametrize("word", ["admin", "health", "static", "api", "campaigns", "s", "media"])
def test_addresses_of_the_product_are_no_slugs(both: Client, cast: "Cast", word: str) -> None:
    refused = both.post("/kopi-senja/settings/", fields(cast.workspace, slug=word))
    assert "reserved" in refused.text
    assert workspaces.free_slug(word) == f"{word}-2"


@pytest.mark.parametrize("slug", ["-a", "a b", "a/b", "kopi.senja", "é", "a" * 61])
def test_a_slug_is_a_plain_word(slug: str) -> None:
    with pytest.raises(ValidationError):
        workspace_urls.refuse_reserved(slug)


def test_every_first_part_of_our_addresses_is_reserved() -> None:
    """The list keeps workspaces of older versions from standing in the way of these pages."""
    assert workspace_urls.first_parts() <= workspace_urls.RESERVED_WORDS


def test_two_who_take_the_same_slug_wait_for_each_other(cast: "Cast") -> None:
    workspaces.change_slug(cast.workspace, slug="roastery")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone() == (1,)
    assert not workspaces.change_slug(cast.other_workspace, slug="kopi-senja")


def test_who_belongs_to_no_workspace_is_told_so(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("alone@example.org"))
    assert client.get("/")["Location"] == "/workspaces/none/"
    assert client.get("/kopi-senja/").status_code == 404


def test_a_slug_without_a_slash_leads_on(both: Client) -> None:
    assert both.get("/kopi-senja")["Location"] == "/kopi-senja/"


def test_addresses_of_no_workspace_are_never_reversed_inside_of_one() -> None:
    """`reverse` and `redirect` add the workspace of the request: such names need `outside`."""
    wrong = []
    for path in ROOT.glob("*/**/*.py"):
        if path.relative_to(ROOT).parts[0] in {"tests", "benchmarks", ".venv", "frontend", "var"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = _reversed(node)
            if name and not needs_workspace(name):
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == []


def _reversed(node: ast.AST) -> str:
    called: Any = node.func if isinstance(node, ast.Call) else None
    if not isinstance(called, ast.Name) or called.id not in {"reverse", "redirect"}:
        return ""
    first = node.args[0] if isinstance(node, ast.Call) and node.args else None
    text = first.value if isinstance(first, ast.Constant) else ""
    return text if isinstance(text, str) and "/" not in text else ""


def test_mails_name_the_workspace_in_their_links(cast: "Cast") -> None:
    until = timezone.now() + timedelta(hours=1)
    SignupBrake.objects.create(workspace=cast.workspace, until=until, mailed=60)
    owner = Membership.objects.get(workspace=cast.workspace, user=cast.owner)
    mail = mails.brake_news(owner.pk)
    assert mail is not None
    assert f"{settings.SITE_URL}/kopi-senja/forms/held/" in str(mail.body)


def test_a_public_link_on_a_page_of_a_workspace_names_none(
    cast: "Cast", signed_in: Callable[[User], Client]
) -> None:
    with workspace_urls.script_prefix("/kopi-senja/"):
        assert outside("public_signup", "abc") == "/s/abc/"
        assert in_workspace(cast.other_workspace, "home") == "/teh-pagi/"
