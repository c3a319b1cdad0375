"""Whoever holds a link to the preference centre: somebody with a letter, or the owner.

A letter's link (`tokens.Purpose.PREFERENCES`) may have been forwarded with it, so its holder can
only make mail less. An owner's link was mailed to the address within the last hour
(`subscribers.consent.ownership`); later it is worth what a letter's is.
"""

from dataclasses import dataclass

from accounts.models import Workspace
from delivery.mime.tokens import Purpose
from delivery.public import message_link
from delivery.public.message_link import Reader
from subscribers.consent import ownership
from subscribers.models import Subscriber


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Somebody with a link. ``person`` is None when they were erased or changed their address.

    ``reader`` is the letter that they came from; None for people who came without one.
    """

    workspace: Workspace
    person: Subscriber | None
    reader: Reader | None
    is_owner: bool

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages to speak, best first."""
        if self.reader:
            return self.reader.languages
        own = (self.person.language,) if self.person else ()
        return (*own, self.workspace.default_language)

    @property
    def message_id(self) -> int | None:
        """The letter that they came from."""
        return self.reader.message.pk if self.reader else None


def find(token: str) -> Holder | None:
    """Return who holds a token; None for a damaged one or another purpose's."""
    if ownership.is_owners(token):
        return _owner(token)
    reader = message_link.find(token, Purpose.PREFERENCES)
    if reader is None:
        return None
    return Holder(workspace=reader.workspace, person=reader.person, reader=reader, is_owner=False)


def _owner(token: str) -> Holder | None:
    link = ownership.read(token)
    if link is None:
        return None
    workspace = Workspace.objects.filter(pk=link.workspace_id).first()
    if workspace is None:
        return None
    reader = message_link.of_message(link.message_id) if link.message_id else None
    person = link.person
    if reader and (person is None or reader.message.subscriber_id != person.pk):
        reader = None
    return Holder(
        workspace=workspace,
        person=person,
        reader=reader,
        is_owner=person is not None and link.is_fresh,
    )
