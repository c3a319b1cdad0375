"""What one `send` tells the journal and the ledger, and has found out about the server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from delivery.transports.protocol import (
    HandOverJournal,
    Outcome,
    ServerTroubleError,
    Verdict,
)
from delivery.transports.smtp.reply import Blame, Reply, ReplyStage, judge
from delivery.transports.smtp.session import Parcel

MOST_BLAMES: Final = 3  # refusals in a row that blame the sender


@dataclass(slots=True)
class ServerRecord:
    """How the server has behaved, over all sends."""

    barren: int = 0  # connections in a row that broke before any mail was answered
    blames: int = 0  # refusals in a row that blame the sender
    accepted_last: bool = False  # the mail that was answered last was accepted


class OutcomeLog:
    """Every pulled mail ends here, once. ``trouble`` and ``error`` are raised when all have."""

    def __init__(
        self,
        server: ServerRecord,
        *,
        host: str,
        journal: HandOverJournal,
        record: Callable[[Outcome], None],
    ) -> None:
        self.journal = journal
        self.trouble: ServerTroubleError | None = None
        self.error: BaseException | None = None
        self._server = server
        self._host = host
        self._record = record

    def announce(self, parcel: Parcel | None, *, after: Parcel | None) -> None:
        """Tell the journal that this mail's dot may go out, once that of ``after`` is answered."""
        if parcel is not None:
            self.journal.announce(
                parcel.mail.message_id, after=after.mail.message_id if after is not None else 0
            )
            parcel.is_announced = True

    def answer(self, parcel: Parcel, stage: ReplyStage, reply: Reply) -> None:
        """Record what the server said about a mail, and whom that blames."""
        server = self._server
        server.barren = 0
        judgement = judge(stage, reply, accepted_before=server.accepted_last)
        if judgement.blame is Blame.SIGN_IN:
            words = _("%(host)s wants us to sign in first: %(words)s")
            self._in_trouble(words, reply, permanent=True)
        elif judgement.blame is Blame.SENDER:
            server.accepted_last = False
            server.blames += 1
            if server.blames >= MOST_BLAMES:
                self._in_trouble(_("%(host)s rejects emails from this sender: %(words)s"), reply)
        elif judgement.blame is Blame.NOBODY:
            server.accepted_last = True
            server.blames = 0
        self.end(parcel, judgement.verdict, reply=reply)

    def end(
        self, parcel: Parcel, verdict: Verdict, text: str = "", *, reply: Reply | None = None
    ) -> None:
        """Record how a mail ended, with the server's words or ours."""
        if reply is None:
            outcome = Outcome(message_id=parcel.mail.message_id, verdict=verdict, text=text)
        else:
            outcome = Outcome(
                message_id=parcel.mail.message_id,
                verdict=verdict,
                code=reply.code,
                enhanced=reply.enhanced,
                text=reply.text,
            )
        self.finish(parcel, outcome)

    def finish(self, parcel: Parcel, outcome: Outcome) -> None:
        """Note and record an outcome; what goes wrong there is raised at the end."""
        try:
            if parcel.is_announced:
                self.journal.settle(outcome)
        except Exception as error:  # noqa: BLE001 - see above
            self.error = self.error or error
        try:
            self._record(outcome)
        except Exception as error:  # noqa: BLE001 - see above
            self.error = self.error or error

    def hangs_up(self, reply: Reply | None) -> None:
        """Note that connection after connection breaks; ``reply``: a 421, if it said one."""
        if reply is not None:
            self._in_trouble(_("%(host)s disconnected: %(words)s"), reply)
            return
        self.trouble = self.trouble or ServerTroubleError(
            _("%(host)s disconnected before accepting an email.") % {"host": self._host}
        )

    def _in_trouble(self, sentence: str, reply: Reply, *, permanent: bool = False) -> None:
        values = {"host": self._host, "words": reply.words}
        self.trouble = self.trouble or ServerTroubleError(sentence % values, permanent=permanent)
