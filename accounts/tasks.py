"""Sends the product's own mails: what waits in `system_mail`, a few seconds at a time.

Links that open accounts are made when a mail is written, so neither links nor addresses wait
anywhere; see `account_mails`.
"""

import logging
import time

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError

from accounts.background import set_aside
from accounts.backups import clients, places, taking
from accounts.mails import system_mail

log = logging.getLogger(__name__)

SECONDS = 5.0  # then it makes room; beat comes back within two


@shared_task
def send_system_mail() -> None:
    """Send what is due."""
    until = time.monotonic() + SECONDS
    try:
        while system_mail.send_next() and time.monotonic() < until:
            pass
        system_mail.doubt_lost()
    except (OperationalError, InterfaceError):
        log.warning("system mail waits: the database is away")


@shared_task
def back_up() -> None:
    """Take a backup if one is due (BACKUP_TO, BACKUP_EVERY_HOURS); what fails is set aside."""
    if not settings.BACKUP_TO or not settings.BACKUP_EVERY:
        return
    if not cache.add("backup-under-way", 1, timeout=6 * 3600):
        return
    try:
        place = places.place(settings.BACKUP_TO)
        if taking.is_due(place, every=settings.BACKUP_EVERY):
            password = taking.password_of_settings()
            taking.take(place, password=password, keep=settings.BACKUP_KEEP, say=log.info)
    except clients.BackupError as error:
        log.error("backup.failed", extra={"why": str(error)})  # noqa: TRY400 - the sentence says it all
        set_aside.put("backup", subject=settings.BACKUP_TO, error=error)
    finally:
        cache.delete("backup-under-way")


@shared_task
def forget_ended() -> None:
    """Forget system mail that ended long ago, and what was set aside and never happened again."""
    steps = (system_mail.forget_old, set_aside.forget_old)
    set_aside.each("forgetting", steps, lambda step: step(), name=lambda step: step.__module__)
