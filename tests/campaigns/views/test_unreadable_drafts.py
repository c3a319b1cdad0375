"""Autosave stores what is half typed: every page that shows a draft survives it."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from campaigns.models import Campaign, Content, Template
from campaigns.states import ContentKind
from tests.campaigns.views.test_content import autosave, typed

HALF_TYPED = [
    "{{ first_name|uper }}",
    "{{ first_nam }}",
    "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "{% macro m() %}{{ varargs }}{% endmacro %}{{ m(1) }}",
    "{{ 'x' * 9 }}{{ 1 / 0 }}",
    "{% if",
    "{{ first_name",
    "}} %} #}",
    "{% for a in first_name %}",
    "<a " + '"<a" ' * 30,
    "|a" * 120 + "\n" + "|-" * 120 + "\n" + "|\n" * 100,
    "<mjml><mj-body><mj-foo></mj-body>",
    "zq7n0qz \u2028 \u0085 \ufffe",
]
PAGES = ("audience", "content", "tracking", "review", "confirm", "checked", "pane", "preview")


def look_everywhere(client: Client, draft: Campaign, template: Template) -> None:
    for page in PAGES:
        address = reverse(f"campaign_{page}", args=[draft.pk])
        found = client.get(f"{address}?view=text&when=now", follow=True)
        assert found.status_code == 200, page
    for view in ("desktop", "dark", "text"):
        address = reverse("campaign_preview", args=[draft.pk])
        assert client.get(f"{address}?view={view}").status_code == 200
    for page in ("edit", "checked", "preview"):
        assert client.get(reverse(f"template_{page}", args=[template.pk])).status_code == 200
    for address in ("/", "/campaigns/", reverse("template_list")):
        assert client.get(address, follow=True).status_code == 200
    for kind in ContentKind:
        address = reverse("campaign_switch", args=[draft.pk])
        assert client.post(address, {**typed(draft), "kind": kind}).status_code == 302
    scheduled = client.post(reverse("campaign_schedule", args=[draft.pk]), {"when": "now"})
    assert scheduled.status_code in {302, 422}
    draft.refresh_from_db()
    assert draft.status == "draft"


@pytest.mark.parametrize("source", HALF_TYPED, ids=lambda source: source[:20])
def test_what_is_half_typed_is_shown_with_its_fault(
    owner_client: Client, workspace: Workspace, draft: Campaign, source: str
) -> None:
    template = workspace.templates.get(is_default=True)
    changes = {"source": source, "subject": source[:200].replace("\n", " ") + " {{", "text": source}
    assert autosave(owner_client, draft, typed(draft, **changes)).status_code == 204
    found = owner_client.post(reverse("campaign_lint", args=[draft.pk]), {"source": source})
    assert found.status_code == 200
    Template.objects.filter(pk=template.pk).update(source=f"{{{{ content }}}}{source}")
    Content.objects.filter(campaign=draft).update(template=template)
    look_everywhere(owner_client, draft, template)


def test_a_workspace_may_be_called_anything(
    owner_client: Client, workspace: Workspace, draft: Campaign
) -> None:
    name = "Kopi {% Senja {{ 1 + 1 }}"
    Workspace.objects.filter(pk=workspace.pk).update(name=name, postal_address="Jl. {{ 7 }} {% if")
    for template in workspace.templates.all():
        page = owner_client.get(reverse("template_preview", args=[template.pk]))
        assert "can&#39;t be shown" not in page.content.decode()
        problem = owner_client.get(reverse("template_checked", args=[template.pk]))
        assert "can’t be read" not in problem.content.decode()
        assert "can&#39;t be read" not in problem.content.decode()
    page = owner_client.get(reverse("campaign_preview", args=[draft.pk]) + "?view=text")
    assert f"{name} · Jl. {{{{ 7 }}}} {{% if" in page.content.decode()
    review = owner_client.get(reverse("campaign_review", args=[draft.pk]))
    assert review.status_code == 200
