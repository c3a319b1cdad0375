"""What is said before a campaign is sent."""

from typing import Any

import pytest

from accounts.models import Workspace
from campaigns.checks import preflight
from campaigns.findings import Level
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import MessageTally, SendingAccount
from delivery.states import MessageState
from subscribers.models import CustomField, MailingList
from tests.campaigns.makers import make_campaign, make_list, make_reader

SANDBOXED = "This goes to the sandbox inbox, not to real people."
SOURCE = "# Halo {{ first_name }}\n\n[Gayo](https://kopisenja.example/gayo)"


@pytest.fixture
def news(workspace: Workspace) -> MailingList:
    SendingAccount.objects.create(workspace=workspace, name="Provider", kind="smtp")
    news = make_list(workspace)
    make_reader(workspace, news, "dewi@example.org", first_name="Dewi")
    return news


def ready(workspace: Workspace, news: MailingList, **content: Any) -> Campaign:
    """Make a campaign with nothing to say against it, but for these changes."""
    campaign = make_campaign(workspace, news, source=SOURCE, from_name="Kopi Senja")
    assert campaign.content is not None
    for name, value in {"preheader": "Three lots", **content}.items():
        setattr(campaign.content, name, value)
    campaign.content.save()
    return campaign


def said(campaign: Campaign, level: Level) -> list[str]:
    return [finding.text for finding in preflight.findings(campaign) if finding.level is level]


def test_a_good_campaign_is_all_green(workspace: Workspace, news: MailingList) -> None:
    campaign = ready(workspace, news)
    assert said(campaign, Level.BLOCKS) == []
    assert said(campaign, Level.WARNS) == []
    assert said(campaign, Level.FINE) == [
        "1 person gets it.",
        "Sent through “Provider”.",
        "It comes from Kopi Senja.",
        "Every merge tag has a value for the 1 person who gets it.",
        "Unsubscribe link and postal address are in the email.",
        "Opens and clicks are counted.",
    ]
    assert preflight.blocking(campaign) == []


def test_no_list_and_nobody_block(workspace: Workspace, news: MailingList) -> None:
    campaign = ready(workspace, news)
    campaign.include_lists.clear()
    assert said(campaign, Level.BLOCKS) == ["No list and no segment is chosen."]
    campaign.include_lists.add(make_list(workspace, "Empty"))
    assert said(campaign, Level.BLOCKS) == ["Nobody would get this campaign."]


@pytest.mark.parametrize(
    ("changes", "blocking"),
    [
        ({"subject": "  "}, "There is no subject."),
        ({"source": ""}, "There is no content."),
        ({"source": "Halo {{ frist_name }}"}, "frist_name"),
        ({"source": "{{ ''.__class__ }}"}, "line 1"),
        ({"source": "[x](htps:/nowhere)"}, "leads nowhere"),
        ({"kind": "mjml", "source": "<mjml>\n<mj-bdy></mj-bdy></mjml>"}, "line 2"),
        (
            {"source": "{% for a in 'aaaaaaaaaa' %}" * 9 + "x" + "{% endfor %}" * 9},
            "",
        ),
    ],
)
def test_what_can_not_be_a_mail_blocks(
    workspace: Workspace, news: MailingList, changes: dict[str, str], blocking: str
) -> None:
    found = said(ready(workspace, news, **changes), Level.BLOCKS)
    assert len(found) >= 1
    assert blocking in " ".join(found)


def test_a_tag_that_is_empty_for_real_people_warns(workspace: Workspace, news: MailingList) -> None:
    make_reader(workspace, news, "anonymous@example.org")
    campaign = ready(workspace, news)
    assert said(campaign, Level.WARNS) == ["1 of 2 people has no value for {{ first_name }}."]


@pytest.mark.parametrize(
    ("sender", "blocking"),
    [
        ("", "The sender's address is missing."),
        ("kabar@", "“kabar@” is not an email address."),
        ("a@b.example\nBcc: x@y.example", "is not an email address."),
    ],
)
def test_a_sender_that_mail_cannot_come_from_blocks(
    workspace: Workspace, news: MailingList, sender: str, blocking: str
) -> None:
    campaign = ready(workspace, news)
    campaign.from_email = sender
    found = said(campaign, Level.BLOCKS)
    assert len(found) == 1
    assert blocking in found[0]


def test_free_mail_reply_to_and_missing_account(workspace: Workspace, news: MailingList) -> None:
    campaign = ready(workspace, news)
    campaign.from_email = "kopisenja@gmail.com"
    campaign.reply_to = "nobody"
    workspace.sending_accounts.all().delete()
    assert said(campaign, Level.BLOCKS) == [
        "There is no sending account.",
        "Replies would go to “nobody”, which is not an email address.",
    ]
    assert said(campaign, Level.WARNS) == ["The sender's address belongs to a mailbox provider."]


def test_long_subject_no_preheader_no_postal_address(
    workspace: Workspace, news: MailingList
) -> None:
    campaign = ready(workspace, news, subject="x" * 71, preheader="")
    campaign.workspace.postal_address = ""
    campaign.workspace.save()
    assert said(campaign, Level.WARNS) == [
        "The subject has 71 characters and will be cut.",
        "There is no preheader.",
    ]
    address = next(f for f in preflight.findings(campaign) if f.step == "workspace")
    assert address.blocks


def test_an_unusual_audience_warns(workspace: Workspace, news: MailingList) -> None:
    for _ in range(3):
        sent = make_campaign(workspace, news, status=CampaignStatus.SENT)
        MessageTally.objects.create(
            campaign=sent, domain_group=0, state=MessageState.SENT, count=1200
        )
        MessageTally.objects.create(
            campaign=sent, domain_group=0, state=MessageState.SKIPPED, count=900
        )
    assert said(ready(workspace, news), Level.WARNS) == [
        "It goes to 1; your last campaigns went to about 1,200."
    ]


def test_a_sandbox_beside_an_account_for_other_domains_is_said(
    workspace: Workspace, news: MailingList
) -> None:
    """Routing gives it to the account without domains, so nobody outside would get it."""
    campaign = ready(workspace, news)
    SendingAccount.objects.create(workspace=workspace, name="Sandbox", kind="sandbox")
    SendingAccount.objects.filter(name="Provider").update(from_domains=["elsewhere.example"])
    assert said(campaign, Level.WARNS) == [SANDBOXED]
    (found,) = [one for one in preflight.findings(campaign) if one.warns]
    assert "“Provider”" in found.note
    assert "kopisenja.example" in found.note
    SendingAccount.objects.filter(name="Provider").update(from_domains=["kopisenja.example"])
    assert said(campaign, Level.WARNS) == []


def test_a_sandbox_that_stands_first_is_said(workspace: Workspace, news: MailingList) -> None:
    campaign = ready(workspace, news)
    SendingAccount.objects.create(workspace=workspace, name="S", kind="sandbox", position=0)
    SendingAccount.objects.filter(name="Provider").update(position=1)
    assert said(campaign, Level.WARNS) == [SANDBOXED]


def test_mail_that_stays_in_the_sandbox_is_said(workspace: Workspace, news: MailingList) -> None:
    campaign = ready(workspace, news)
    sandbox = SendingAccount.objects.create(workspace=workspace, name="Sandbox", kind="sandbox")
    assert said(campaign, Level.WARNS) == []
    campaign.sending_account = sandbox
    assert said(campaign, Level.WARNS) == [SANDBOXED]


def test_one_person_without_a_value_is_found_however_many_have_one(
    workspace: Workspace, news: MailingList
) -> None:
    field = CustomField.objects.create(workspace=workspace, key="city", label="City", type="text")
    for number in range(preflight.TRIED * 3):
        make_reader(
            workspace, news, f"p{number}@example.org", first_name="P", fields={field.key: "Solo"}
        )
    make_reader(workspace, news, "nobody@example.org", fields={field.key: ""})
    campaign = ready(
        workspace,
        news,
        source='Halo {{ first_name|default("you") }}, in {{ city }}\n\n[x](https://x.example/)',
    )
    assert said(campaign, Level.WARNS) == ["2 of 152 people have no value for {{ city }}."]
    assert "Every merge tag" not in " ".join(said(campaign, Level.FINE))
