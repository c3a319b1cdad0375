"""A look at everything that sending needs, each finding with its way out: what `doctor` prints."""

import shutil
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.background import set_aside
from accounts.input.senders import understood
from accounts.installation import hold, key_check
from accounts.mails import system_mail
from accounts.models import SystemMail
from delivery.accounts import account_status, dkim_keys
from delivery.health import incoming
from delivery.health.checked import Checked
from delivery.models import DkimKey, SendingAccount
from delivery.processes import coordination, heartbeats
from delivery.states import DkimState, TransportKind
from delivery.transports import choose
from delivery.transports.protocol import ServerTroubleError
from delivery.transports.smtp.resolver import LookUpError, Resolver

OLDEST_POSTGRESQL = 150_000
ROOM_WANTED = 2 * 2**30  # bytes
CONNECT_SECONDS = 5.0
LOOKUP_SECONDS = 4.0
BEAT_SILENCE = 15.0
SHORT_KEY = 32
HERE = ("localhost", "127.0.0.1", "::1")


def look() -> Iterator[Checked]:
    """Yield findings one by one; a part that fails never hides the others."""
    yield from _settings()
    yield _disk()
    database = list(_database())
    yield from database
    yield from _redis()
    yield from _processes()
    if all(finding.level != "fail" for finding in database):
        yield from _held()
        yield from _accounts()
        yield from _keys()
        yield from incoming.look()
        yield from _left_out()
        yield from _domains()


def _settings() -> Iterator[Checked]:
    host = urlsplit(settings.SITE_URL).hostname or ""
    if host in HERE:
        yield Checked(
            level="warn",
            subject="SITE_URL",
            sentence=f"Links in mails lead to {settings.SITE_URL}: only this machine gets there.",
            way_out="Set SITE_URL to the public address before you write to real people.",
        )
    elif not settings.SITE_URL.startswith("https://"):
        yield Checked(
            level="warn",
            subject="SITE_URL",
            sentence="The public address is not https://, so mailbox providers ignore one-click "
            "unsubscription (RFC 8058).",
            way_out="Put a proxy with a certificate in front and set SITE_URL to https://….",
        )
    else:
        yield Checked(level="ok", subject="SITE_URL", sentence=settings.SITE_URL)
    if len(settings.SECRET_KEY) < SHORT_KEY:
        yield Checked(
            level="fail",
            subject="SECRET_KEY",
            sentence="SECRET_KEY is short enough to guess.",
            way_out="Unset it (one is made and kept), or give at least 50 random characters.",
        )


def _disk() -> Checked:
    place = Path(settings.DATA_DIR)
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Checked(
            level="fail",
            subject="disk",
            sentence=f"DATA_DIR {place} can't be read: {error.strerror}.",
            way_out="Create it, or point DATA_DIR elsewhere.",
        )
    room = f"{free / 2**30:.1f} GB are free in {place}."
    if free < ROOM_WANTED:
        way_out = "Make room: PostgreSQL stops when the disk is full."
        return Checked(level="warn", subject="disk", sentence=room, way_out=way_out)
    return Checked(level="ok", subject="disk", sentence=room)


def _database() -> Iterator[Checked]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0])
            cursor.execute("SHOW synchronous_commit")
            durable = cursor.fetchone()[0]
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as error:
        yield Checked(
            level="fail",
            subject="database",
            sentence=f"PostgreSQL does not answer: {str(error).strip().splitlines()[0]}",
            way_out="Check DATABASE_URL and that the server runs.",
        )
        return
    name = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    if version < OLDEST_POSTGRESQL:
        way_out = "Use PostgreSQL 15 or newer."
        yield Checked(
            level="fail", subject="database", sentence=f"{name} is too old.", way_out=way_out
        )
    elif pending:
        yield Checked(
            level="fail",
            subject="database",
            sentence=f"{name} answers, but {pending} migrations are not applied.",
            way_out="Run manage.py migrate.",
        )
    elif durable == "off":
        yield Checked(
            level="warn",
            subject="database",
            sentence="synchronous_commit is off: a crash could lose what the ledger knew.",
            way_out="Set synchronous_commit = on for Warta's database.",
        )
    else:
        yield Checked(
            level="ok", subject="database", sentence=f"{name} answers, schema up to date."
        )


def _redis() -> Iterator[Checked]:
    try:
        server = coordination.client()
        info = server.info()
        policy = server.config_get("maxmemory-policy").get("maxmemory-policy", "")
    except redis.ResponseError:  # hosted Redis often hides its configuration
        policy = ""
    except redis.RedisError as error:
        yield Checked(
            level="fail",
            subject="redis",
            sentence=f"Redis does not answer: {error}",
            way_out="Check REDIS_URL and that the server runs.",
        )
        return
    if not info.get("aof_enabled"):
        yield Checked(
            level="warn",
            subject="redis",
            sentence="Redis keeps no append-only file: if it dies together with a worker, up to a "
            "thousand messages a worker become unknown.",
            way_out="Set appendonly yes (docs/operations.md says more).",
        )
    if policy and policy != "noeviction":
        yield Checked(
            level="warn",
            subject="redis",
            sentence=f"maxmemory-policy is {policy}: a full Redis may throw journals away.",
            way_out="Set maxmemory-policy noeviction.",
        )
    yield Checked(
        level="ok", subject="redis", sentence=f"Redis {info.get('redis_version')} answers."
    )


def _processes() -> Iterator[Checked]:
    try:
        workers = {queue: heartbeats.alive(queue) for queue in heartbeats.QUEUES}
        beat = heartbeats.last(heartbeats.BEAT)
    except redis.RedisError:
        return
    for queue, names in workers.items():
        if names:
            sentence = f"{len(names)} worker processes serve the queue {queue}."
            yield Checked(level="ok", subject="workers", sentence=sentence)
        else:
            yield Checked(
                level="fail",
                subject="workers",
                sentence=f"No worker serves the queue {queue}.",
                way_out="Start the product (make run), or a worker as docs/operations.md says.",
            )
    silent = None if beat is None else timezone.now().timestamp() - beat
    if silent is None or silent > BEAT_SILENCE:
        yield Checked(
            level="fail",
            subject="beat",
            sentence="Beat does not run: nothing scheduled starts, nothing deferred is retried.",
            way_out="Start the product (make run), or celery -A config.celery beat.",
        )
    else:
        yield Checked(level="ok", subject="beat", sentence="Beat runs.")


def _accounts() -> Iterator[Checked]:
    accounts = list(SendingAccount.objects.select_related("workspace", "warm_up").order_by("pk"))
    if not accounts:
        yield Checked(
            level="warn",
            subject="sending accounts",
            sentence="There is no sending account.",
            way_out="Add one in Settings, Sending accounts.",
        )
    for account in accounts:
        yield _account(account)


def _account(account: SendingAccount) -> Checked:
    subject = f"account {account.name} ({account.workspace.slug})"
    try:
        sentence = _reach(account)
    except ServerTroubleError as error:
        way_out = "Enter the password again in Settings, Sending accounts."
        return Checked(level="fail", subject=subject, sentence=error.sentence, way_out=way_out)
    except OSError as error:
        server = choose.smtp_settings(account)
        return Checked(
            level="fail",
            subject=subject,
            sentence=f"{server.host} does not take connections on port {server.port}: "
            f"{error.strerror or error}.",
            way_out="Check host, port and firewall; then send a test mail from its page.",
        )
    if account.broken_since:
        return Checked(
            level="warn",
            subject=subject,
            sentence=f"In trouble since {account.broken_since:%Y-%m-%d %H:%M} UTC: "
            f"{account.broken_reason}",
            way_out="Send a test mail from its page; sending goes on by itself when it works.",
        )
    return Checked(level="ok", subject=subject, sentence=f"{sentence}{_pace(account)}")


def _reach(account: SendingAccount) -> str:
    """Connect, or read the keys of a provider; say so. Raises what is wrong."""
    if account.kind == TransportKind.ANYMAIL:
        choose.provider_settings(account)
        return f"The keys for {account.server_name} can be read."
    server = choose.smtp_settings(account)
    resolver = Resolver(server.host, server.port)
    resolver.addresses()
    resolver.wait(CONNECT_SECONDS)
    try:
        found = resolver.addresses() or []
    except LookUpError as error:
        raise OSError(str(error)) from error
    if not found:
        raise TimeoutError("its name can't be looked up")
    # One of them is enough; the last failure is the one to tell.
    for number, address in enumerate(found, start=1):
        try:
            socket.create_connection(address.where[:2], CONNECT_SECONDS).close()
            break
        except OSError:
            if number == len(found):
                raise
    return f"{server.host}:{server.port} takes connections."


def _pace(account: SendingAccount) -> str:
    """Say what today has brought, and what it waits for."""
    stands = account_status.of_account(account)
    words = [f" Sent today: {stands.today.sent}."]
    if stands.warm_up is not None and stands.warm_up.ceiling is not None:
        words.append(f" Warm-up allows {stands.warm_up.ceiling} today.")
    if stands.next_slot is not None:
        words.append(f" Waits for {stands.waits_for} until {stands.next_slot:%H:%M} UTC.")
    return "".join(words)


def _held() -> Iterator[Checked]:
    """Say whether a person has to say go before anything is sent, or the key is another."""
    if key_check.look() is key_check.KeyState.CHANGED:
        yield Checked(
            level="fail",
            subject="SECRET_KEY",
            sentence="It is another than this database was used with: links in mail that was sent "
            "do not work, and kept passwords cannot be read.",
            way_out="Add the earlier key to SECRET_KEY_FALLBACKS; manage.py secret_key says more.",
        )
    held = hold.state()
    if held is not None:
        yield Checked(
            level="fail",
            subject="sending",
            sentence=f"Sending is held since {held.held_since:%Y-%m-%d %H:%M} UTC: "
            f"{held.get_held_because_display()}",
            way_out="manage.py hold lists what would be sent; manage.py hold --go lets it go.",
        )


def _keys() -> Iterator[Checked]:
    """Find signing keys that cannot be read: their domains' mail goes out unsigned."""
    for key in DkimKey.objects.filter(state=DkimState.ACTIVE).select_related("workspace"):
        if dkim_keys.signer([key]) is None:
            yield Checked(
                level="fail",
                subject=f"signing key {key} ({key.workspace.slug})",
                sentence="It cannot be read, because SECRET_KEY has changed: mail is not signed.",
                way_out="Add the old key to SECRET_KEY_FALLBACKS, or make a new signing key.",
            )


def _left_out() -> Iterator[Checked]:
    """Find the product's own mails that did not arrive, and what background work left out."""
    ended = Counter(row.state for row in system_mail.of_concern()[:1_000])
    words = {
        SystemMail.State.WAITING: "wait for another try",
        SystemMail.State.FAILED: "failed",
        SystemMail.State.UNKNOWN: "may have arrived, and nobody knows",
    }
    for state, said in words.items():
        if ended[state]:
            yield Checked(
                level="warn",
                subject="system mail",
                sentence=f"{ended[state]} confirmations, resets or invitations {said}.",
                way_out="The health page and the admin's system emails say why.",
            )
    for one in set_aside.lately()[:10]:
        yield Checked(
            level="warn",
            subject=f"set aside: {one.kind}",
            sentence=f"{one.subject}: {one.reason} ({one.count} times, "
            f"last {one.last_at:%Y-%m-%d %H:%M} UTC)",
            way_out="It was left out and the rest goes on; the log has the whole error.",
        )


def _domains() -> Iterator[Checked]:
    senders = SendingAccount.objects.exclude(default_from="").values_list("default_from", flat=True)
    domains = {understood(sender).address.rpartition("@")[2].lower() for sender in senders}
    for domain in sorted(domains - {""}):
        yield from _domain(domain)


def _domain(domain: str) -> Iterator[Checked]:
    subject = f"domain {domain}"
    records = (
        (domain, "v=spf1", "SPF", "Add the SPF record that your provider names."),
        (f"_dmarc.{domain}", "v=DMARC1", "DMARC", "Add one, at least v=DMARC1; p=none."),
    )
    for name, beginning, kind, way_out in records:
        try:
            texts = _texts(name)
        except dns.exception.DNSException as error:
            sentence = f"{kind} can't be looked up from here: {type(error).__name__}."
            yield Checked(
                level="warn", subject=subject, sentence=sentence, way_out="Look it up elsewhere."
            )
            continue
        if any(text.lower().startswith(beginning.lower()) for text in texts):
            yield Checked(level="ok", subject=subject, sentence=f"{kind} is there.")
        else:
            sentence = f"There is no {kind} record."
            yield Checked(level="warn", subject=subject, sentence=sentence, way_out=way_out)


def _texts(name: str) -> list[str]:
    resolver = dns.resolver.Resolver()
    resolver.lifetime = LOOKUP_SECONDS
    try:
        answer = resolver.resolve(name, "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
