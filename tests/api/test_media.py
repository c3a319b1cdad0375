"""The media library for programs."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from accounts.models import User, Workspace
from accounts.roles import Role
from accounts.team import api_keys
from campaigns.media import folders, names
from campaigns.models import Picture
from config import storages
from config.server import uploads
from tests.campaigns.media import painting

PATH = "/api/v1/media"


@pytest.fixture(autouse=True)
def shelf(settings: Any, tmp_path: Path) -> None:
    place = storages.pictures("", "", folder=tmp_path)
    settings.STORAGES = {**django_settings.STORAGES, "pictures": place}


def program(workspace: Workspace, owner: User, role: Role = Role.EDITOR) -> Client:
    key = api_keys.create(workspace, name="Program", role=role, by=owner)
    return Client(headers={"authorization": f"Bearer {key}"})


def file(name: str = "Cup.png", content: bytes | None = None) -> SimpleUploadedFile:
    content = painting.encoded(painting.drawing()) if content is None else content
    return SimpleUploadedFile(name, content)


def test_a_picture_from_upload_to_deletion(workspace: Workspace, owner: User):
    client = program(workspace, owner)
    folder = folders.make(workspace, name="Cups", parent=None)
    sent = {"file": file(), "alt_text": "A cup", "folder": folder.pk}
    answer = client.post(PATH, sent)
    assert answer.status_code == 201
    made = answer.json()
    picture = Picture.objects.get()
    assert made["url"] == names.address_of(picture.file)
    assert (made["name"], made["alt_text"], made["folder"]) == ("Cup", "A cup", folder.pk)
    assert client.post(PATH, {"file": file()}).status_code == 200
    listed = client.get(f"{PATH}?q=cup&limit=1").json()
    assert [one["id"] for one in listed["pictures"]] == [picture.pk]
    assert listed["next"] == ""
    assert client.get(f"{PATH}/folders").json() == [
        {"id": folder.pk, "name": "Cups", "parent": None}
    ]
    changed = client.patch(
        f"{PATH}/{picture.pk}", {"alt_text": "", "folder": None}, content_type="application/json"
    )
    assert (changed.json()["alt_text"], changed.json()["folder"]) == ("", None)
    assert changed.json()["name"] == "Cup"
    assert client.delete(f"{PATH}/{picture.pk}").status_code == 204
    assert client.get(f"{PATH}/{picture.pk}").status_code == 404


def test_what_is_wrong_is_said(workspace: Workspace, owner: User, other_workspace: Workspace):
    client = program(workspace, owner)
    bad = client.post(PATH, {"file": file("x.png", b"no picture")})
    assert bad.status_code == 422
    assert "“x” is not a picture" in bad.json()["detail"]
    theirs = folders.make(other_workspace, name="Theirs", parent=None)
    elsewhere = client.post(PATH, {"file": file(), "folder": theirs.pk})
    assert elsewhere.status_code == 422
    assert "no folder of this id" in elsewhere.json()["detail"]
    assert client.post(PATH, {"alt_text": "x"}).status_code == 422
    assert client.get(f"{PATH}?q=%00").status_code == 400
    analyst = program(workspace, owner, Role.ANALYST)
    assert analyst.post(PATH, {"file": file()}).status_code == 403
    assert analyst.get(PATH).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_only_who_is_known_may_send_a_file(workspace: Workspace, owner: User, settings: Any):
    key = api_keys.create(workspace, name="Program", role=Role.EDITOR, by=owner)
    make = RequestFactory().post

    def most(path: str, **headers: str) -> int:
        return uploads.most_bytes(make(path, **headers).environ)

    assert most(PATH, HTTP_AUTHORIZATION=f"Bearer {key}") == (
        settings.PICTURE_MAX_BYTES + uploads.FORM_AROUND
    )
    assert most(PATH) < 1_000_000
    assert most("/kopi-senja/media/upload/") < 1_000_000
