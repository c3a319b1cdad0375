"""A campaign's mail to a few addresses of one's own, before anybody else gets it.

It goes over the campaign's own sending account, is made for one person of the audience, and stands
in no ledger: its links lead straight to where they lead, nothing is counted, and its unsubscribe
link belongs to nobody.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from accounts.models import User
from campaigns.audience import sample
from campaigns.checks.preflight import is_address
from campaigns.models import Campaign, Content
from campaigns.rendering import isolation
from campaigns.rendering.errors import ContentError
from campaigns.rendering.stored import tags_of, writing_of
from delivery.accounts import dkim_keys, routing
from delivery.mime import headers
from delivery.mime.recipient import Recipient
from delivery.mime.render import RenderError, render
from delivery.mime.skeleton import CompiledMessage, compile_message
from delivery.models import SendingAccount
from delivery.system_mail import direct_send, test_limits
from delivery.transports.protocol import Outcome, Outgoing, Verdict

MOST = 5
# Above every id a ledger will ever have, so that no token of a test names somebody's mail.
_FIRST_ID = 2**47


class TestSendError(Exception):
    """No test can be sent at all; ``sentence`` says why and what to do."""

    __test__ = False  # not a test, whatever its name says to pytest

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True)
class TestAnswer:
    """What became of the mail to one address; ``sentence`` holds the server's words."""

    address: str
    arrived: bool
    sentence: str


def read_addresses(text: str) -> list[str]:
    """Read up to five addresses with commas, semicolons, spaces or line ends between them.

    Raises:
        TestSendError: there are none or too many, or one is not an address.
    """
    words = text.replace(",", " ").replace(";", " ").split()
    addresses = list(dict.fromkeys(words))
    if not addresses:
        raise TestSendError(_("Write the address that the test is to go to."))
    if len(addresses) > MOST:
        raise TestSendError(_("A test goes to at most five addresses. Leave some out."))
    for address in addresses:
        if not is_address(address):
            raise TestSendError(
                _("“%(address)s” is not an email address. Correct it.") % {"address": address[:100]}
            )
    return addresses


def send_test(
    campaign: Campaign, addresses: Sequence[str], *, by: User, person: str = ""
) -> list[TestAnswer]:
    """Send the campaign's current content to these addresses and wait for the server's answers.

    ``person`` is the key of the subscriber to make it for (default: somebody of the audience),
    ``by`` whose test it is: `test_limits` says how many they may send. Every address gets its own
    mail. Takes `single.TRIAL_SECONDS` at most.

    Raises:
        TestSendError: there is no account, no sender, the content can't become a mail, the server
            takes none, somebody must not be written to, or there are too many tests.
    """
    account = _account_of(campaign)
    try:
        test_limits.admit(account, addresses, by=by)
    except test_limits.RefusedTestError as refused:
        raise TestSendError(refused.sentence) from refused
    message = _compiled(campaign, campaign.content or Content(campaign=campaign), account)
    like = sample.reader(campaign, person)
    first_id = _FIRST_ID + secrets.randbelow(2**46)
    mails: dict[int, Outgoing] = {}
    by_id: dict[int, str] = {}
    for message_id, address in enumerate(addresses, first_id):
        recipient = Recipient(
            message_id=message_id,
            subscriber_id=0,
            email=address,
            first_name=like.first_name,
            last_name=like.last_name,
            language=like.language,
            fields=like.fields,
        )
        by_id[message_id] = address
        try:
            with isolation.on_behalf_of(campaign.workspace_id):
                mails[message_id] = render(message, recipient)
        except (RenderError, isolation.BusyError) as error:
            raise TestSendError(error.sentence) from error
    found = _hand_over(account, list(mails.values()))
    return [
        _answer(by_id[message_id], found.get(message_id), account=account) for message_id in mails
    ]


def _account_of(campaign: Campaign) -> SendingAccount:
    accounts = routing.candidates(
        campaign.workspace.sending_accounts.all(),
        from_email=campaign.from_email,
        chosen=campaign.sending_account_id,
    )
    if not accounts:
        raise TestSendError(
            _("There is no sending account yet. Connect the server that sends, in the settings.")
        )
    return accounts[0]


def _compiled(campaign: Campaign, content: Content, account: SendingAccount) -> CompiledMessage:
    writing = writing_of(content)
    values = {"subject": writing.subject or _("No subject yet")}
    try:
        with isolation.on_behalf_of(campaign.workspace_id):
            compiled = isolation.compile_content(
                replace(writing, subject=_("[Test] %(subject)s") % values),
                tags_of(content),
                track_opens=False,
                track_clicks=False,
                on_page=True,
            )
        return compile_message(
            compiled,
            from_email=campaign.from_email,
            from_name=campaign.from_name,
            reply_to=campaign.reply_to,
            bulk=False,
            signer=dkim_keys.signer_for(account, campaign.from_email.rpartition("@")[2]),
        )
    except ContentError as error:
        raise TestSendError(str(error)) from error
    except headers.AddressError as error:
        raise TestSendError(
            _("The sender's address can't be used. Correct it in the content step.")
        ) from error


def _hand_over(account: SendingAccount, mails: Sequence[Outgoing]) -> dict[int, Outcome]:
    try:
        with direct_send.trial_place():
            handed = direct_send.hand_over(account, mails, seconds=direct_send.TRIAL_SECONDS)
    except direct_send.TooManyTrialsError as busy:
        raise TestSendError(busy.sentence) from busy
    arrived = any(outcome.verdict is Verdict.SENT for outcome in handed.outcomes.values())
    if handed.trouble is not None and not arrived:
        raise TestSendError(handed.trouble.sentence) from handed.trouble
    return handed.outcomes


def _answer(address: str, outcome: Outcome | None, *, account: SendingAccount) -> TestAnswer:
    if outcome is None or outcome.verdict is Verdict.NOT_SENT:
        sentence = _("%(account)s stopped before this email.") % {"account": account.name}
        return TestAnswer(address=address, arrived=False, sentence=sentence)
    words = " ".join(
        part for part in (str(outcome.code or ""), outcome.enhanced, outcome.text) if part
    )
    sentences = {
        Verdict.SENT: _("%(account)s accepted it: %(words)s"),
        Verdict.DEFERRED: _("%(account)s asks to try again later: %(words)s"),
        Verdict.FAILED: _("%(account)s refuses it: %(words)s"),
        Verdict.UNKNOWN: _("The connection to %(account)s broke; it may have arrived. %(words)s"),
    }
    return TestAnswer(
        address=address,
        arrived=outcome.verdict is Verdict.SENT,
        sentence=sentences[outcome.verdict] % {"account": account.name, "words": words},
    )
