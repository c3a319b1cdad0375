"""The workspace in an address: ``/<slug>/campaigns/3/``.

Every view with `accounts.access.permissions.member` lives under the slug of a workspace, every
other view (public pages, sign-in, API, admin, health) outside of it. The URLconf doesn't name the
slug: a middleware takes it from the path and makes it Django's script prefix, so ``reverse`` and
``redirect`` to a page of the workspace need nothing else. What has no request, or leads elsewhere,
names where it leads: `in_workspace` and `outside`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import (
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    get_urlconf,
    reverse,
    set_script_prefix,
)
from django.utils.translation import gettext as _

from accounts.roles import Permission, may

if TYPE_CHECKING:
    from accounts.models import Workspace

# First parts of addresses that later versions, proxies and browsers may want.
_WORDS = """
about account accounts activity admin analytics api app apps archive assets audience audit auth
automation automations billing blog bounces brand bulk c campaign campaigns checklist confirm
console contact contacts css dashboard data deliverability delivery demo dist docs domain domains
download downloads embed events export exports favicon feed feeds fields files forms graphql
health help home hooks i images import imports inactive inbox integrations internal invitation
invitations invite jobs js keys language languages legal lists live login logout logs mail
mailboxes media messages metrics new none notifications null o oauth oidc p page pages password
people ping ping_me preferences preview privacy profile public r ready register reports robots
root rss s saml sandbox search security segments senders sending session sessions settings setup
sign-in sign-out sign-up signin signout signup site sitemap smtp sso start static status storage
subscribe subscribers subscriptions support suppressions switch system tags team templates terms
test tests theme track transactional u undefined unsubscribe upload uploads user users v v1 v2
vendor w warta webhook webhooks websocket well-known workspace workspaces ws www
"""
RESERVED_WORDS = frozenset(_WORDS.split())
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@contextmanager
def script_prefix(prefix: str) -> Iterator[None]:
    """Put ``prefix`` (``"/kopi-senja/"``) before every address that is reversed meanwhile."""
    before = get_script_prefix()
    set_script_prefix(prefix)
    try:
        yield
    finally:
        set_script_prefix(before)


def in_workspace(workspace: "Workspace", name: str, *args: Any) -> str:
    """Return the address of one of this workspace's pages, wherever it is asked from."""
    with script_prefix(f"/{workspace.slug}/"):
        return reverse(name, args=args)


def outside(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the address of a page that belongs to no workspace, wherever it is asked from."""
    with script_prefix("/"):
        return reverse(name, args=args, kwargs=kwargs)


def needs_workspace(name: str) -> bool:
    """Say whether the page of this name stands under a workspace's slug."""
    return permission_of(name) is not None


def permission_of(name: str) -> Permission | None:
    """Return what the page of this name asks of a member; None: it belongs to no workspace."""
    return _addresses(_urlconf()).get(name)


def may_open(role: str, name: str) -> bool:
    """Say whether the page of this name lets a member in, so that no link leads to a 403."""
    wanted = permission_of(name)
    return wanted is None or may(role, wanted)


def first_parts() -> frozenset[str]:
    """Return what the product's own addresses begin with; no slug may be one of them."""
    return _first_parts(_urlconf())


def split(path: str) -> tuple[str, str]:
    """Split a path into the workspace's slug ("" if it names none) and what is left of it.

    >>> split("/kopi-senja/campaigns/")
    ('kopi-senja', '/campaigns/')
    """
    first, slash, rest = path.removeprefix("/").partition("/")
    if not SLUG.fullmatch(first) or first in first_parts():
        return "", path
    return first, f"{slash}{rest}"


def refuse_reserved(slug: str) -> None:
    """Raise ValidationError if this slug is an address of the product, or may become one."""
    if slug in RESERVED_WORDS or slug in first_parts():
        raise ValidationError(_("This word is reserved. Please choose another."))
    if not SLUG.fullmatch(slug):
        raise ValidationError(
            _("Use lowercase letters, digits and hyphens, and begin with a letter or a digit.")
        )


def _urlconf() -> str:
    return get_urlconf() or settings.ROOT_URLCONF


@lru_cache(maxsize=8)
def _addresses(urlconf: str) -> Mapping[str, Permission | None]:
    leaves = [leaf for _route, leaf in _leaves(get_resolver(urlconf), "") if leaf.name]
    return MappingProxyType(
        {str(leaf.name): getattr(leaf.callback, "permission", None) for leaf in leaves}
    )


@lru_cache(maxsize=8)
def _first_parts(urlconf: str) -> frozenset[str]:
    routes = (route for route, _leaf in _leaves(get_resolver(urlconf), ""))
    firsts = {re.split(r"[/.(<]", route, maxsplit=1)[0] for route in routes}
    return frozenset(firsts | {settings.STATIC_URL.strip("/")}) - {""}


def _leaves(resolver: URLResolver, before: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern).removeprefix("^")
        if isinstance(entry, URLPattern):
            yield route, entry
        else:
            yield from _leaves(entry, route)
