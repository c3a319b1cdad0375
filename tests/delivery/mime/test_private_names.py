"""What is private to a workspace is not told to those who get its mail."""

import pytest

from delivery.mime.recipient import Recipient
from delivery.mime.render import render
from delivery.pipeline import prepare
from subscribers.models import MailingList
from tests.campaigns.makers import make_campaign


def mail_to(workspace, *lists) -> str:
    campaign = make_campaign(workspace, lists[0], source="Halo", name="Intern: kampanye rahasia")
    campaign.include_lists.set(lists)
    prepared = prepare.prepare(campaign)
    assert isinstance(prepared, prepare.Prepared)
    recipient = Recipient(
        message_id=7,
        subscriber_id=1,
        email="dewi@example.org",
        first_name="Dewi",
        last_name="",
        language="id",
        fields={},
    )
    return render(prepared.compiled, recipient).data.decode()


@pytest.fixture
def private(workspace):
    return MailingList.objects.create(
        workspace=workspace,
        name="Yang suka mengeluh",
        visibility=MailingList.Visibility.PRIVATE,
        description="Rahasia",
    )


def test_a_private_list_has_a_stable_label_and_the_workspaces_name(workspace, private):
    first, second = mail_to(workspace, private), mail_to(workspace, private)
    for mail in (first, second):
        assert "mengeluh" not in mail.lower()
        assert "rahasia" not in mail.lower()
        assert f"List-Id: {workspace.name} <" in mail

    def label(mail):
        return next(line for line in mail.splitlines() if line.startswith("List-Id"))

    assert label(first) == label(second)
    private.name = "Lain"
    private.save()
    assert label(mail_to(workspace, private)) == label(first)


def test_a_public_list_is_named(workspace):
    public = MailingList.objects.create(workspace=workspace, name="Kabar kopi")
    assert "List-Id: Kabar kopi <" in mail_to(workspace, public)


def test_several_lists_are_the_workspace(workspace, private):
    public = MailingList.objects.create(workspace=workspace, name="Kabar kopi")
    mail = mail_to(workspace, private, public)
    assert f"List-Id: {workspace.name} <" in mail
    assert "mengeluh" not in mail.lower()
