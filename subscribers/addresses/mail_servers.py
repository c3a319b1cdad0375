"""Asking the DNS whether people's domains take mail. Noticed, never decisive: nobody is dropped.

A domain takes mail if it has an MX record, or none but an address (RFC 5321 section 5.1); a null MX
says that it takes none (RFC 7505), and so does a domain that does not exist (NXDOMAIN). Whatever
else happens (a time-out, a name server in trouble) says nothing and changes nothing.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import dns.exception
import dns.resolver
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from subscribers.states import AddressFlag, MailServer

SECONDS = 4.0  # for one domain, all its questions together
THREADS = 16
MOST_AT_ONCE = 2_000  # domains in one round; the next round takes the next
KEPT = timedelta(days=30)
KEPT_UNKNOWN = timedelta(hours=6)
# Least recently asked first, and the domains of many people before those of one.
DUE = """
SELECT people.domain FROM (
    SELECT split_part(email_key, '@', 2) AS domain, count(*) AS n
    FROM subscribers_subscriber WHERE workspace_id = %(workspace)s GROUP BY 1
) people
LEFT JOIN subscribers_maildomain known ON known.name = people.domain
WHERE known.name IS NULL OR known.checked_at < CASE known.answer
    WHEN %(unknown)s THEN %(recent)s::timestamptz ELSE %(old)s::timestamptz END
ORDER BY known.checked_at NULLS FIRST, people.n DESC
LIMIT %(most)s
"""
STORE = """
INSERT INTO subscribers_maildomain (name, answer, checked_at)
SELECT name, answer, %(at)s
FROM unnest(%(names)s::text[], %(answers)s::smallint[]) AS asked (name, answer)
ON CONFLICT (name) DO UPDATE SET answer = EXCLUDED.answer, checked_at = EXCLUDED.checked_at
"""
FLAG = """
UPDATE subscribers_subscriber person SET address_flags = CASE known.answer
    WHEN %(none)s THEN person.address_flags | %(flag)s ELSE person.address_flags & ~%(flag)s END
FROM subscribers_maildomain known
WHERE person.workspace_id = %(workspace)s AND known.name = split_part(person.email_key, '@', 2)
    AND known.answer <> %(unknown)s
    AND (person.address_flags & %(flag)s > 0) <> (known.answer = %(none)s)
"""
CLEAR = """
UPDATE subscribers_subscriber SET address_flags = address_flags & ~%(flag)s
WHERE workspace_id = %(workspace)s AND address_flags & %(flag)s > 0
"""


def check(workspace: Workspace, *, resolver: dns.resolver.Resolver | None = None) -> int:
    """Ask about the domains that are due and flag the people; returns how many were asked."""
    due = _due(workspace)
    answers = ask(due, resolver=resolver or our_resolver())
    with connection.cursor() as cursor:
        if answers:
            cursor.execute(
                STORE,
                {
                    "names": list(answers),
                    "answers": [int(answer) for answer in answers.values()],
                    "at": timezone.now(),
                },
            )
        cursor.execute(
            FLAG,
            {
                "workspace": workspace.pk,
                "flag": int(AddressFlag.NO_MAIL_SERVER),
                "none": MailServer.NONE,
                "unknown": MailServer.UNKNOWN,
            },
        )
    return len(answers)


def clear(workspace: Workspace) -> None:
    """Take the flag off everybody: the workspace doesn't want to ask any more."""
    with connection.cursor() as cursor:
        cursor.execute(CLEAR, {"workspace": workspace.pk, "flag": int(AddressFlag.NO_MAIL_SERVER)})


def ask(domains: Iterable[str], *, resolver: dns.resolver.Resolver) -> dict[str, MailServer]:
    """Ask about many domains at once; returns an answer for each."""
    names = list(domains)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="mx") as pool:
        return dict(
            zip(names, pool.map(lambda name: answer_for(name, resolver), names), strict=True)
        )


def answer_for(domain: str, resolver: dns.resolver.Resolver) -> MailServer:
    """Ask the DNS about one domain."""
    try:
        name = domain.encode("idna").decode() if not domain.isascii() else domain
        found = resolver.resolve(name, "MX", lifetime=SECONDS, search=False)
    except dns.resolver.NXDOMAIN:
        return MailServer.NONE
    except dns.resolver.NoAnswer:
        return _by_address(name, resolver)
    except (dns.exception.DNSException, UnicodeError, OSError):
        return MailServer.UNKNOWN
    hosts = [str(record.exchange) for record in found]
    return MailServer.NONE if hosts == ["."] else MailServer.FOUND


def _by_address(name: str, resolver: dns.resolver.Resolver) -> MailServer:
    for kind in ("A", "AAAA"):
        try:
            resolver.resolve(name, kind, lifetime=SECONDS, search=False)
        except dns.resolver.NoAnswer:
            continue
        except dns.exception.DNSException:
            return MailServer.UNKNOWN
        return MailServer.FOUND
    return MailServer.NONE


def our_resolver() -> dns.resolver.Resolver:
    """Return the resolver of this machine, or the one that the settings name."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        resolver.nameservers = list(settings.DNS_SERVERS)
        resolver.port = settings.DNS_PORT
    return resolver


def _due(workspace: Workspace) -> Sequence[str]:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            DUE,
            {
                "workspace": workspace.pk,
                "unknown": MailServer.UNKNOWN,
                "recent": now - KEPT_UNKNOWN,
                "old": now - KEPT,
                "most": MOST_AT_ONCE,
            },
        )
        return [name for (name,) in cursor.fetchall()]
