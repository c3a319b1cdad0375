"""Writing in the browser: saved by itself, never over somebody else, shown as a person sees it."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User, Workspace
from campaigns.checks import preflight
from campaigns.drafts import content, subjects
from campaigns.models import Campaign, Content, Template
from campaigns.rendering import isolation
from campaigns.states import CampaignStatus
from subscribers.models import MailingList
from tests.architecture.files import ROOT
from tests.campaigns.makers import make_reader, make_subscriber


def typed(campaign: Campaign, **changes: str) -> dict[str, str]:
    """Return what the browser sends when nothing but ``changes`` was typed."""
    campaign = Campaign.objects.select_related("content").get(pk=campaign.pk)
    stored = campaign.content
    assert stored is not None
    return {
        "revision": content.revision(stored),
        "subject": stored.subject,
        "preheader": stored.preheader,
        "source": stored.source,
        "text": stored.text,
        "template": str(stored.template_id or ""),
        "from_name": campaign.from_name,
        "from_email": campaign.from_email,
        "reply_to": campaign.reply_to,
        "sending_account": "",
        **changes,
    }


def autosave(client: Client, campaign: Campaign, data: dict[str, str]) -> Any:
    return client.post(
        reverse("campaign_autosave", args=[campaign.pk]), data, headers={"X-Autosave": "1"}
    )


def test_typing_is_saved_and_named(editor_client: Client, draft: Campaign) -> None:
    answer = autosave(editor_client, draft, typed(draft, subject="Baru\r\nBcc: x@y.example"))
    assert answer.status_code == 204
    stored = Content.objects.get(campaign=draft)
    assert stored.subject == "Baru Bcc: x@y.example"
    assert answer["X-Revision"] == content.revision(stored)


def test_the_second_tab_is_told_and_may_choose(editor_client: Client, draft: Campaign) -> None:
    old = typed(draft)
    autosave(editor_client, draft, typed(draft, subject="First tab"))
    answer = autosave(editor_client, draft, {**old, "subject": "Second tab"})
    assert answer.status_code == 409
    assert "changed in another window" in answer.content.decode()
    assert Content.objects.get(campaign=draft).subject == "First tab"

    page = editor_client.post(
        reverse("campaign_content", args=[draft.pk]), {**old, "subject": "Second tab"}
    )
    assert page.status_code == 409
    assert 'value="Second tab"' in page.content.decode()

    editor_client.post(
        reverse("campaign_content", args=[draft.pk]),
        {**old, "subject": "Second tab", "overwrite": "1"},
    )
    assert Content.objects.get(campaign=draft).subject == "Second tab"


def test_two_megabytes_are_refused_and_kept_on_the_page(
    editor_client: Client, draft: Campaign
) -> None:
    paste = "kopi " * 400_000
    data = typed(draft, source=paste)
    answer = autosave(editor_client, draft, data)
    assert answer.status_code == 422
    assert "This has 2,000,000 characters, and 1,000,000 is the most." in answer.content.decode()
    page = editor_client.post(reverse("campaign_content", args=[draft.pk]), data)
    assert page.status_code == 422
    assert paste in page.content.decode()
    assert Content.objects.get(campaign=draft).source == "# Halo {{ first_name }}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Halo\n\n{{ ''.__class__ }}", "line 3"),
        ("Halo\n{{ frist_name }}", "frist_name"),
        ("{% for a in 'aaaaaaaaaa' %}" * 9 + "x" + "{% endfor %}" * 9, ""),
        ("{% if first_name %}", ""),
    ],
)
def test_what_can_not_be_shown_is_saved_and_explained(
    editor_client: Client, draft: Campaign, source: str, said: str
) -> None:
    assert autosave(editor_client, draft, typed(draft, source=source)).status_code == 204
    assert Content.objects.get(campaign=draft).source == source
    checked = editor_client.get(reverse("campaign_checked", args=[draft.pk])).content.decode()
    assert 'class="w-notes"' in checked
    assert "<li>" in checked
    assert said in checked
    preview = editor_client.get(reverse("campaign_preview", args=[draft.pk]))
    assert preview.status_code == 200
    marks = editor_client.post(reverse("campaign_lint", args=[draft.pk]), {"source": source})
    assert len(marks.json()["findings"]) >= 1


def test_the_preview_is_shut_in(editor_client: Client, draft: Campaign, news: MailingList) -> None:
    person = make_reader(draft.workspace, news, "made@example.org", first_name="Made")
    path = reverse("campaign_preview", args=[draft.pk])
    preview = editor_client.get(path, {"person": person.pk})
    assert "Halo Made" in preview.content.decode()
    policy = preview["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert preview["X-Frame-Options"] == "SAMEORIGIN"
    text = editor_client.get(path, {"person": str(person.pk), "view": "text"})
    assert "Halo Made" in text.content.decode()


def test_a_person_of_another_workspace_is_not_shown(
    editor_client: Client, draft: Campaign, other_workspace: Workspace
) -> None:
    stranger = make_subscriber(other_workspace, "stranger@example.org", first_name="Stranger")
    pane = editor_client.get(
        reverse("campaign_preview", args=[draft.pk]), {"person": stranger.pk}
    ).content.decode()
    assert "Stranger" not in pane
    assert "Halo Dewi" in pane
    found = editor_client.get(reverse("campaign_people", args=[draft.pk]), {"q": "str"})
    assert "Stranger" not in found.content.decode()


def test_people_are_found_by_address_and_name(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    make_reader(draft.workspace, news, "made@example.org", first_name="Made")
    path = reverse("campaign_people", args=[draft.pk])
    for query, found in (("MAD", True), ("made@", True), ("dew", False)):
        answer = editor_client.get(path, {"q": query}).content.decode()
        assert ("made@example.org" in answer) is found


def test_people_to_preview_as_are_found_by_any_part_in_the_blocks_of_search(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    make_reader(draft.workspace, news, "made@example.org", first_name="Made", last_name="Wijaya")
    path = reverse("campaign_people", args=[draft.pk])
    for query, found in (("jay", True), ("wijaya made", True), ("nobody-at-all", False)):
        with CaptureQueriesContext(connection) as ran:
            answer = editor_client.get(path, {"q": query}).content.decode()
        assert ("made@example.org" in answer) is found
        people = [one["sql"] for one in ran if '"subscribers_subscriber"."email"' in one["sql"]]
        assert all(" IN (" in sql for sql in people), "by key, never backwards through everybody"
        assert any("subscribers_searchblock" in one["sql"] for one in ran)


def test_the_subjects_length_is_counted_in_one_way(
    editor_client: Client, draft: Campaign, news: MailingList
) -> None:
    """While it is typed (the script), on the page without one, and by the checks."""
    tag = '{{ first_name|default("everybody who reads this") }}'
    for subject, length in ((f"{tag}, {'x' * 61}", 70), (f"{tag}, {'x' * 62}", 71), ("é 🙂", 3)):
        Content.objects.filter(campaign=draft).update(subject=subject)
        draft = Campaign.objects.get(pk=draft.pk)
        page = editor_client.get(reverse("campaign_content", args=[draft.pk])).content.decode()
        assert f"{length} characters" in page
        codes = {finding.code: finding.text for finding in preflight.findings(draft)}
        assert ("long_subject" in codes) is (length > subjects.LONGEST)
        if length > subjects.LONGEST:
            assert codes["long_subject"] == f"The subject has {length} characters and will be cut."
    script = (ROOT / "frontend/src/behaviours/preview.js").read_text(encoding="utf-8")
    assert f"const TAG = /{subjects.TAG.pattern}/g;" in script
    assert f'replace(TAG, "{subjects.WORD}")' in script
    assert f"length <= {subjects.LONGEST} ?" in script


def test_what_the_toolbar_writes_is_in_the_authors_language(
    editor: User, editor_client: Client, draft: Campaign
) -> None:
    User.objects.filter(pk=editor.pk).update(language="id")
    page = editor_client.get(reverse("campaign_content", args=[draft.pk])).content.decode()
    words = dict(re.findall(r'data-(link|image|button)-text="([^"]+)"', page))
    assert words == {"link": "teks", "image": "isi gambar", "button": "Baca selengkapnya"}
    script = (ROOT / "frontend/src/editor/commands.js").read_text(encoding="utf-8")
    for name in words:
        assert f'"{name}Text"' in script
    assert "Read more" not in script


def test_switching_carries_over_and_comes_back(editor_client: Client, draft: Campaign) -> None:
    letter = Template.objects.get(workspace=draft.workspace, name="Letter")
    data = typed(draft, template=str(letter.pk))
    path = reverse("campaign_switch", args=[draft.pk])
    editor_client.post(path, {**data, "kind": "mjml"})
    draft.refresh_from_db()
    assert draft.content is not None
    assert (draft.content.kind, draft.content.version) == ("mjml", 2)
    assert "<mjml" in draft.content.source
    assert "Halo {{ first_name }}</h1>" in draft.content.source
    page = editor_client.get(reverse("campaign_content", args=[draft.pk])).content.decode()
    assert f'<input type="hidden" name="template" value="{letter.pk}">' in page
    shown = editor_client.get(reverse("campaign_preview", args=[draft.pk])).content.decode()
    assert "Halo Dewi" in shown

    # Untouched, it is carried over anew.
    editor_client.post(path, {**typed(draft), "kind": "markdown"})
    again = typed(draft, source="# Halo {{ first_name }}", template=str(letter.pk))
    editor_client.post(path, {**again, "source": "# Hei {{ first_name }}", "kind": "mjml"})
    draft.refresh_from_db()
    assert draft.content is not None
    assert "Hei {{ first_name }}</h1>" in draft.content.source

    editor_client.post(path, {**typed(draft, source="<mjml></mjml>"), "kind": "markdown"})
    draft.refresh_from_db()
    assert draft.content is not None
    assert (draft.content.kind, draft.content.source) == ("markdown", "# Hei {{ first_name }}")
    assert Content.objects.get(campaign=draft, version=4).source == "<mjml></mjml>"


def test_a_sending_account_of_another_workspace_is_refused(
    editor_client: Client, draft: Campaign, other_workspace: Workspace
) -> None:
    account = other_workspace.sending_accounts.create(name="Theirs")
    answer = autosave(editor_client, draft, typed(draft, sending_account=str(account.pk)))
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert draft.sending_account_id is None


def test_what_is_scheduled_can_not_be_overwritten_by_an_open_tab(
    editor_client: Client, draft: Campaign
) -> None:
    data = typed(draft, subject="Too late")
    Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.SCHEDULED)
    answer = autosave(editor_client, draft, data)
    assert answer.status_code == 409
    assert "can't be changed now" in answer.content.decode()
    assert Content.objects.get(campaign=draft).subject == "Panen raya"


def test_an_analyst_sees_and_changes_nothing(analyst_client: Client, draft: Campaign) -> None:
    page = analyst_client.get(reverse("campaign_content", args=[draft.pk]))
    assert page.status_code == 200
    assert "Continue to tracking" not in page.content.decode()
    data = typed(draft, subject="Analyst")
    assert autosave(analyst_client, draft, data).status_code == 403
    path = reverse("campaign_content", args=[draft.pk])
    assert analyst_client.post(path, data).status_code == 403
    assert Content.objects.get(campaign=draft).subject == "Panen raya"


def test_the_page_asks_as_often_for_many_people_as_for_one(
    editor_client: Client,
    draft: Campaign,
    news: MailingList,
    django_assert_num_queries: Any,
) -> None:
    path = reverse("campaign_content", args=[draft.pk])
    editor_client.get(path)
    with django_assert_num_queries(28):
        editor_client.get(path)
    for number in range(3):
        make_reader(draft.workspace, news, f"reader{number}@example.org", first_name="R")
    with django_assert_num_queries(28):
        editor_client.get(path)


def test_one_revision_is_rendered_once_whatever_parts_of_the_page_ask(
    editor_client: Client, draft: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ask = isolation._pool.ask

    def count(request: bytes, *, seconds: float) -> bytes:
        asked.append(1)
        return ask(request, seconds=seconds)

    monkeypatch.setattr(isolation._pool, "ask", count)
    assert autosave(editor_client, draft, typed(draft, source="Halo anew")).status_code == 204
    assert asked == []  # saving renders nothing
    for _time in range(3):
        for part in ("checked", "pane", "preview", "content"):
            editor_client.get(reverse(f"campaign_{part}", args=[draft.pk]))
    assert len(asked) == 2  # one preview, one check
    autosave(editor_client, draft, typed(draft, source="Halo once more"))
    editor_client.get(reverse("campaign_checked", args=[draft.pk]))
    assert len(asked) == 4


def test_a_switch_that_cannot_be_carried_over_now_changes_nothing(
    editor_client: Client, draft: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: Any) -> str:
        raise isolation.BusyError("Others are being prepared.")

    monkeypatch.setattr(isolation, "convert", busy)
    data = {**typed(draft, source="**Halo**"), "kind": "html"}
    page = editor_client.post(reverse("campaign_switch", args=[draft.pk]), data, follow=True)
    assert "Others are being prepared." in page.content.decode()
    stored = Content.objects.get(campaign=draft)
    assert (stored.kind, stored.source) == ("markdown", "**Halo**")


def test_what_one_autosave_asks_of_the_database(
    editor_client: Client, draft: Campaign, django_assert_num_queries: Any
) -> None:
    """The save, and what the page then renews: the checks and the preview."""
    data = typed(draft, source="Halo, sekali saja")
    with django_assert_num_queries(10):
        assert autosave(editor_client, draft, data).status_code == 204
    for part, queries in (("checked", 17), ("preview", 9)):
        with django_assert_num_queries(queries):
            editor_client.get(reverse(f"campaign_{part}", args=[draft.pk]))
