"""Celery's spelling of a Redis URL."""

from urllib.parse import parse_qs, urlsplit


def url(redis_url: str) -> str:
    """Translate a redis-py URL into the one that kombu wants.

    They differ for unix sockets only: ``unix:///path?db=1`` is
    ``redis+socket:///path?virtual_host=1`` there.
    """
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"
