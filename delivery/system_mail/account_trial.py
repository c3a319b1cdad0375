"""The test mail of a sending account: does it go through, and if not, where does it stop and why?

Every stage is shown, and the one that fails comes with the way out.
"""

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from delivery.accounts import advice, setup
from delivery.models import SendingAccount
from delivery.states import TransportKind
from delivery.system_mail import direct_send, test_limits
from delivery.transports import choose
from delivery.transports.protocol import Outgoing, ServerTroubleError, Verdict
from delivery.transports.smtp import probe
from delivery.transports.smtp.opening import OpeningStep
from delivery.transports.smtp.settings import SmtpSettings

# A refusal here is about this sender, this address or these words, not about the account.
_ABOUT_ONE_MAIL = frozenset(
    {OpeningStep.MAIL, OpeningStep.RCPT, OpeningStep.DATA, OpeningStep.BODY}
)


@dataclass(frozen=True, kw_only=True)
class TrialStage:
    """One stage: ``state`` is "passed", "failed" or "open"; ``words`` are the server's."""

    label: str
    state: str
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of the test mail, in a sentence; ``way_out`` says what to do where it failed.

    ``is_trouble``: the account itself does not work, whoever the mail is for.
    """

    arrived: bool
    sentence: str
    way_out: str = ""
    stages: tuple[TrialStage, ...] = ()
    is_trouble: bool = False


def send(account: SendingAccount, *, address: str, by: User) -> Result:
    """Send one mail through an account and wait for the server's answer.

    It takes `single.TRIAL_SECONDS` at most, and a few such tests run at a time.
    """
    if parseaddr(address)[1] != address or "@" not in address.strip("@") or not address.isascii():
        return Result(arrived=False, sentence=_("Write one address, like name@example.com."))
    try:
        test_limits.admit(account, [address], by=by)
    except test_limits.RefusedTestError as refused:
        return Result(arrived=False, sentence=refused.sentence)
    if account.kind == TransportKind.ANYMAIL:
        return _through_api(account, address)
    try:
        server = choose.smtp_settings(account, connections=1)
        with direct_send.trial_place():
            course = probe.walk(server, _mail(account, address), seconds=direct_send.TRIAL_SECONDS)
    except ServerTroubleError as error:
        return Result(arrived=False, sentence=error.sentence, is_trouble=True)
    except direct_send.TooManyTrialsError as error:
        return Result(arrived=False, sentence=error.sentence)
    return _result(course, server, address)


def _through_api(account: SendingAccount, address: str) -> Result:
    """Ask a provider to take the mail; there are no stages to show, only its answer."""
    try:
        with direct_send.trial_place():
            handed = direct_send.hand_over(
                account, [_mail(account, address)], seconds=direct_send.TRIAL_SECONDS
            )
    except direct_send.TooManyTrialsError as error:
        return Result(arrived=False, sentence=error.sentence)
    if handed.trouble is not None:
        way_out = advice.about_provider(handed.trouble)
        return Result(
            arrived=False, sentence=handed.trouble.sentence, way_out=way_out, is_trouble=True
        )
    outcome = handed.outcomes[1]
    values = {
        "provider": account.server_name,
        "address": address,
        "id": outcome.provider_id,
        "words": outcome.text,
    }
    if outcome.verdict is Verdict.SENT:
        sentence = _("%(provider)s accepted the email for %(address)s. Its ID there: %(id)s.")
        return Result(arrived=True, sentence=sentence % values)
    if outcome.verdict is Verdict.UNKNOWN:
        sentence = _("%(provider)s did not answer; the email may have arrived. %(words)s")
    else:
        sentence = _("%(provider)s did not accept the email: %(words)s")
    return Result(arrived=False, sentence=sentence % values)


def _result(course: probe.Course, server: SmtpSettings, address: str) -> Result:
    """Tell the course of a test for people."""
    passed = {stage.step: stage.reply for stage in course.passed}
    failed = course.trouble.step if course.trouble else None
    stages = tuple(
        TrialStage(
            label=label(step),
            state="failed" if step is failed else "passed" if step in passed else "open",
            words=_words(passed.get(step))
            if step is not failed
            else _words(course.trouble.reply)
            if course.trouble
            else "",
        )
        for step in probe.steps(server)
    )
    if course.trouble is None:
        sentence = _("%(host)s accepted the email for %(address)s. Its answer: %(answer)s") % {
            "host": server.host,
            "address": address,
            "answer": _words(passed[OpeningStep.BODY]),
        }
        return Result(arrived=True, sentence=sentence, stages=stages)
    return Result(
        arrived=False,
        sentence=course.trouble.sentence,
        way_out=advice.way_out(course.trouble, server),
        stages=stages,
        is_trouble=course.trouble.step not in _ABOUT_ONE_MAIL,
    )


def label(step: OpeningStep) -> str:
    """Name a stage for people."""
    labels = {
        OpeningStep.RESOLVE: _("Find the server's address"),
        OpeningStep.CONNECT: _("Connect"),
        OpeningStep.TLS: _("Encrypt the connection and check the certificate"),
        OpeningStep.BANNER: _("The server greets"),
        OpeningStep.EHLO: _("Ask what the server can do"),
        OpeningStep.STARTTLS: _("Encrypt the connection and check the certificate"),
        OpeningStep.AUTH: _("Sign in"),
        OpeningStep.MAIL: _("Name the sender"),
        OpeningStep.RCPT: _("Name the recipient"),
        OpeningStep.DATA: _("Announce the email"),
        OpeningStep.BODY: _("Send the email"),
    }
    return labels[step]


def _words(reply: object) -> str:
    return str(getattr(reply, "words", ""))


def _mail(account: SendingAccount, address: str) -> Outgoing:
    sender = setup.sender_of(account)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = address
    message["Subject"] = _("Test email from Warta")
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        _("The sending account “%(name)s” works: this email came through it.\n\n%(site)s")
        % {"name": account.name, "site": settings.SITE_URL},
        cte="quoted-printable",
    )
    return Outgoing(
        message_id=1,
        envelope_from=parseaddr(sender)[1],
        envelope_to=address,
        data=direct_send.signed(account, message.as_bytes(), sender=parseaddr(sender)[1]),
    )
