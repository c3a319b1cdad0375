"""Pictures in, changed and out, within the quota."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Workspace
from campaigns.drafts import content
from campaigns.media import browsing, folders, library, names, storing, uses
from campaigns.media.browsing import Question
from campaigns.media.workshop import PictureRefused
from campaigns.models import Content, Picture, PictureFolder, Template
from campaigns.states import CampaignStatus, ContentKind
from tests.campaigns import makers

Add = Callable[..., Picture]


def files(shelf: Path) -> set[str]:
    return {path.name for path in shelf.rglob("*") if path.is_file()}


def test_a_picture_stands_under_a_name_that_nobody_guesses(
    add: Add, shelf: Path, other_workspace: Workspace
):
    here = add("teal", filename="C:\\photos\\..\\Senja di teras.PNG")
    there = add("teal", workspace=other_workspace)
    assert here.name == "Senja di teras"
    assert names.FILE.fullmatch(here.file)
    assert here.file != there.file  # the same picture: who has it learns nothing of others
    assert files(shelf) == {here.file, here.thumbnail, there.file, there.thumbnail}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\0b\x07c.png", "a b c"),
        ("\u202egnp.exe.png", "gnp.exe"),
        ("é" * 500 + ".jpg", "é" * 120),
        ("\ud800lone.png", "lone"),
        ("  \r\nBcc: x  .png", "Bcc: x"),
        ("", "Picture"),
        (".png", ".png"),
        ("{{ first_name }}.png", "{{ first_name }}"),
    ],
)
def test_what_a_file_is_called_is_data(given: str, name: str):
    assert names.clean(given) == name


def test_the_same_picture_twice_is_one(add: Add, shelf: Path):
    first = add("teal")
    assert add("teal", filename="again.png") == first
    assert len(files(shelf)) == 2


def test_the_quota_is_said_in_words(add: Add, settings: Any, workspace: Workspace):
    first = add("teal")
    settings.MEDIA_QUOTA_BYTES = first.size + 100
    with pytest.raises(PictureRefused, match="does not fit"):
        add("red")
    fill = library.fill_of(workspace)
    assert (fill.pictures, fill.used, fill.left) == (1, first.size, 100)


def test_a_file_beyond_the_limit_is_refused_unread(settings: Any, workspace: Workspace):
    settings.PICTURE_MAX_BYTES = 2**20
    with pytest.raises(PictureRefused, match="larger than 1 MB"):
        library.add(workspace, io.BytesIO(b"x"), filename="a.png", size=2**20 + 1)


def test_a_storage_that_does_not_take_it_leaves_no_row(add: Add, shelf: Path, workspace: Workspace):
    shelf.parent.mkdir(exist_ok=True)
    shelf.write_text("a file stands where the folder should be")
    with pytest.raises(PictureRefused, match="storage does not answer"):
        add("teal")
    assert not Picture.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_nothing_shows_is_deleted_with_its_files(add: Add, shelf: Path):
    picture = add("teal")
    assert library.delete(picture) is False
    assert files(shelf) == set()
    assert add("teal").pk != picture.pk
    assert len(files(shelf)) == 2


def test_what_a_draft_shows_is_not_deleted(add: Add, workspace: Workspace):
    picture = add("teal")
    campaign = makers.make_campaign(workspace)
    write(campaign, f"![x]({names.address_of(picture.file)})")
    with pytest.raises(library.PictureInUseError):
        library.delete(picture)


def test_sent_emails_keep_their_pictures(add: Add, shelf: Path, workspace: Workspace):
    picture = add("teal")
    campaign = makers.make_campaign(workspace)
    write(campaign, f"![x]({names.address_of(picture.file)})")
    campaign.status = CampaignStatus.SENT
    campaign.save()
    assert library.delete(picture) is True
    assert picture.file in files(shelf)
    assert browsing.page(workspace, Question()).pictures == []
    assert library.fill_of(workspace).kept == picture.size
    assert add("teal").pk == picture.pk  # uploaded again: it is back
    assert len(browsing.page(workspace, Question()).pictures) == 1


def test_a_removed_workspace_leaves_no_file(
    add: Add, shelf: Path, workspace: Workspace, django_capture_on_commit_callbacks: Any
):
    from reports.workspace import removal

    add("teal")
    with django_capture_on_commit_callbacks(execute=True):
        removal.remove(workspace)
    assert files(shelf) == set()


def test_a_picture_is_replaced_in_templates_and_drafts_and_never_in_what_was_sent(
    add: Add, workspace: Workspace
):
    old, new = add("teal"), add("red")
    address = names.address_of(old.file)
    template = Template.objects.create(
        workspace=workspace, name="Frame", source=f'<mjml><mj-image src="{address}" /></mjml>'
    )
    draft, sent = makers.make_campaign(workspace), makers.make_campaign(workspace)
    for campaign in (draft, sent):
        write(campaign, f"![x]({address}) and ![y]({address})")
    sent.status = CampaignStatus.SENT
    sent.save()
    Content.objects.filter(campaign=sent).update(frozen_at=sent.created_at)
    draft.refresh_from_db()
    before = content.revision(draft.content)
    found = uses.of(old)
    assert {(place.kind, place.pk) for place in found.changing} == {
        ("template", template.pk),
        ("campaign", draft.pk),
    }
    assert [place.pk for place in found.keeping] == [sent.pk]
    assert uses.replace_everywhere(old, new, user=None) == 2
    template.refresh_from_db()
    draft.refresh_from_db()
    sent.refresh_from_db()
    assert old.file not in template.source
    assert draft.content.source.count(new.file) == 2
    assert content.revision(draft.content) != before  # an open editor is told
    assert sent.content.source.count(old.file) == 2
    assert [place.pk for place in uses.of(old).keeping] == [sent.pk]


def test_what_was_confirmed_with_a_template_keeps_its_picture(add: Add, workspace: Workspace):
    picture = add("teal")
    campaign = makers.make_campaign(workspace)
    write(campaign, "Hello")
    frame = {"template": f'<mj-image src="{names.address_of(picture.file)}" />'}
    Content.objects.filter(campaign=campaign).update(
        frozen_at=campaign.created_at, frozen_with=frame
    )
    assert [place.pk for place in uses.of(picture).keeping] == [campaign.pk]


def test_pages_hold_each_picture_once_in_every_order(workspace: Workspace):
    sizes = {"width": 1, "height": 1, "came_width": 1, "came_height": 1, "came_size": 1}
    Picture.objects.bulk_create(
        Picture(
            workspace=workspace,
            name=f"~{number % 7}%",
            alt_text="a cup" if number % 2 else "",
            file=f"f{number}",
            thumbnail="t",
            size=number % 5,
            **sizes,
        )
        for number in range(30)
    )
    for order in browsing.ORDERS:
        seen, after, pages = [], "", []
        while True:
            page = browsing.page(workspace, Question(order=order, after=after), size=7)
            seen += page.pictures
            pages.append([one.pk for one in page.pictures])
            if not page.next:
                break
            after = page.next
        assert len({one.pk for one in seen}) == len(seen) == 30
        back = browsing.page(workspace, Question(order=order, before=page.previous), size=7)
        assert [one.pk for one in back.pictures] == pages[-2]
        first = browsing.page(workspace, Question(order=order, before=back.previous), size=7)
        assert [one.pk for one in first.pictures] == pages[-3]
    found = browsing.page(workspace, Question(search="CUP ~3")).pictures
    assert {one.name for one in found} == {"~3%"}
    assert all(one.alt_text for one in found)


@pytest.mark.parametrize("cursor", ["x", "~", "~x", "\x01~1", "9" * 400 + "~1", "a~" + "9" * 40])
def test_a_cursor_that_is_none_shows_the_beginning(workspace: Workspace, cursor: str):
    for order in browsing.ORDERS:
        browsing.page(workspace, Question(order=order, after=cursor))


def test_folders_are_a_small_tree(add: Add, workspace: Workspace):
    top = folders.make(workspace, name="2026", parent=None)
    inner = folders.make(workspace, name="Spring ../\0", parent=top)
    assert inner.name == "Spring ../"
    picture = add("teal", folder=inner)
    assert [(one.folder.pk, one.depth, one.pictures) for one in folders.tree(workspace)] == [
        (top.pk, 0, 0),
        (inner.pk, 1, 1),
    ]
    with pytest.raises(ValidationError, match="into itself"):
        folders.save(top, name="2026", parent=inner)
    with pytest.raises(ValidationError, match="another folder of this name"):
        folders.make(workspace, name="2026", parent=None)
    deep = inner
    for number in range(folders.DEEPEST - 2):
        deep = folders.make(workspace, name=str(number), parent=deep)
    with pytest.raises(ValidationError, match="deep"):
        folders.make(workspace, name="Deeper", parent=deep)
    folders.delete(top)
    picture.refresh_from_db()
    assert picture.folder is None
    assert not PictureFolder.objects.exists()
    assert storing.read(picture.file)


def write(campaign: Any, source: str) -> None:
    content.begin(campaign)
    content.save(
        campaign, content.Draft(kind=ContentKind.MARKDOWN, subject="S", source=source), by=None
    )
