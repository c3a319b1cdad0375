"""Whose network an address belongs to, and in which country: from files that the operator brings.

MaxMind's format (``NETWORKS_FILE``: an ASN database, ``COUNTRIES_FILE``: a country or city
database). Both are optional; without them nothing is known and nothing is guessed.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.conf import settings

log = logging.getLogger(__name__)

FILTERS = re.compile(
    r"barracuda|proofpoint|mimecast|fireeye|trellix|forcepoint|messagelabs|symantec|broadcom|"
    r"sophos|trend ?micro|zscaler|check ?point|vade|hornetsecurity|ironport|cisco systems|"
    r"spamhaus|mailguard|retarus|cloudmark|cyren|avanan|abnormal|perception point",
    re.IGNORECASE,
).search
DATA_CENTRES = re.compile(
    r"amazon|aws|google cloud|microsoft|azure|digitalocean|hetzner|ovh|linode|akamai|vultr|"
    r"choopa|leaseweb|scaleway|oracle cloud|alibaba|tencent|hosting|data ?cent(?:er|re)|"
    r"\bcloud\b|\bservers?\b|contabo|rackspace|equinix",
    re.IGNORECASE,
).search


@dataclass(frozen=True, slots=True)
class Owner:
    """Who runs a network."""

    name: str
    filters_mail: bool
    is_data_centre: bool


@lru_cache(maxsize=16_384)
def owner(ip: str) -> Owner | None:
    """Return who runs the network of an address; None: nobody knows."""
    name = str(_look_up(settings.NETWORKS_FILE, ip).get("autonomous_system_organization", ""))
    if not name:
        return None
    return Owner(
        name=name[:100],
        filters_mail=FILTERS(name) is not None,
        is_data_centre=DATA_CENTRES(name) is not None,
    )


@lru_cache(maxsize=16_384)
def country(ip: str) -> str:
    """Return the country of an address as two capitals (ISO 3166), "" when nobody knows."""
    found = _look_up(settings.COUNTRIES_FILE, ip)
    code = (found.get("country") or found.get("registered_country") or {}).get("iso_code", "")
    return code if re.fullmatch(r"[A-Z]{2}", str(code)) else ""


def forget() -> None:
    """Read the files anew."""
    owner.cache_clear()
    country.cache_clear()
    _reader.cache_clear()


def _look_up(path: str, ip: str) -> Mapping[str, Any]:
    reader = _reader(path) if path and ip else None
    if reader is None:
        return {}
    try:
        found = reader.get(ip)
    except ValueError:  # no address, or one of a kind that the file does not hold
        return {}
    return found if isinstance(found, Mapping) else {}


@cache
def _reader(path: str) -> Any:
    import maxminddb

    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError):
        log.warning("the file of networks or countries can't be read; it is not used")
        return None
