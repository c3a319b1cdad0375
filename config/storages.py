"""Where the pictures of the media library lie: on this machine, or in S3-compatible storage."""

from pathlib import Path
from typing import Any

PATIENCE = {"connect_timeout": 5, "read_timeout": 15, "retries": {"max_attempts": 2}}


def pictures(given: str, endpoint: str, *, folder: Path) -> dict[str, Any]:
    """Return Django's setting for the storage; ``given`` is "" or ``s3://bucket/prefix``.

    The bucket stays private: readers get pictures from our own addresses, which outlive a bucket.
    """
    if not given:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder},
        }
    from botocore.config import Config

    bucket, _, prefix = given.removeprefix("s3://").partition("/")
    # Other storage than Amazon's knows neither its newer checksums nor buckets in host names.
    config = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if endpoint else {},
        **PATIENCE,
    )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": prefix.strip("/"),
            "endpoint_url": endpoint or None,
            "client_config": config,
            "default_acl": None,
            "file_overwrite": True,
        },
    }
