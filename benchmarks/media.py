"""How long the media library takes: ``python -m benchmarks.media``.

Pages of a library of 10,000 pictures, as a signed-in member gets them, in one process without the
network (median of several, milliseconds, and what the processor worked for it, here and in the
database): the first, one deep inside in each order, and a search.
Then how long a photograph of 12 megapixels takes from upload to its place in the library, and
serving a picture to a reader. MEDIA_PICTURES chooses another number.
"""

import io
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._machine import TICKS, figure

PICTURES = int(os.environ.get("MEDIA_PICTURES", "10000"))
RUNS = 15
OK = 200
WORDS = ("cup", "harvest", "roastery", "terrace", "morning", "beans", "rain", "market")


def main() -> None:
    """Print one JSON line per figure."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="warta-bench-"))
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        from config.runtime import embedded

        stack.enter_context(embedded.services(Path(folder)))
        import django

        django.setup()
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        _measure(_load())


def _load() -> Any:
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User
    from accounts.workspaces.workspaces import create
    from campaigns.models import Picture, PictureFolder

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    owner = User.objects.create_superuser("bench@example.org", "x", name="Bench")
    workspace = create(name="Bench", owner=owner)
    folders = [PictureFolder(workspace=workspace, name=f"Folder {n}") for n in range(40)]
    PictureFolder.objects.bulk_create(folders)
    Picture.objects.bulk_create(
        (
            Picture(
                workspace=workspace,
                folder=folders[n % 50] if n % 50 < len(folders) else None,
                name=f"{WORDS[n % 8]} {n}",
                alt_text=f"A {WORDS[n % 7]} beside a {WORDS[n % 5]}" if n % 3 else "",
                file=f"{n:032}.jpg",
                thumbnail=f"{n:032}-t.jpg",
                width=1400,
                height=900,
                size=100_000 + n * 7 % 5_000,
                came_as="JPEG",
                came_width=4000,
                came_height=3000,
                came_size=3_000_000,
            )
            for n in range(PICTURES)
        ),
        batch_size=2_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return workspace


def _measure(workspace: Any) -> None:
    from django.test import Client

    from accounts.models import Membership
    from accounts.workspaces.workspace_urls import in_workspace
    from campaigns.media import browsing, library
    from campaigns.media.browsing import Question

    client = Client()
    client.force_login(Membership.objects.filter(workspace=workspace)[0].user)
    where = in_workspace(workspace, "media_library")
    _time("first_page", lambda: client.get(where))
    for order in browsing.ORDERS:
        after = ""
        for _page in range(PICTURES // browsing.PAGE // 2):
            after = browsing.page(workspace, Question(order=order, after=after)).next
        _time(
            f"deep_page_by_{order}",
            partial(client.get, where, {"order": order, "after": after}),
        )
    _time("search", lambda: client.get(where, {"q": "cup beside rain"}))
    _time("search_for_nothing", lambda: client.get(where, {"q": "nowhere"}))
    content = _photograph()
    began = time.perf_counter()
    added = library.add(workspace, io.BytesIO(content), filename="cup.jpg", size=len(content))
    figure("media_upload_12_megapixels", (time.perf_counter() - began) * 1000, "ms")
    _time("served", lambda: client.get(f"/media/{added.picture.file}"))
    picture = in_workspace(workspace, "media_picture", added.picture.pk)
    _time("picture_page", lambda: client.get(picture))


def _photograph() -> bytes:
    from PIL import Image

    fall = Image.linear_gradient("L").resize((4000, 3000))
    grain = Image.effect_noise((4000, 3000), 30)
    out = io.BytesIO()
    Image.merge("RGB", (fall, grain, fall)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _time(name: str, call: Callable[[], Any]) -> None:
    call()
    taken = []
    worked = _processor_seconds()
    for _run in range(RUNS):
        began = time.perf_counter()
        answer = call()
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != OK:
            raise RuntimeError(name)
    figure(f"media_{name}", median(taken), "ms")
    worked = _processor_seconds() - worked
    figure(f"media_{name}_processor", worked / RUNS * 1000, "ms")


def _processor_seconds() -> float:
    """Return what this process and its database connection have used: other work does not count."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
