"""What happens to people in the background; each task may run twice at once."""

import time

import structlog
from celery import shared_task
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import tasks as system_mail_tasks
from accounts.background import set_aside, waking
from accounts.models import Workspace
from subscribers.addresses import mail_servers
from subscribers.bulk import actions, runner
from subscribers.imports import asking, files, run, steps, undo
from subscribers.migrate_from import received_files
from subscribers.migrate_from import run as migrating
from subscribers.migrate_from.arrivals import SourceRefused
from subscribers.models import BulkAction, Import, Segment, SignupRequest, Subscriber, ToolMigration
from subscribers.people import duplicates, search
from subscribers.privacy import retention
from subscribers.segments import saving
from subscribers.segments.tree import InvalidRules
from subscribers.signup import brake, figures, intake, mails
from subscribers.signup.signup import SignupMail
from subscribers.states import ImportStatus, MigrationSource

SEARCH_SECONDS = 4.0
log = structlog.get_logger()


@shared_task
def check_import(import_id: int) -> None:
    """Find out what an import, or a migration from another tool, would do, without writing."""
    _guarded(import_id, check_only=True)


@shared_task
def run_import(import_id: int) -> None:
    """Write an import's people; goes on where an earlier run stopped."""
    _guarded(import_id, check_only=False)


@shared_task
def undo_import(import_id: int) -> None:
    """Undo an import; goes on where an earlier run stopped."""
    undo.run(import_id)


@shared_task
def ask_imported(import_id: int) -> None:
    """Mail some people of an import who still have to confirm; beat comes back for the others."""
    for _step in range(asking.STEPS):
        with transaction.atomic():
            questions = asking.take(import_id)
            for question in questions:
                mails.put_many(question)
        if not questions:
            return


WORK = {
    ImportStatus.CHECKING: check_import,
    ImportStatus.RUNNING: run_import,
    ImportStatus.UNDOING: undo_import,
}


@shared_task
def resume_imports() -> None:
    """Take up imports whose worker died: whoever still works on one holds its lock."""
    due = Import.objects.filter(status__in=list(WORK))
    # A database is read by a command; who starts it again begins another one.
    due = due.filter(~Q(source=MigrationSource.LISTMONK_DATABASE) | Q(status=ImportStatus.UNDOING))
    for import_id, status in due.values_list("pk", "status"):
        WORK[ImportStatus(status)].delay(import_id)
    for import_id in asking.due():
        ask_imported.delay(import_id)


@shared_task
def forget_old_import_files() -> None:
    """Delete uploaded files whose time is up, and those that nothing names."""
    for forget in (files.forget_old, _forget_orphans):
        set_aside.each("old files", [forget], lambda one: one(), name=lambda one: one.__module__)


def _forget_orphans() -> None:
    files.forget_orphans(files.known_paths())


@shared_task
def apply_retention() -> None:
    """Forget what the workspaces' rules say, in batches."""
    retention.apply_all()


@shared_task
def rebuild_search() -> None:
    """Bring what searching reads up to date, for some seconds at most; see `search`."""
    until = time.monotonic() + SEARCH_SECONDS
    while search.rebuild() and time.monotonic() < until:
        pass


@shared_task
def count_segments() -> None:
    """Count each segment once a day, for its chart and the list of segments."""
    set_aside.each("segment", saving.due(), _count, name=lambda one: f"segment {one.pk}")


@shared_task
def count_segment(segment_id: int) -> None:
    """Count a segment for which nobody waited: it was saved, or somebody asked for its number."""
    for segment in Segment.objects.filter(pk=segment_id).select_related("workspace"):
        _count(segment)


def _count(segment: Segment) -> None:
    try:
        saving.recount(segment)
    except InvalidRules:
        log.info("segment.not_counted", segment_id=segment.pk)


def _guarded(import_id: int, *, check_only: bool) -> None:
    try:
        if ToolMigration.objects.filter(pk=import_id).exists():
            (migrating.check if check_only else migrating.run)(import_id, received_files.opener)
        else:
            (run.check if check_only else run.run)(import_id)
    except SourceRefused as refused:
        steps.fail(import_id, reason=str(refused))
    except FileNotFoundError:
        log.warning("import.file_gone", import_id=import_id)
        steps.fail(import_id, reason=_("The uploaded file is gone. Upload it again."))
    except Exception:
        steps.fail(
            import_id,
            reason=_("Something went wrong on our side; the log says what. You can start again."),
        )
        raise


@shared_task
def run_bulk_action(action_id: int) -> None:
    """Work on an action for a while, then make room for others and come again."""
    try:
        following = runner.run(action_id, send=mails.put_many)
    except Exception:
        runner.fail(action_id, reason=_("Something went wrong on our side; the log says what."))
        raise
    if following is not None:
        run_bulk_action.delay(following.pk)


@shared_task
def resume_bulk_actions() -> None:
    """Take up actions whose worker died; who still works on one holds its row's lock."""
    due = BulkAction.objects.filter(status__in=actions.OPEN).values_list("pk", flat=True)
    for action_id in due:
        run_bulk_action.delay(action_id)


@shared_task
def find_duplicates(workspace_id: int) -> None:
    """Search a workspace for people who may be one."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None:
        duplicates.search(workspace)


@shared_task
def resume_duplicate_searches() -> None:
    """Take up searches that nobody was woken for; who still searches holds the lock."""
    for workspace_id in duplicates.unfinished():
        find_duplicates.delay(workspace_id)


@shared_task
def check_mail_servers() -> None:
    """Ask the DNS about people's domains, in the workspaces that want it."""
    wanted = Workspace.objects.filter(check_mail_servers=True).values_list("pk", flat=True)
    for workspace_id in wanted:
        check_mail_servers_of.delay(workspace_id)


@shared_task(time_limit=1_800)
def check_mail_servers_of(workspace_id: int) -> None:
    """Ask about the domains of one workspace that are due; comes again while there are more."""
    workspace = Workspace.objects.filter(pk=workspace_id, check_mail_servers=True).first()
    if workspace is not None and mail_servers.check(workspace) == mail_servers.MOST_AT_ONCE:
        check_mail_servers_of.delay(workspace_id)


@shared_task(name="subscribers.take_signup")
def take_signup(request_id: int) -> None:
    """Take a sign-up in, or hold it; write down its mail, which goes at once."""
    if not set_aside.each("sign-up", [request_id], _take_signup, name="sign-up {}".format):
        intake.hold(request_id)  # for a member, who sees it among the held


def _take_signup(request_id: int) -> None:
    row = SignupRequest.objects.filter(pk=request_id).only("workspace_id").first()
    if row is None:
        return
    letter = intake.take(request_id)
    intake.hand_on(request_id, queue=mails.put)
    if letter and letter.token and brake.pull(row.workspace_id):
        log.warning("signup.brake_pulled", workspace_id=row.workspace_id)
        mails.put_brake_news(row.workspace_id)
    waking.wake(system_mail_tasks.send_system_mail)


def send_letter(letter: SignupMail) -> None:
    """Write a mail down in the caller's transaction; it goes as soon as that is committed."""
    mails.put(letter)
    waking.wake(system_mail_tasks.send_system_mail)


def send_owner_link(person: Subscriber, *, message_id: int | None, language: str) -> None:
    """Mail a person the link to their own settings and data."""
    mails.put_owner_link(person, message_id=message_id, language=language)
    waking.wake(system_mail_tasks.send_system_mail)


@shared_task(name="subscribers.take_overdue_signups")
def take_overdue_signups() -> None:
    """Take up sign-ups whose task was lost, and forget held ones whose time is over."""
    for request_id in intake.overdue():
        take_signup.delay(request_id)
    intake.forget_old()


@shared_task(name="subscribers.copy_form_views")
def copy_form_views() -> None:
    """Bring the views counted in Redis into the database."""
    figures.copy_views()
