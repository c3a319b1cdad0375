"""Forms made by mistake go; forms that people used are archived, and keep their proof."""

import pytest
from django.urls import reverse
from django.utils import timezone

from subscribers.consent import ledger
from subscribers.models import SignupForm, SignupTally
from tests.campaigns.makers import make_list


@pytest.fixture
def form(workspace):
    statement = ledger.statement(workspace, text="I agree.")
    form = SignupForm.objects.create(
        workspace=workspace, name="Fair", title="Fair", statement=statement
    )
    form.lists.add(make_list(workspace))
    return form


def test_one_that_nobody_used_is_deleted(form, editor_client):
    assert "Delete" in editor_client.get(reverse("form_edit", args=[form.pk])).content.decode()
    editor_client.post(reverse("form_delete", args=[form.pk]))
    assert not SignupForm.objects.exists()


def test_one_that_people_used_is_kept(form, editor_client):
    SignupTally.objects.create(form=form, hour=timezone.now(), submitted=1)
    page = editor_client.post(reverse("form_delete", args=[form.pk]), follow=True)
    assert "it is kept as proof" in page.content.decode()
    assert SignupForm.objects.exists()


def test_an_archived_one_is_closed_and_comes_back(form, editor_client, client):
    hosted = reverse("public_signup", args=[form.public_id])
    assert client.get(hosted).status_code == 200
    editor_client.post(reverse("form_archive", args=[form.pk]))
    form.refresh_from_db()
    assert (form.is_active, form.archived_at is None) == (False, False)
    editor_client.get(reverse("form_list"))  # says what was done, once
    assert "Fair" not in editor_client.get(reverse("form_list")).content.decode()
    assert "Fair" in editor_client.get(reverse("form_list") + "?archived=1").content.decode()
    assert "I agree." not in client.get(hosted).content.decode()
    editor_client.post(reverse("form_archive", args=[form.pk]))
    form.refresh_from_db()
    assert (form.is_active, form.archived_at) == (False, None)


def test_other_workspaces_do_not_reach_it(form, outsider_client):
    for name in ("form_archive", "form_delete"):
        assert outsider_client.post(reverse(name, args=[form.pk])).status_code == 404
