"""The test mail of a sending account: does it go through, and if not, where does it stop?"""

from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr

from django.utils.translation import gettext as _

from delivery import accounts
from delivery.mail_backend import NoJournal
from delivery.models import SendingAccount
from delivery.transports import choose
from delivery.transports.protocol import Outcome, Outgoing, ServerTroubleError, Verdict


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of the test mail, in a sentence."""

    arrived: bool
    sentence: str


def send(account: SendingAccount, *, address: str) -> Result:
    """Send one mail through an account and wait for the server's answer."""
    if parseaddr(address)[1] != address or "@" not in address or not address.isprintable():
        return Result(arrived=False, sentence=_("Write one address, like name@example.com."))
    outcomes: list[Outcome] = []
    try:
        with closing(choose.transport_for(account, connections=1)) as transport:
            transport.send(
                iter([_mail(account, address)]),
                journal=NoJournal(),
                record=outcomes.append,
                should_stop=lambda: False,
            )
    except ServerTroubleError as error:
        return Result(arrived=False, sentence=error.sentence)
    outcome = outcomes[0]
    answer = f"{outcome.code} {outcome.enhanced} {outcome.text}".strip()
    if outcome.verdict is Verdict.SENT:
        sentence = _("The server took the mail for %(address)s. It said: %(answer)s")
        return Result(arrived=True, sentence=sentence % {"address": address, "answer": answer})
    sentence = _("The server did not take the mail for %(address)s. It said: %(answer)s")
    return Result(arrived=False, sentence=sentence % {"address": address, "answer": answer})


def _mail(account: SendingAccount, address: str) -> Outgoing:
    sender = accounts.sender_of(account)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = address
    message["Subject"] = _("Test mail from Warta")
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        _("The sending account “%(name)s” works: this mail came through it.")
        % {"name": account.name}
    )
    return Outgoing(
        message_id=1,
        envelope_from=parseaddr(sender)[1],
        envelope_to=address,
        data=message.as_bytes(),
    )
