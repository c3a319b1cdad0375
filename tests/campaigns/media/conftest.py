"""A library in a folder of the test's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts.models import Workspace
from campaigns.media import library
from campaigns.models import Picture
from config import storages
from tests.campaigns.media import painting


@pytest.fixture(autouse=True)
def shelf(settings: Any, tmp_path: Path) -> Path:
    """Where the pictures of this test lie."""
    place = storages.pictures("", "", folder=tmp_path / "pictures")
    settings.STORAGES = {**django_settings.STORAGES, "pictures": place}
    return tmp_path / "pictures"


@pytest.fixture
def add(workspace: Workspace) -> Callable[..., Picture]:
    """Return a function that uploads a drawing of a colour."""
    import io

    def upload(colour: str = "teal", *, filename: str = "", **more: Any) -> Picture:
        content = painting.encoded(painting.drawing(colour=colour))
        return library.add(
            more.pop("workspace", workspace),
            io.BytesIO(content),
            filename=filename or f"{colour}.png",
            size=len(content),
            **more,
        ).picture

    return upload
