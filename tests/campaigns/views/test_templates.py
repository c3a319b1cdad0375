"""Templates: from starters, edited, copied, made the default, deleted."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from campaigns import starters
from campaigns.drafts import previewing
from campaigns.models import Campaign, Content, Template
from campaigns.rendering.compile import compile_content
from campaigns.rendering.values import merge_tags
from tests.campaigns.makers import make_campaign

SOURCE = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>{{ content }}</mj-text></mj-column>"
    "</mj-section></mj-body></mjml>"
)


@pytest.fixture
def letter(workspace: Workspace) -> Template:
    return next(t for t in starters.install_starters(workspace) if t.name == "Letter")


@pytest.mark.parametrize("starter", starters.STARTERS, ids=lambda starter: starter.key)
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_starter_makes_a_whole_mail(
    workspace: Workspace, starter: starters.Starter, language: str
) -> None:
    writing = previewing.sample(starters.source_of(starter), workspace)
    compiled = compile_content(writing, merge_tags(workspace), track_opens=False)
    assert compiled.html is not None
    values = {"language": language, "unsubscribe_url": "https://u.example/u"}
    html = compiled.html.render(values)
    assert html.count("https://u.example/u") == 1, "no second footer is added"
    assert ("Berhenti berlangganan" if language == "id" else "Unsubscribe") in html
    assert "Jalan Malabar 7, Bandung 40262" in html
    assert "[[" not in html


def test_installing_twice_changes_nothing(workspace: Workspace, letter: Template) -> None:
    Template.objects.filter(pk=letter.pk).update(source=SOURCE)
    starters.install_starters(workspace)
    assert workspace.templates.count() == 6
    assert list(workspace.templates.filter(is_default=True)) == [letter]
    assert Template.objects.get(pk=letter.pk).source == SOURCE


def test_a_starter_takes_the_colour_that_the_workspace_has_now(workspace: Workspace) -> None:
    template = starters.install_starters(workspace)[0]
    for colour, shown in (("#c8752d", "#c8752d"), ("#123456", "#123456"), ('"/><x ', "#0f6e63")):
        workspace.brand_colour = colour
        workspace.save(update_fields=["brand_colour"])
        writing = previewing.sample(template.source, workspace)
        html = compile_content(writing, merge_tags(workspace), track_opens=False).html
        assert html is not None
        assert f"color:{shown}" in html.render({}).replace(" ", "").lower()


def test_starters_that_nobody_changed_follow_the_colour_after_an_upgrade(
    workspace: Workspace,
) -> None:
    now = starters.source_of(starters.STARTERS[0])
    baked = now.replace("{{ brand_colour }}", workspace.brand_colour)
    old = Template.objects.create(workspace=workspace, name="Old", source=baked)
    own = Template.objects.create(workspace=workspace, name="Own", source=baked + "<!-- ours -->")
    migration = import_module("campaigns.migrations.0007_starters_follow_the_brand")
    migration.follow(apps, None)
    old.refresh_from_db()
    own.refresh_from_db()
    assert old.source == now
    assert own.source == baked + "<!-- ours -->"


def test_a_template_from_a_starter(editor_client: Client, letter: Template) -> None:
    editor_client.post(reverse("template_new"), {"starter": "letter"})
    assert Template.objects.latest("pk").name == "Letter 2"
    assert editor_client.post(reverse("template_new"), {"starter": "x"}).status_code == 404


def test_editing_says_what_is_wrong_and_keeps_it(editor_client: Client, letter: Template) -> None:
    path = reverse("template_edit", args=[letter.pk])
    data = {"name": "Letter", "description": "", "source": "<mjml>\n<mj-body>{{ content }}"}
    answer = editor_client.post(path, data, headers={"X-Autosave": "1"})
    assert answer.status_code == 204
    letter.refresh_from_db()
    assert letter.source == "<mjml>\n<mj-body>{{ content }}"
    assert (
        "line 2"
        in editor_client.get(reverse("template_checked", args=[letter.pk])).content.decode()
    )
    marks = editor_client.post(
        reverse("template_lint", args=[letter.pk]), {"source": "<mjml></mjml>"}
    ).json()["findings"]
    assert [mark["message"] for mark in marks] == [
        "The template does not say where the writing goes. Put {{ content }} into it."
    ]


def test_a_name_is_taken_once(editor_client: Client, letter: Template) -> None:
    path = reverse("template_edit", args=[letter.pk])
    answer = editor_client.post(path, {"name": "digest", "description": "", "source": SOURCE})
    assert answer.status_code == 422
    assert "There is a template of this name." in answer.content.decode()
    assert Template.objects.get(pk=letter.pk).name == "Letter"


def test_the_default_moves(editor_client: Client, letter: Template) -> None:
    digest = Template.objects.get(name="Digest")
    editor_client.post(reverse("template_default", args=[digest.pk]))
    assert list(Template.objects.filter(is_default=True)) == [digest]
    editor_client.post(reverse("template_delete", args=[digest.pk]))
    assert list(Template.objects.filter(is_default=True)) == [
        Template.objects.get(name="Announcement")
    ]


def test_deleting_says_where_it_is_used(
    editor_client: Client, draft: Campaign, letter: Template
) -> None:
    assert draft.content is not None
    draft.content.template = letter
    draft.content.save()
    path = reverse("template_delete", args=[letter.pk])
    assert "1 campaign uses it:" in editor_client.get(path).content.decode()
    assert Template.objects.filter(pk=letter.pk).exists()
    editor_client.post(path)
    draft.content.refresh_from_db()
    assert draft.content.template is None
    assert draft.content.source == "# Halo {{ first_name }}"


@pytest.mark.parametrize(
    "name", ["template_edit", "template_duplicate", "template_default", "template_delete"]
)
def test_an_analyst_changes_nothing(analyst_client: Client, letter: Template, name: str) -> None:
    data = {"name": "Mine", "description": "", "source": "x"}
    status = analyst_client.post(reverse(name, args=[letter.pk]), data).status_code
    assert status == (200 if name == "template_edit" else 403)
    assert Template.objects.count() == 6
    assert Template.objects.get(pk=letter.pk).name == "Letter"


def test_previews_are_shut_in(editor_client: Client, letter: Template) -> None:
    for path in (
        reverse("template_preview", args=[letter.pk]),
        reverse("template_starter_preview") + "?starter=digest",
    ):
        answer = editor_client.get(path)
        assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert "Hello Dewi" in answer.content.decode()


def test_only_the_version_that_a_campaign_has_now_counts_as_use(
    editor_client: Client, letter: Template
) -> None:
    Template.objects.filter(pk=letter.pk).update(is_default=False)
    campaign = make_campaign(letter.workspace)
    assert campaign.content is not None
    Content.objects.filter(pk=campaign.content.pk).update(template=letter)
    path = reverse("template_list")
    assert "In 1 campaign not sent yet" in editor_client.get(path).content.decode()
    newer = Content.objects.create(campaign=campaign, version=2)
    Campaign.objects.filter(pk=campaign.pk).update(content=newer)
    assert "not sent yet" not in editor_client.get(path).content.decode()
    with_it = Content.objects.create(campaign=campaign, version=3, template=letter)
    Campaign.objects.filter(pk=campaign.pk).update(content=with_it)
    assert "In 1 campaign not sent yet" in editor_client.get(path).content.decode()


def test_more_templates_are_not_more_queries(
    editor_client: Client, letter: Template, django_assert_num_queries: Any
) -> None:
    path = reverse("template_list")
    editor_client.get(path)
    Template.objects.exclude(pk=letter.pk).delete()
    with django_assert_num_queries(9):
        editor_client.get(path)
    starters.install_starters(letter.workspace)
    with django_assert_num_queries(9):
        editor_client.get(path)
