"""What speaks for and against a person behind an open or a click: a bit each, kept beside it.

The bits are what was seen; `classify.decide` says what they mean. So a better rule can be applied
to what is stored (`reclassify`), and a page can show why something did not count.
"""

from enum import IntFlag

from django.utils.translation import gettext_lazy as _


class Sign(IntFlag):
    """Bits of `Event.evidence`. Never renumber; 15 bits fit."""

    HEAD = 1
    PREFETCH = 2
    NO_LANGUAGE = 4
    NO_AGENT = 8
    SOON = 16  # sooner after the hand-over than people can
    PROGRAM = 32  # it names itself as a program that nobody looks at
    GATEWAY = 64  # … as an email filter
    PRIVACY_PROXY = 128  # Apple's
    IMAGE_PROXY = 256  # Gmail's, Yahoo's: fetches when a person opens
    HIDDEN_LINK = 512
    ALL_LINKS = 1024
    NETWORK = 2048  # its network belongs to a maker of mail filters, or a data centre just after
    NO_ACCEPT = 4096
    WITH_HIDDEN_LINK = 8192  # the same message's hidden link was followed just then
    OFFICE = 16_384  # Outlook's desktop program: shows a mail to its reader, but probes links


LABELS = {
    Sign.HEAD: _("asked for headers only"),
    Sign.PREFETCH: _("loaded in advance by a browser"),
    Sign.NO_LANGUAGE: _("names no language, as every browser does"),
    Sign.NO_AGENT: _("does not say what it is"),
    Sign.SOON: _("came within two seconds of delivery"),
    Sign.PROGRAM: _("names itself as a program"),
    Sign.GATEWAY: _("names itself as an email filter"),
    Sign.PRIVACY_PROXY: _("Apple Mail Privacy Protection"),
    Sign.IMAGE_PROXY: _("image proxy of Gmail or Yahoo: loads when a person opens"),
    Sign.HIDDEN_LINK: _("followed the hidden link"),
    Sign.ALL_LINKS: _("followed every link within seconds"),
    Sign.NETWORK: _("came from the network of an email filter or data centre"),
    Sign.NO_ACCEPT: _("names no kind of content it accepts"),
    Sign.WITH_HIDDEN_LINK: _("came together with a click on the hidden link"),
    Sign.OFFICE: _("Microsoft Outlook: shows emails to people, and checks links by itself"),
}
# Seen in the request itself, and nowhere else: what a reclassification must keep.
OF_THE_REQUEST = (
    Sign.HEAD | Sign.PREFETCH | Sign.NO_LANGUAGE | Sign.NO_ACCEPT | Sign.NO_AGENT | Sign.HIDDEN_LINK
)


def labels(evidence: int) -> list[str]:
    """Say in words what was seen."""
    return [str(label) for sign, label in LABELS.items() if evidence & sign]
