"""Every piece of background work is in a table: its batches are tried with a poisoned member.

A task or a command that is new has to say here which test poisons it, or why it has no batch.
"""

import re
from pathlib import Path

import pytest

from tests.architecture.files import APPS

ROOT = Path(__file__).parents[2]
DELIVERY = "tests/delivery/pipeline/test_poisoned_members.py"
SUBSCRIBERS = "tests/subscribers/test_poisoned_members.py"
IMPORTS = "tests/subscribers/imports/test_poisoned_rows.py"
WEBHOOKS = "tests/delivery/events/webhooks/test_taking.py"
MAILS = "tests/delivery/system_mail/test_system_mail.py"
SANDBOX = "tests/delivery/sandbox/test_answering.py"
FETCHING = "tests/delivery/bounces/test_fetching.py"
RETURNED = "tests/delivery/bounces/test_intake.py"
ROLLUPS = "tests/reports/test_rollups.py"

# What works on many, and the tests in which one of them is poisoned.
POISONED = {
    "accounts.tasks.send_system_mail": (
        f"{MAILS}::test_a_poisoned_mail_is_set_aside_and_the_next_goes"
    ),
    "accounts.tasks.forget_ended": (
        f"{SUBSCRIBERS}::test_what_is_old_is_forgotten_beside_a_step_that_fails"
    ),
    "delivery.tasks.ingest_events": (
        f"{DELIVERY}::test_a_poisoned_hit_stops_no_other",
        f"{DELIVERY}::test_a_poisoned_review_stops_no_other",
    ),
    "delivery.tasks.start_due_campaigns": (
        f"{DELIVERY}::test_a_campaign_that_cannot_begin_stops_no_other"
    ),
    "delivery.tasks.plan_campaign": (
        f"{DELIVERY}::test_a_campaign_that_cannot_be_planned_is_paused_and_says_so"
    ),
    "delivery.tasks.send_slice": (
        f"{DELIVERY}::test_a_poisoned_outcome_is_recorded_without_its_words",
        f"{DELIVERY}::test_a_campaign_whose_account_cannot_be_found_stops_no_other",
        f"{DELIVERY}::test_content_that_trips_the_compiler_pauses_its_campaign",
    ),
    "delivery.tasks.sweep_up": (
        f"{DELIVERY}::test_a_poisoned_claim_stops_no_other",
        f"{DELIVERY}::test_retries_cancelling_and_ends_go_on_beside_a_poisoned_campaign",
        f"{DELIVERY}::test_a_step_of_the_sweep_that_fails_stops_no_other",
    ),
    "delivery.tasks.take_provider_events": (
        f"{WEBHOOKS}::test_one_poisoned_event_among_a_thousand_is_set_aside_alone",
        f"{WEBHOOKS}::test_news_that_nobody_can_apply_leaves_the_others_alone",
    ),
    "delivery.tasks.fetch_mailboxes": f"{RETURNED}::test_one_poisoned_mail_stops_no_other",
    "delivery.tasks.replay_returned": f"{RETURNED}::test_one_poisoned_mail_stops_no_other",
    "command replay_bounces": f"{RETURNED}::test_one_poisoned_mail_stops_no_other",
    "delivery.tasks.fetch_mailbox": (
        f"{FETCHING}::test_one_mail_that_cannot_be_read_never_stops_the_rest"
    ),
    "delivery.tasks.forget_origins": (
        f"{SUBSCRIBERS}::test_origins_are_forgotten_beside_a_walk_that_fails"
    ),
    "delivery.tasks.follow_up_sandbox": (
        f"{SANDBOX}::test_one_answer_that_fails_spoils_no_other",
        f"{SANDBOX}::test_a_mail_that_cannot_be_read_spoils_no_other",
    ),
    "reports.tasks.rebuild_recent_days": f"{ROLLUPS}::test_a_poisoned_workspace_stops_no_other",
    "reports.tasks.remove_deleted_workspaces": (
        f"{SUBSCRIBERS}::test_deleted_workspaces_go_beside_one_that_cannot"
    ),
    "subscribers.tasks.check_import": (
        f"{IMPORTS}::test_a_check_names_rows_that_cannot_even_be_staged"
    ),
    "subscribers.tasks.run_import": (
        f"{SUBSCRIBERS}::test_a_move_goes_on_beside_a_row_that_cannot_be_merged",
        f"{SUBSCRIBERS}::test_a_move_goes_on_beside_a_row_that_cannot_be_staged",
        f"{IMPORTS}::test_the_others_of_a_batch_go_in_and_the_bad_one_is_named",
        f"{IMPORTS}::test_bad_ones_among_the_rows_that_come_later_are_named_too",
    ),
    "subscribers.tasks.undo_import": (
        f"{SUBSCRIBERS}::test_an_undo_goes_on_beside_people_who_cannot_go_or_change"
    ),
    "subscribers.tasks.ask_imported": (
        f"{SUBSCRIBERS}::test_people_are_asked_to_confirm_beside_one_who_cannot_be"
    ),
    "subscribers.tasks.forget_old_import_files": (
        f"{SUBSCRIBERS}::test_old_files_are_forgotten_beside_one_that_cannot_be"
    ),
    "subscribers.tasks.apply_retention": (
        f"{DELIVERY}::test_retention_goes_on_beside_a_poisoned_workspace"
    ),
    "subscribers.tasks.rebuild_search": (
        f"{DELIVERY}::test_the_search_goes_on_beside_a_poisoned_block"
    ),
    "subscribers.tasks.count_segments": (
        f"{DELIVERY}::test_segments_are_counted_beside_a_poisoned_one"
    ),
    "subscribers.tasks.run_bulk_action": (
        f"{DELIVERY}::test_a_bulk_action_goes_on_beside_a_poisoned_person"
    ),
    "subscribers.tasks.copy_form_views": (
        f"{SUBSCRIBERS}::test_views_of_forms_are_copied_beside_a_poisoned_form"
    ),
    # What works on many within a request, or hands them out.
    "news of mails": (
        "tests/delivery/events/test_applying.py::test_one_poisoned_mail_spoils_none_of_the_others"
    ),
    "exports of people": (
        f"{SUBSCRIBERS}::test_an_export_goes_on_beside_somebody_who_cannot_be_read"
    ),
    "exports of suppressions": (
        f"{SUBSCRIBERS}::test_an_export_of_suppressions_goes_on_beside_a_poisoned_one"
    ),
    "exports of reports": (
        f"{SUBSCRIBERS}::test_an_export_of_a_report_goes_on_beside_a_poisoned_recipient"
    ),
    "held sign-ups": f"{SUBSCRIBERS}::test_held_sign_ups_are_taken_in_beside_a_poisoned_one",
    "command import_subscribers": (
        f"{IMPORTS}::test_the_others_of_a_batch_go_in_and_the_bad_one_is_named"
    ),
    "command move_listmonk": (
        f"{SUBSCRIBERS}::test_a_move_goes_on_beside_a_row_that_cannot_be_merged"
    ),
    "command move_mailchimp": (
        f"{SUBSCRIBERS}::test_a_move_goes_on_beside_a_row_that_cannot_be_merged"
    ),
    "command move_mautic": f"{SUBSCRIBERS}::test_a_move_goes_on_beside_a_row_that_cannot_be_merged",
    "command move_suppressions": (
        f"{SUBSCRIBERS}::test_a_move_goes_on_beside_a_row_that_cannot_be_merged"
    ),
    "command move_listmonk_database": (
        f"{SUBSCRIBERS}::test_a_template_that_cannot_be_stored_stops_no_other"
    ),
}
# What has no batch in which one member could spoil the others.
ALONE = {
    "delivery.tasks.forget_returned": "statements over rows by their age",
    "delivery.tasks.keep_sending": "hands on slices",
    "delivery.tasks.forget_feedback": "deletes by age alone",
    "subscribers.tasks.take_signup": "one sign-up; held for a member if it fails",
    "subscribers.tasks.take_overdue_signups": "hands on one task for each",
    "subscribers.tasks.resume_imports": "hands on one task for each",
    "subscribers.tasks.resume_duplicate_searches": "hands on one task for each",
    "accounts.tasks.back_up": "one backup; why it failed is set aside",
    "command backup": "one backup; its error is printed",
    "command restore": "one backup, whole or not at all",
    "command secret_key": "one key",
    "command hold": "each campaign is asked about by itself",
    "subscribers.tasks.resume_bulk_actions": "hands on one task for each",
    "subscribers.tasks.count_segment": "one segment",
    "subscribers.tasks.find_duplicates": "two statements over one workspace, asked for on its page",
    "subscribers.tasks.check_mail_servers": "hands on one task for each",
    "subscribers.tasks.check_mail_servers_of": "each question's failure is its answer: unknown",
    "delivery.tasks.retry_provider_events": "one statement that lets events wait again",
    "delivery.tasks.forget_provider_events": "deletes by age; reads nothing of what is in them",
    "command campaign_status": "reads one campaign",
    "command cancel_campaign": "one campaign",
    "command pause_campaign": "one campaign",
    "command resume_campaign": "one campaign",
    "command send_campaign": "one campaign; the workers send",
    "command settle_unknown": "one statement over one campaign; its error is printed",
    "command doctor": "each check stands for itself, and reports that it failed",
    "command recount_feedback": "a repair by hand, campaign by campaign; its error is printed",
    "command rebuild_engagement": "a repair by hand; its error is printed, and it starts anew",
    "command reclassify": "a repair by hand; its error is printed, and it can be run again",
    "command load_demo": "makes rows of our own",
}


def tasks() -> set[str]:
    """Return the tasks in the sources."""
    found = set()
    for app in APPS:
        for path in (ROOT / app).rglob("*tasks.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            names = re.findall(r"^@shared_task.*\ndef (\w+)", path.read_text(), re.MULTILINE)
            found |= {f"{module}.{name}" for name in names}
    return found


def commands() -> set[str]:
    """Return the commands in the sources."""
    paths = (path for app in APPS for path in (ROOT / app).glob("management/commands/*.py"))
    return {f"command {path.stem}" for path in paths if not path.stem.startswith("_")}


def test_all_background_work_is_in_the_table() -> None:
    assert len(tasks()) > 20
    named = {*POISONED, *ALONE}
    assert (tasks() | commands()) - named == set()
    assert {one for one in named if "." in one or one.startswith("command ")} == (
        tasks() | commands()
    )
    assert not POISONED.keys() & ALONE.keys()


@pytest.mark.parametrize("work", POISONED)
def test_the_test_that_poisons_it_is_there(work: str) -> None:
    proofs = POISONED[work]
    for proof in [proofs] if isinstance(proofs, str) else proofs:
        path, _colons, name = proof.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text()
