"""What is wrong with a campaign before it is sent: red blocks, amber warns, green is fine.

Every finding says what, why, and where the way out is (`step` and `field` of the editor, or a
settings page).
"""

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from statistics import median

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from email_validator import EmailNotValidError, validate_email

from campaigns import carriers, ledger, queries
from campaigns.audience import rule, sizing
from campaigns.audience.chosen import Audience
from campaigns.audience.rule import Breakdown
from campaigns.audience.verdicts import BrokenSegmentError, people_in
from campaigns.drafts import subjects
from campaigns.findings import Finding, Level, amber, green, red
from campaigns.models import Campaign, Content
from campaigns.rendering import foreign
from campaigns.rendering.stored import findings_of
from campaigns.states import TrackingMode
from subscribers.models import MailingList, Segment
from subscribers.segments import estimating, members

FREE_MAIL = re.compile(
    r"@(gmail|googlemail|yahoo|ymail|rocketmail|outlook|hotmail|live|msn|icloud|me|aol|gmx)\.",
    re.IGNORECASE,
)
TRIED = 50  # people of the audience that the mail is rendered for
COUNTED_WHOLE = 100_000  # an audience up to here is asked for empty values as a whole
COMPARED = 5  # sent campaigns that an audience is compared with
FEW_TO_COMPARE = 50  # smaller audiences swing by chance


def findings(
    campaign: Campaign,
    division: Breakdown | None = None,
    *,
    chosen: Audience | None = None,
    is_quick: bool = False,
) -> list[Finding]:
    """Check everything; red first, then amber, then green.

    ``division`` and ``chosen`` spare queries where they are known already. ``is_quick``: for a page
    on the way, which counts no whole audience of many.
    """
    chosen = chosen or Audience.of(campaign)
    division = division or rule.count(chosen)
    content = campaign.content or Content(campaign=campaign)
    found = [
        *_audience(campaign, division, chosen, is_quick=is_quick),
        *_carrier(campaign),
        *_sender(campaign),
        *_inbox_line(content),
        *_content(campaign, content, division, chosen, is_quick=is_quick),
        *_workspace(campaign),
        *_tracking(campaign),
    ]
    return sorted(found, key=lambda finding: list(Level).index(finding.level))


def of_message(campaign: Campaign) -> list[Finding]:
    """Check only the email itself and its sender: of a send under way the audience is settled."""
    content = campaign.content or Content(campaign=campaign)
    return [
        *_sender(campaign),
        *_inbox_line(content),
        *_content(campaign, content, None, Audience.of(campaign)),
    ]


def of_carrier(campaign: Campaign) -> list[Finding]:
    """Say only which account carries it, and what is to be known of that."""
    return list(_carrier(campaign))


def blocking(
    campaign: Campaign, division: Breakdown | None = None, *, force: Collection[str] = ()
) -> list[Finding]:
    """Return what keeps a campaign from being sent, but for the codes in ``force``.

    Whoever sends asks this: the page, the command, the API.
    """
    found = findings(campaign, division)
    return [finding for finding in found if finding.blocks and finding.code not in force]


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)


def _audience(
    campaign: Campaign, division: Breakdown, chosen: Audience, *, is_quick: bool
) -> Iterator[Finding]:
    if not (chosen.include or chosen.include_segments):
        yield red(
            "no_audience",
            _("No list and no segment is chosen."),
            "audience",
            _("Choose who gets this campaign."),
        )
        return
    yield from _archived(chosen)
    yield from _segments(chosen, is_quick=is_quick)
    if not division.is_exact:
        if division.will_get:
            text = _("About %(n)s people get it.") % {"n": _number(division.will_get)}
            yield green(text, "audience")
        return  # whether nobody gets it, and whether that is unusual, is said when it is counted
    if not division.will_get:
        if division.audience:
            note = _("Everyone on the chosen lists is left out.")
        elif chosen.include_segments:
            note = _("Nobody of the lists is in the chosen segments now.")
        else:
            note = _("The chosen lists have no subscribers yet.")
        yield red("nobody", _("Nobody would get this campaign."), "audience", note)
        return
    people = ngettext("%(n)s person gets it.", "%(n)s people get it.", division.will_get)
    yield green(people % {"n": _number(division.will_get)}, "audience")
    usual = _usual_audience(campaign)
    if usual >= FEW_TO_COMPARE and not usual / 2 <= division.will_get <= usual * 2:
        yield amber(
            "unusual_audience",
            _("It goes to %(now)s; your last campaigns went to about %(usual)s.")
            % {"now": _number(division.will_get), "usual": _number(usual)},
            "audience",
            _("Make sure that these are the right lists and segments."),
        )


def _archived(chosen: Audience) -> Iterator[Finding]:
    """Name the archived lists that it would go to; one that is left out may stay."""
    gone = MailingList.objects.filter(pk__in=chosen.include).exclude(archived_at=None)
    for name in gone.order_by("name").values_list("name", flat=True):
        yield red(
            "archived_list",
            _("The list “%(name)s” is archived.") % {"name": name},
            "audience",
            _("Remove it from the audience, or restore the list."),
        )


def _segments(chosen: Audience, *, is_quick: bool) -> Iterator[Finding]:
    """Look at each segment that the audience names: readable, and somebody in it.

    Quickly, it is believed what was counted when it was saved or today.
    """
    ids = [*chosen.include_segments, *chosen.exclude_segments]
    if not ids:
        return
    named = Segment.objects.filter(workspace_id=chosen.workspace, pk__in=ids)
    for segment in named.select_related("workspace"):
        try:
            people = people_in(segment)
            counts = is_quick and members.size(segment.workspace) >= estimating.MANY
            is_empty = segment.count == 0 if counts else not people.exists()
        except BrokenSegmentError as broken:
            yield red(
                "broken_segment",
                broken.sentence,
                "audience",
                _("Fix its rules, or choose another."),
            )
            continue
        if is_empty:
            yield amber(
                "empty_segment",
                _("Nobody is in the segment “%(name)s” now.") % {"name": segment.name},
                "audience",
                _("Look at its rules, or take it out of the audience."),
            )


def _usual_audience(campaign: Campaign) -> int:
    last = ledger.sizes(campaign.workspace_id, COMPARED)
    return int(median(last)) if last else 0


def _carrier(campaign: Campaign) -> Iterator[Finding]:
    carrier = carriers.of(campaign)
    if carrier is None:
        yield red(
            "no_account",
            _("There is no sending account."),
            "accounts",
            _("Connect the server that sends your email."),
        )
    elif carrier.is_sandbox and carrier.others:
        yield amber(
            "sandbox",
            _("This goes to the sandbox inbox, not to real people."),
            "content",
            _("Choose “%(account)s” as its sending account, or let it send for %(domain)s.")
            % {"account": carrier.others[0], "domain": domain}
            if (domain := campaign.from_email.rpartition("@")[2])
            else _("Choose “%(account)s” as its sending account.") % {"account": carrier.others[0]},
            "id_sending_account",
        )
    elif carrier.is_sandbox:
        yield amber(
            "sandbox",
            _("This goes to the sandbox inbox, not to real people."),
            "accounts",
            _("Connect a sending account when you want to reach people."),
        )
    elif carrier.broken_since is not None:
        note = (
            _("Until it works again, “%(other)s” takes over.") % {"other": carrier.stands_in}
            if carrier.stands_in
            else _("Emails wait until it works again. Test the account and fix it first.")
        )
        values = {
            "account": carrier.name,
            "time": _moment(carrier.broken_since),
            "reason": carrier.trouble,
        }
        text = _("“%(account)s” has not been working since %(time)s: %(reason)s") % values
        yield amber("account_broken", text, "accounts", note)
    else:
        yield green(_("Sent through “%(account)s”.") % {"account": carrier.name}, "accounts")


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    if local.date() == timezone.localdate():
        return date_format(local, "H:i")
    return date_format(local, "DATE_FORMAT") + " " + date_format(local, "H:i")


def _sender(campaign: Campaign) -> Iterator[Finding]:
    yield from _sender_name(campaign)
    if not campaign.from_email:
        yield red(
            "no_sender",
            _("The sender's address is missing."),
            "content",
            _("Write the address that the email comes from."),
            "id_from_email",
        )
    elif not is_address(campaign.from_email):
        yield red(
            "sender_address",
            _("“%(address)s” is not an email address.") % {"address": campaign.from_email},
            "content",
            _("Correct the sender's address."),
            "id_from_email",
        )
    elif FREE_MAIL.search(campaign.from_email):
        yield amber(
            "free_mail",
            _("The sender's address belongs to a mailbox provider."),
            "content",
            _("Providers refuse mail in their name from other servers. Use your own domain."),
            "id_from_email",
        )
    else:
        name = campaign.from_name or campaign.from_email
        yield green(_("It comes from %(sender)s.") % {"sender": name}, "content")
    if campaign.reply_to and not is_address(campaign.reply_to):
        yield red(
            "reply_address",
            _("Replies would go to “%(address)s”, which is not an email address.")
            % {"address": campaign.reply_to},
            "content",
            _("Correct it, or leave it empty."),
            "id_reply_to",
        )


def _sender_name(campaign: Campaign) -> Iterator[Finding]:
    """A sender's name holds no tags: ours or another tool's would be shown to everybody."""
    found = next(foreign.found_in(campaign.from_name), None)
    if found is None and not ("{{" in campaign.from_name or "{%" in campaign.from_name):
        return
    yield red(
        "foreign_tag" if found else "tag_in_sender",
        _("The sender's name “%(name)s” holds a merge tag; readers would see it as it stands.")
        % {"name": campaign.from_name},
        "content",
        _("Write the name itself: it is the same for everybody."),
        "id_from_name",
    )


def is_address(text: str) -> bool:
    """Say whether a text is one email address that mail can come from."""
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _inbox_line(content: Content) -> Iterator[Finding]:
    if (length := subjects.length(content.subject)) > subjects.LONGEST:
        yield amber(
            "long_subject",
            _("The subject has %(n)s characters and will be cut.") % {"n": length},
            "content",
            _("Phones show about 40 characters: put what matters first."),
            "id_subject",
        )
    if not content.preheader.strip():
        yield amber(
            "no_preheader",
            _("There is no preheader."),
            "content",
            _("Without it, email apps show the first words of the email after the subject."),
            "id_preheader",
        )


def _content(
    campaign: Campaign,
    content: Content,
    division: Breakdown | None,
    chosen: Audience,
    *,
    is_quick: bool = False,
) -> Iterator[Finding]:
    people = sizing.sample(campaign, TRIED, chosen=chosen)
    most = estimating.MANY if is_quick else COUNTED_WHOLE
    is_small = division is not None and division.is_exact and division.audience <= most
    blocked = False
    may_be_empty = []
    for found in findings_of(content, people):
        blocked |= found.blocks
        if found.code == "may_be_empty" or (found.code == "empty_value" and is_small):
            may_be_empty.append(found.tag)
        else:
            yield found
    if division is not None and may_be_empty and is_small:
        counts = rule.lacking(chosen, may_be_empty)
        yield from (_lacks(tag, count, division) for tag, count in counts.items() if count)
        if people and not blocked and not any(counts.values()):
            filled = ngettext(
                "Every merge tag has a value for the %(n)s person who gets it.",
                "Every merge tag has a value for all %(n)s people who get it.",
                division.will_get,
            )
            yield green(filled % {"n": _number(division.will_get)}, "content")
    elif people and not blocked:
        tried = ngettext(
            "Every merge tag was filled for %(n)s person we tried.",
            "Every merge tag was filled for %(n)s people we tried.",
            len(people),
        )
        yield green(tried % {"n": len(people)}, "content")


def _lacks(tag: str, count: int, division: Breakdown) -> Finding:
    text = ngettext(
        "%(count)s of %(all)s people has no value for {{ %(tag)s }}.",
        "%(count)s of %(all)s people have no value for {{ %(tag)s }}.",
        count,
    ) % {"count": _number(count), "all": _number(division.will_get), "tag": tag}
    way_out = _('Add a fall-back: {{ %(tag)s|default("friend") }}.') % {"tag": tag}
    return amber("empty_value", text, "content", way_out, "id_source")


def _workspace(campaign: Campaign) -> Iterator[Finding]:
    if campaign.workspace.postal_address.strip():
        yield green(_("Unsubscribe link and postal address are in the email."), "workspace")


def _tracking(campaign: Campaign) -> Iterator[Finding]:
    mode = queries.tracking_mode(campaign)
    if mode is TrackingMode.OFF:
        yield green(_("Nothing is counted: the report will show deliveries only."), "tracking")
        return
    if mode is TrackingMode.ANONYMOUS and (campaign.track_opens or campaign.track_clicks):
        text = _("Opens and clicks are counted anonymously: nobody sees whose they were.")
        yield green(text, "tracking")
        return
    if campaign.track_opens and campaign.track_clicks:
        yield green(_("Opens and clicks are counted."), "tracking")
    elif campaign.track_opens:
        yield green(_("Opens are counted, clicks are not."), "tracking")
    elif campaign.track_clicks:
        yield green(_("Clicks are counted, opens are not."), "tracking")
    else:
        yield green(_("Nothing is counted: the report will show deliveries only."), "tracking")
