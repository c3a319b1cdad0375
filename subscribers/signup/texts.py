"""Which words a page or mail shows: the form's own, else the list's, else the product's.

A text is written for one language and shown to its readers only; readers of another language get
its variant or, where nobody wrote one, the product's own words in their language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, IntegerField, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from subscribers.models import MailingList, PublicText, SignupForm
from subscribers.signup import wording
from subscribers.signup.wording import Rendered

Kind = PublicText.Kind
MAILS = frozenset({Kind.CONFIRM_MAIL, Kind.WELCOME_MAIL})
OF_FORMS = (Kind.CONFIRM_MAIL, Kind.WELCOME_MAIL, Kind.SIGNED_UP, Kind.CONFIRMED, Kind.FOOTER)
OF_LISTS = (*OF_FORMS[:2], Kind.CONFIRMED, Kind.UNSUBSCRIBE, Kind.FOOTER)
EVERYWHERE = ("workspace_name", "lists", "postal_address", "website")
LONGEST_SUBJECT = 200
LONGEST = 5_000

Owner = SignupForm | MailingList


@dataclass(frozen=True, kw_only=True)
class Words:
    """A text and its subject, filled in for one reader."""

    subject: str
    body: Rendered


def kinds_of(owner: Owner) -> tuple[Kind, ...]:
    """Return the texts that a form or a list can have."""
    return OF_FORMS if isinstance(owner, SignupForm) else OF_LISTS


def tags_of(kind: Kind, *, fields: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the merge tags of a kind of text; ``fields`` are the workspace's custom ones.

    Before somebody has confirmed, nothing that was typed into a form may be repeated: strangers
    could mail their own words. So names and fields stand in the welcome mail only.
    """
    if kind is Kind.CONFIRM_MAIL:
        return (*EVERYWHERE, "confirm_url", "days")
    if kind is Kind.WELCOME_MAIL:
        return (*EVERYWHERE, "first_name", "last_name", "preferences_url", *fields)
    return EVERYWHERE


def explain(kind: Kind) -> str:
    """Say where a kind of text stands."""
    return {
        Kind.CONFIRM_MAIL: _(
            "Asks new people to confirm. The button and what happens without a press stand below "
            "your words in any case."
        ),
        Kind.WELCOME_MAIL: _("Goes out once, when somebody has confirmed."),
        Kind.SIGNED_UP: _("Says what comes next. Everybody sees the same, known or not."),
        Kind.CONFIRMED: _("Greets people who have just confirmed."),
        Kind.UNSUBSCRIBE: _("Appears above the unsubscribe button."),
        Kind.FOOTER: _("Appears at the bottom, beside your name and postal address."),
    }[kind]


def stored(owner: Owner, *, kind: Kind, language: str) -> PublicText | None:
    """Return an owner's own text, None where the product's words stand."""
    return PublicText.objects.filter(**_owner(owner), kind=kind, language=language).first()


def written(owner: Owner) -> set[tuple[str, str]]:
    """Return (kind, language) of everything an owner has words of its own for."""
    return set(PublicText.objects.filter(**_owner(owner)).values_list("kind", "language"))


def write(owner: Owner, *, kind: Kind, language: str, subject: str, text: str) -> None:
    """Keep an owner's words in place of the product's."""
    PublicText.objects.update_or_create(
        **_owner(owner),
        kind=kind,
        language=language,
        defaults={
            "subject": subject if kind in MAILS else "",
            "text": text,
            "changed_at": timezone.now(),
        },
    )


def forget(owner: Owner, *, kind: Kind, language: str) -> bool:
    """Go back to the product's words; False: they stood there already."""
    deleted, _rows = PublicText.objects.filter(
        **_owner(owner), kind=kind, language=language
    ).delete()
    return deleted > 0


def find(
    kind: Kind,
    *,
    language: str,
    form: SignupForm | None = None,
    lists: Iterable[MailingList] = (),
    values: Mapping[str, str],
) -> Words | None:
    """Return the words for a reader; None: the product's own stand there (one query)."""
    ids = [one.pk for one in lists]
    rows = PublicText.objects.filter(kind=kind, language=language)
    found = (
        rows.filter(form=form) | rows.filter(list__in=ids) if form else rows.filter(list__in=ids)
    )
    first = Case(
        When(form__isnull=False, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    row = found.order_by(first, "list__name", "pk").first()
    return fill(subject=row.subject, text=row.text, values=values) if row else None


def fill(*, subject: str, text: str, values: Mapping[str, str]) -> Words:
    """Fill words in for a reader."""
    return Words(subject=wording.one_line(subject, values), body=wording.render(text, values))


def _owner(owner: Owner) -> dict[str, Any]:
    return {"form": owner} if isinstance(owner, SignupForm) else {"list": owner}
