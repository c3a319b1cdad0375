"""Prepare: what is the same for all of a campaign's mails, made once per process and version."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.utils.translation import gettext as _

from accounts.background import set_aside
from campaigns import queries
from campaigns.audience.chosen import Audience
from campaigns.models import Campaign
from campaigns.rendering import isolation
from campaigns.rendering.errors import ContentError
from campaigns.rendering.stored import compile_and_store
from delivery.accounts import dkim_keys
from delivery.mime.dkim import Signer
from delivery.mime.headers import AddressError
from delivery.mime.render import Filled, fill, fill_one, render
from delivery.mime.skeleton import CompiledMessage, compile_message
from delivery.models import Dispatch, DkimKey, SendingAccount
from delivery.pipeline.claim import Due
from delivery.states import TransportKind
from delivery.transports import choose
from delivery.transports.protocol import Outgoing
from subscribers.models import MailingList

log = logging.getLogger(__name__)

KEPT: Final = 16  # campaigns a process keeps compiled
FILLED_AHEAD: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A campaign ready to be sent: its audience and its compiled content."""

    workspace: int
    version: int
    audience: Audience
    compiled: CompiledMessage

    def mails_of(self, due: Sequence[Due]) -> Callable[[Due], Outgoing]:
        """Return what makes the mail of each of ``due``, to be called in about this order.

        It raises RenderError: this person's values don't fit the content.
        """
        if not self.compiled.programs:
            return partial(render, self.compiled)
        return _FilledAhead(self, due).mail


class _FilledAhead:
    """Has conditions and loops run for the next people together: one request for many mails."""

    def __init__(self, prepared: Prepared, due: Sequence[Due]) -> None:
        self._prepared = prepared
        self._due = due
        self._places = {one.message_id: place for place, one in enumerate(due)}
        self._filled: dict[int, Filled] = {}
        self._ahead = FILLED_AHEAD

    def mail(self, due: Due) -> Outgoing:
        """Make one person's mail."""
        if due.message_id not in self._filled:
            with isolation.on_behalf_of(self._prepared.workspace):
                self._fill(self._places[due.message_id])
        return render(self._prepared.compiled, due, filled=self._filled.pop(due.message_id))

    def _fill(self, place: int) -> None:
        some = self._due[place : place + self._ahead]
        try:
            found = fill(self._prepared.compiled, some)
        except isolation.RunawayError:
            self._ahead = 1  # each may cost seconds: from here on only whose turn it is
            some = some[:1]
            found = fill_one(self._prepared.compiled, some[0])
        self._filled |= zip((one.message_id for one in some), found, strict=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """A campaign whose content can't be made into mail at all."""

    sentence: str


class Cache:
    """What one process has prepared lately, by campaign and what its mail is made of."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], Prepared | Unusable] = OrderedDict()

    def get(self, campaign: Campaign, account: SendingAccount) -> Prepared | Unusable:
        """Return the campaign prepared for an account, compiled when anything has changed.

        The signing keys are looked at each time: a new one signs from the next claim on.
        """
        keys = _keys(campaign, account)
        return_path = _return_path(account)
        key = (
            campaign.pk,
            campaign.content_id,
            campaign.updated_at,
            return_path,
            tuple((signing.pk, signing.state) for signing in keys),
        )
        if key in self._known:
            self._known.move_to_end(key)
        else:
            self._known[key] = prepare(
                campaign, verp_domain=return_path, signer=dkim_keys.signer(keys)
            )
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return self._known[key]


def _keys(campaign: Campaign, account: SendingAccount) -> list[DkimKey]:
    """Return the keys that sign the sender's domain, where the signature can arrive."""
    if not choose.takes_raw(account):
        return []
    domain = campaign.from_email.rpartition("@")[2].strip("> ")
    return dkim_keys.active(campaign.workspace_id, domain)


def _return_path(account: SendingAccount) -> str:
    """Return the domain that bounces come back to; providers' APIs use their own."""
    is_ours = account.kind == TransportKind.SMTP and account.verp
    return account.return_path_domain if is_ours else ""


def prepare(
    campaign: Campaign, *, verp_domain: str = "", signer: Signer | None = None
) -> Prepared | Unusable:
    """Compile a campaign's current content version for its sender."""
    content = campaign.content
    if content is None:
        return Unusable(sentence=_("The campaign has no content."))
    workspace = campaign.workspace
    list_id, list_name = _list_of(campaign)
    try:
        compiled = compile_message(
            compile_and_store(content),
            from_email=campaign.from_email,
            from_name=campaign.from_name,
            reply_to=campaign.reply_to,
            list_id=list_id,
            list_name=list_name,
            feedback_id=(f"c{campaign.pk}", f"w{workspace.pk}", "campaign", workspace.slug),
            verp_domain=verp_domain,
            track_url=queries.tracking_url(workspace),
            signer=signer,
        )
    except isolation.BusyError:
        raise  # nothing is wrong with the content: another slice tries again
    except (ContentError, AddressError) as error:
        return Unusable(sentence=str(error)[:300])
    except set_aside.AWAY:
        raise
    except Exception as error:
        log.exception("prepare.failed", extra={"campaign_id": campaign.pk})
        set_aside.put("content", subject=f"campaign {campaign.pk}", error=error)
        return Unusable(
            sentence=_("The content could not be made into an email; the log says why.")
        )
    lists = Dispatch.objects.filter(campaign=campaign).values_list("lists", flat=True).first()
    audience = Audience.of(campaign, lists=lists)
    return Prepared(
        workspace=workspace.pk, version=content.version, audience=audience, compiled=compiled
    )


def _list_of(campaign: Campaign) -> tuple[str, str]:
    """Return what a reader can file the mail by, the same for every campaign (RFC 2919 §2).

    That is the one list it goes to; several lists are filed under the workspace. What a private
    list is called, nobody outside is told: it has its own label, and the workspace's name.
    """
    lists = list(campaign.include_lists.order_by("id")[:2])
    if len(lists) == 1:
        is_public = lists[0].visibility == MailingList.Visibility.PUBLIC
        return lists[0].public_id, lists[0].name if is_public else campaign.workspace.name
    return campaign.workspace.slug, campaign.workspace.name
