"""What keeps programs and mischief away from sign-up forms, without asking people for anything.

A form is opened, then filled in: its token says which form was opened and when. A form embedded in
another site can't know when, so its token says only which form; everything else holds for it too.
Limits are kept in Redis per address, per network and per form.
"""

from enum import Enum

from django.core import signing

from accounts.input.limits import Limit, within
from accounts.models import Workspace
from subscribers.addresses import addresses
from subscribers.addresses.addresses import Address
from subscribers.models import SignupForm
from subscribers.people import duplicates
from subscribers.signup import visitors

OPENED_SALT = "subscribers.signup.opened"
EMBED_SALT = "subscribers.signup.embed"
SOONEST = 2  # seconds between opening a form and sending it
LONGEST = 86_400


class Token(Enum):
    """What a form's token says."""

    GOOD = "good"
    TOO_SOON = "too_soon"
    TOO_OLD = "too_old"
    FOREIGN = "foreign"  # of another form or workspace, damaged, or missing


PER_ADDRESS = Limit(most=3, seconds=3_600)
PER_NETWORK = Limit(most=30, seconds=600)
PER_FORM = Limit(most=1_000, seconds=600)


def token_for(form: SignupForm) -> str:
    """Make the token of a form that is being opened now."""
    return signing.TimestampSigner(salt=OPENED_SALT).sign(form.public_id)


def embed_token(form: SignupForm) -> str:
    """Make the token of a form's HTML for other sites; it stays good as long as the form."""
    return signing.Signer(salt=EMBED_SALT).sign(form.public_id)


def is_embed_token(token: str) -> bool:
    """Tell a token for other sites' HTML from one of our own page, whatever form it is for."""
    try:
        signing.Signer(salt=EMBED_SALT).unsign(token)
    except signing.BadSignature:
        return False
    return True


def examine(form: SignupForm, token: str) -> Token:
    """Say whether a token was made for this form, and not too soon or too long ago."""
    try:
        if signing.Signer(salt=EMBED_SALT).unsign(token) == form.public_id:
            return Token.GOOD
    except signing.BadSignature:
        pass
    signer = signing.TimestampSigner(salt=OPENED_SALT)
    try:
        if signer.unsign(token) != form.public_id:
            return Token.FOREIGN
        signer.unsign(token, max_age=LONGEST)
    except signing.SignatureExpired:
        return Token.TOO_OLD
    except signing.BadSignature:
        return Token.FOREIGN
    try:
        signer.unsign(token, max_age=SOONEST)
    except signing.SignatureExpired:
        return Token.GOOD
    return Token.TOO_SOON


def admits(form: SignupForm, *, ip: str) -> bool:
    """Count a sign-up against its network and its form; False when there were too many."""
    network = visitors.network_of(ip)
    here = not network or _within(PER_NETWORK, f"network:{form.workspace_id}:{network}")
    return here and _within(PER_FORM, f"form:{form.pk}")


def may_write_to(workspace: Workspace, address: Address) -> bool:
    """Count a mail to an address; False when it had enough. Nobody is told so on the page.

    All spellings that lead to one mailbox count together: a stranger may think of many.
    """
    mailbox = duplicates.mailbox(address.key)
    digest = addresses.address_hash(mailbox, secret=bytes(workspace.address_key))
    return _within(PER_ADDRESS, f"address:{digest.hex()}")


def _within(limit: Limit, what: str) -> bool:
    return within(limit, f"signup:{what}")
