"""Pictures in S3-compatible storage: a real server that speaks it."""

import io
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from moto.server import ThreadedMotoServer

from accounts.models import Workspace
from campaigns.media import library
from campaigns.media.workshop import PictureRefused
from campaigns.models import Picture
from config import storages
from config.environment import env
from tests.campaigns.media import painting


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with an empty bucket."""
    import boto3  # type: ignore[import-untyped]

    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        _host, port = server.get_host_and_port()
        address = f"http://127.0.0.1:{port}"
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="kopi-pictures")
        yield address
    finally:
        server.stop()


def use(settings: Any, place: str, endpoint: str) -> None:
    shelf = storages.pictures(place, endpoint, folder=django_settings.MEDIA_ROOT)
    settings.STORAGES = {**django_settings.STORAGES, "pictures": shelf}


@pytest.mark.django_db(transaction=True)
def test_a_picture_is_stored_served_and_deleted(
    endpoint: str, settings: Any, workspace: Workspace, client: Client
):
    import boto3

    use(settings, "s3://kopi-pictures/news", endpoint)
    content = painting.encoded(painting.drawing())
    added = library.add(workspace, io.BytesIO(content), filename="cup.png", size=len(content))
    picture = added.picture
    bucket = boto3.client("s3", endpoint_url=endpoint)
    keys = {row["Key"] for row in bucket.list_objects_v2(Bucket="kopi-pictures")["Contents"]}
    assert keys == {f"news/{file[:2]}/{file}" for file in (picture.file, picture.thumbnail)}
    answer = client.get(f"/media/{picture.file}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert painting.opened(answer.content).size == (picture.width, picture.height)
    assert client.get(f"/media/{'a' * 32}.png").status_code == 404
    library.delete(picture)
    assert "Contents" not in bucket.list_objects_v2(Bucket="kopi-pictures")


def test_storage_that_is_away_is_said_and_forgotten_by_no_cache(
    endpoint: str, settings: Any, workspace: Workspace, client: Client, db: None
):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    use(settings, "s3://kopi-pictures/news", nobody)
    content = painting.encoded(painting.drawing())
    with pytest.raises(PictureRefused, match="storage does not answer"):
        library.add(workspace, io.BytesIO(content), filename="cup.png", size=len(content))
    assert not Picture.objects.exists()
    answer = client.get(f"/media/{'a' * 32}.png")
    assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")


@pytest.mark.parametrize("given", ["/srv/pictures", "s3://", "s3://UPPER/x", "https://s3.example"])
def test_a_place_of_the_wrong_shape_stops_the_start(given: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MEDIA_TO", given)
    with pytest.raises(ImproperlyConfigured, match="MEDIA_TO"):
        env.storage("MEDIA_TO")
