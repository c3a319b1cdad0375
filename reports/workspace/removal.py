"""Takes a workspace out with everything it owns, set by set and fast."""

from django.db import connection, transaction

from accounts.models import Workspace
from campaigns.media import library
from subscribers.imports import files

# Children before parents. Each statement is bounded by the workspace; the ledgers' rows hang on the
# workspace's campaigns.
OF_CAMPAIGNS = (
    "delivery_unsubscribereason",
    "delivery_event",
    "delivery_eventtally",
    "delivery_message",
    "delivery_claim",
    "delivery_messagetally",
    "delivery_sendminute",
    "delivery_dispatch",
)


@transaction.atomic
def remove(workspace: Workspace) -> None:
    """Delete the workspace and all its rows, the consent ledger's too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('warta.erasing', 'on', true)")
        for table in OF_CAMPAIGNS:
            cursor.execute(
                f"DELETE FROM {table} USING campaigns_campaign c "  # noqa: S608 - names from above
                f"WHERE {table}.campaign_id = c.id AND c.workspace_id = %s",
                [workspace.pk],
            )
        cursor.execute(
            "DELETE FROM delivery_softbounces USING subscribers_subscriber person "
            "WHERE subscriber_id = person.id AND person.workspace_id = %s",
            [workspace.pk],
        )
        for table in (
            "delivery_feedbackreceipt",
            "subscribers_consentevent",
            "subscribers_subscription",
            "subscribers_subscriber",
            "delivery_sandboxmessage",
        ):
            cursor.execute(
                f"DELETE FROM {table} WHERE workspace_id = %s",  # noqa: S608 - names from above
                [workspace.pk],
            )
    # What is left is small: Django's cascade knows it all. Contents and statements are protected
    # against single deletion, so these go first, in the right order.
    workspace.campaigns.update(content=None)
    for record in workspace.imports.only("path", "errors_path", "files"):
        files.discard(*record.paths)
    workspace.imports.all().delete()
    library.forget_all(workspace)
    workspace.signup_forms.all().delete()
    workspace.delete()
