"""Mails around a sign-up, in the reader's language and, where a member wrote some, their words."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.translation import override

from accounts.mail import compose
from accounts.models import Membership, Workspace
from accounts.roles import Role
from accounts.workspace_urls import in_workspace, outside
from subscribers import fields, ownership, public_texts, signup, signup_brake, visitors
from subscribers.models import CustomField, MailingList, SignupForm, Subscriber
from subscribers.public_texts import Kind, Words
from subscribers.signup import CONFIRM_DAYS, Letter


def write(letter: Letter) -> EmailMultiAlternatives | None:
    """Write a letter; None when its person or form is gone.

    Nothing that was typed into the form is repeated before the person has confirmed: strangers
    could mail their own words.
    """
    person = Subscriber.objects.filter(pk=letter.subscriber_id).select_related("workspace").first()
    form = SignupForm.objects.filter(pk=letter.form_id).select_related("workspace").first()
    if person is None or form is None or person.workspace_id != form.workspace_id:
        return None
    lists = list(form.lists.filter(archived_at=None).order_by("name"))
    if letter.lists:
        lists = [one for one in lists if one.pk in letter.lists] or lists
    language = visitors.language_of(person=person, lists=lists, form=form, read=letter.language)
    with override(language):
        return _mail(letter, person, form, lists, language)


def _mail(
    letter: Letter,
    person: Subscriber,
    form: SignupForm,
    lists: list[MailingList],
    language: str,
) -> EmailMultiAlternatives:
    values = values_of(form.workspace, lists)
    context = _context(form.workspace, values["lists"])
    footer = public_texts.find(
        Kind.FOOTER, language=language, form=form, lists=lists, values=values
    )
    context |= {"days": CONFIRM_DAYS, "footer": footer}
    url = settings.SITE_URL
    kind: Kind | None = None
    if letter.token:
        template, kind = "confirm_subscription", Kind.CONFIRM_MAIL
        url += outside("public_confirm", letter.token)
        values |= {"confirm_url": url, "days": str(CONFIRM_DAYS)}
    else:
        url += outside("preferences", ownership.link_token(person))
        template = "already_subscribed"
        if letter.is_welcome:
            template, kind = "welcome", Kind.WELCOME_MAIL
            values |= personal_values(person) | {"preferences_url": url}
    own = kind and public_texts.find(kind, language=language, form=form, lists=lists, values=values)
    context |= {"url": url, "own": own}
    mail = _letter(template, context, person, language, own or None)
    if letter.token:  # so that the proof of consent can name the mail that was confirmed
        mail.extra_headers["Message-ID"] = signup.mail_id(letter.token)
    return mail


def owner_link(
    subscriber_id: int, *, message_id: int | None, language: str
) -> EmailMultiAlternatives | None:
    """Write the mail with the link to one's own settings and data; None when they are gone."""
    person = Subscriber.objects.filter(pk=subscriber_id).select_related("workspace").first()
    if person is None:
        return None
    token = ownership.link_token(person, message_id=message_id)
    context = _context(person.workspace, "") | {
        "url": settings.SITE_URL + outside("preferences", token),
        "minutes": ownership.GOOD_FOR // 60,
        "footer": None,
    }
    return _letter("owner_link", context, person, person.language or language, None)


def brake_news(workspace_id: int) -> Iterator[EmailMultiAlternatives]:
    """Write to each owner and admin that the brake is on."""
    brake = signup_brake.pulled(workspace_id)
    if brake is None:
        return
    workspace = Workspace.objects.get(pk=workspace_id)
    members = Membership.objects.filter(
        workspace=workspace, role__in=[Role.OWNER, Role.ADMIN], user__is_active=True
    ).select_related("user")
    for member in members:
        context = _context(workspace, "") | {
            "url": settings.SITE_URL + in_workspace(workspace, "signup_held"),
            "mailed": brake.mailed,
            "confirmed": brake.confirmed,
            "footer": None,
        }
        language = member.user.language or workspace.default_language
        subject, text, html = compose("signups_held", context, language)
        mail = EmailMultiAlternatives(subject, text, to=[member.user.email])
        mail.attach_alternative(html, "text/html")
        mail.workspace_id = workspace_id  # type: ignore[attr-defined]  # see delivery.mail_backend
        yield mail


def values_of(workspace: Workspace, lists: list[MailingList]) -> dict[str, str]:
    """Return the merge tags that stand everywhere."""
    return {
        "workspace_name": workspace.name,
        "postal_address": workspace.postal_address,
        "website": workspace.website,
        "lists": ", ".join(one.name for one in lists),
    }


def personal_values(person: Subscriber) -> dict[str, str]:
    """Return the merge tags about a person, in the language in use."""
    known = CustomField.objects.filter(workspace_id=person.workspace_id)
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        **{
            field.key.replace("-", "_"): fields.display(
                fields.shape(field), person.fields.get(field.key)
            )
            for field in known
        },
    }


def _context(workspace: Workspace, names: str) -> dict[str, Any]:
    return {
        "workspace": workspace.name,
        "postal_address": workspace.postal_address,
        "brand_colour": workspace.brand_colour,
        "lists": names,
    }


def _letter(
    template: str, context: dict[str, Any], person: Subscriber, language: str, own: Words | None
) -> EmailMultiAlternatives:
    subject, text, html = compose(template, {"own": own, **context}, language)
    mail = EmailMultiAlternatives(own.subject if own and own.subject else subject, text)
    mail.to = [person.email]
    mail.attach_alternative(html, "text/html")
    # Django's mail API has no word for it; the mail backend sends over this workspace's account.
    mail.workspace_id = person.workspace_id  # type: ignore[attr-defined]
    return mail
