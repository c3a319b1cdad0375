"""The library's pages, what readers fetch, and who may do what."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Workspace
from campaigns.media import folders, names
from campaigns.models import Picture
from tests.campaigns.media import painting

Add = Callable[..., Picture]
JSON = {"HTTP_ACCEPT": "application/json"}


def file(name: str = "cup.png", content: bytes | None = None) -> SimpleUploadedFile:
    content = painting.encoded(painting.drawing()) if content is None else content
    return SimpleUploadedFile(name, content, content_type="image/png")


def test_a_reader_fetches_a_picture_without_a_session(add: Add, client: Client):
    picture = add("teal")
    answer = client.get(f"/media/{picture.file}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer
    assert not answer.cookies
    assert "Vary" not in answer
    again = client.get(f"/media/{picture.file}", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert client.head(f"/media/{picture.file}").status_code == 200
    assert client.post(f"/media/{picture.file}").status_code in {403, 405}


@pytest.mark.parametrize(
    "path",
    [
        "/media/",
        "/media/..%2f..%2fsettings.py",
        "/media/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.png",
        "/media/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.png",
        "/media/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.svg",
        "/media/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.html",
    ],
)
def test_nothing_else_is_found_there(client: Client, db: None, path: str):
    answer = client.get(path)
    assert answer.status_code in {302, 404}
    assert "max-age" not in answer.get("Cache-Control", "")


def test_several_are_uploaded_and_a_bad_one_spoils_none(
    editor_client: Client, workspace: Workspace
):
    folder = folders.make(workspace, name="Cups", parent=None)
    good = painting.encoded(painting.drawing(colour="red"))
    answer = editor_client.post(
        "/media/upload/",
        {
            "folder": folder.pk,
            "picture": [file("a.png"), file("b.svg", b"<svg></svg>"), file("c.png", good)],
        },
        follow=True,
    )
    assert {one.name for one in Picture.objects.all()} == {"a", "c"}
    assert all(one.folder == folder for one in Picture.objects.all())
    page = answer.content.decode()
    assert "2 pictures were uploaded." in page
    assert "“b” is an SVG drawing" in page


def test_a_script_is_answered_with_the_picture_or_the_reason(editor_client: Client):
    made = editor_client.post("/media/upload/", {"picture": file()}, **JSON)
    assert made.status_code == 201
    shown = json.loads(made.content)
    assert shown["url"].endswith(Picture.objects.get().file)
    assert editor_client.post("/media/upload/", {"picture": file()}, **JSON).status_code == 200
    bad = editor_client.post("/media/upload/", {"picture": file("x.png", b"no")}, **JSON)
    assert bad.status_code == 422
    assert "“x” is not a picture" in json.loads(bad.content)["error"]
    assert editor_client.post("/media/upload/", {}, **JSON).status_code == 422


def test_an_analyst_looks_and_changes_nothing(analyst_client: Client, add: Add):
    picture = add("teal")
    page = analyst_client.get("/media/").content.decode()
    assert picture.name in page
    assert "data-upload" not in page
    assert analyst_client.get(f"/media/{picture.pk}/").status_code == 200
    for path in ("upload/", "selected/", f"{picture.pk}/", f"{picture.pk}/delete/"):
        assert analyst_client.post(f"/media/{path}", {"name": "x"}).status_code == 403
    assert analyst_client.get("/media/pick/").status_code == 403


def test_another_workspaces_pictures_and_folders_are_not_there(
    editor_client: Client, add: Add, other_workspace: Workspace
):
    theirs = add("teal", workspace=other_workspace)
    folder = folders.make(other_workspace, name="Theirs", parent=None)
    mine = add("red")
    assert editor_client.get(f"/media/{theirs.pk}/").status_code == 404
    assert theirs.file not in editor_client.get(f"/media/?folder={folder.pk}").content.decode()
    editor_client.post(
        "/media/selected/",
        {"action": "move", "folder": folder.pk, "picture": [mine.pk, theirs.pk]},
    )
    editor_client.post("/media/selected/", {"action": "delete", "picture": [theirs.pk]})
    editor_client.post(f"/media/{mine.pk}/", {"name": "n", "folder": folder.pk, "revision": 0})
    editor_client.post(f"/media/{mine.pk}/replace/", {"by": theirs.pk})
    for picture in (mine, theirs):
        picture.refresh_from_db()
        assert picture.folder is None


def test_a_name_and_words_are_saved_and_two_tabs_do_not_overwrite_each_other(
    editor_client: Client, add: Add
):
    picture = add("teal")
    path = f"/media/{picture.pk}/"
    sent = {"name": "Cup", "alt_text": "A cup on a table", "revision": 0}
    assert editor_client.post(path, sent).status_code == 302
    picture.refresh_from_db()
    assert (picture.name, picture.alt_text) == ("Cup", "A cup on a table")
    assert editor_client.post(path, {**sent, "name": "Other"}).status_code == 409
    assert editor_client.post(path, {"name": ""}).status_code == 422


def test_a_crop_is_previewed_and_saved_as_a_picture_of_its_own(editor_client: Client, add: Add):
    picture = add("teal")
    path = f"/media/{picture.pk}/shape/"
    whole = {"left": 10, "top": 20, "width": 100, "height": 80, "wide": 50}
    shown = editor_client.post(path, {**whole, "action": "preview"})
    assert "data:image/png;base64," in shown.content.decode()
    assert Picture.objects.count() == 1
    assert editor_client.post(path, {**whole, "action": "save"}).status_code == 302
    made = Picture.objects.latest("pk")
    assert (made.width, made.height, made.name) == (50, 40, picture.name)
    wrong = editor_client.post(path, {**whole, "left": 290})
    assert wrong.status_code == 422
    assert "300 pixels wide" in wrong.content.decode()
    for bad in ("x", "-1", "9" * 400, ""):
        assert editor_client.post(path, {**whole, "left": bad}).status_code == 422


def test_the_dialog_holds_pictures_with_their_addresses(editor_client: Client, add: Add):
    picture = add("teal", filename='"><script>.png', alt_text='A "cup" & more')
    page = editor_client.get("/media/pick/?q=cup").content.decode()
    assert f'data-url="{names.address_of(picture.file)}"' in page
    assert "<script>" not in page
    nothing = editor_client.get("/media/pick/?q=nowhere").content.decode()
    assert picture.file not in nothing


def test_words_typed_when_inserting_are_kept_only_where_there_are_none(
    editor_client: Client, add: Add
):
    picture = add("teal")
    editor_client.post(f"/media/{picture.pk}/alt/", {"alt_text": "A\r\ncup"})
    editor_client.post(f"/media/{picture.pk}/alt/", {"alt_text": "Another"})
    picture.refresh_from_db()
    assert picture.alt_text == "A cup"


def test_folders_are_made_renamed_and_deleted(editor_client: Client, workspace: Workspace):
    editor_client.post("/media/folders/new/", {"name": "Cups"})
    folder = workspace.picture_folders.get()
    assert editor_client.post("/media/folders/new/", {"name": "Cups"}).status_code == 422
    editor_client.post(f"/media/folders/{folder.pk}/", {"name": "Mugs", "revision": 0})
    assert "Mugs" in editor_client.get("/media/").content.decode()
    editor_client.post(f"/media/folders/{folder.pk}/delete/")
    assert not workspace.picture_folders.exists()


def test_a_forged_upload_is_refused(editor_client: Client, editor: Any):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(editor)
    answer = strict.post("/kopi-senja/media/upload/", {"picture": file()})
    assert answer.status_code == 403
    assert not Picture.objects.exists()


def test_a_page_leads_back_only_to_the_library(editor_client: Client, add: Add):
    picture = add("teal")
    sent = {"action": "move", "picture": picture.pk, "back": "q=a\r\nX-Evil: 1&//evil.example"}
    answer = editor_client.post("/media/selected/", sent)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/kopi-senja/media/?")


def test_pictures_of_the_shelf_are_ours(add: Add, shelf: Path):
    picture = add("teal")
    stored = (shelf / picture.file[:2] / picture.file).read_bytes()
    assert painting.opened(stored).size == (picture.width, picture.height)
    assert io.BytesIO(stored).read(4) == b"\x89PNG"
