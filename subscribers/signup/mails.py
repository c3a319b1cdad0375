"""Mails around a sign-up, in the reader's language and, where a member wrote some, their words."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.translation import override

from accounts.mails import system_mail
from accounts.mails.mail import compose
from accounts.models import Membership, SystemMail, Workspace
from accounts.roles import Role
from accounts.workspaces.workspace_urls import in_workspace, outside
from subscribers.consent import ownership
from subscribers.fields import definitions
from subscribers.models import CustomField, MailingList, SignupForm, Subscriber
from subscribers.signup import brake as signup_brake
from subscribers.signup import signup, texts, visitors
from subscribers.signup.signup import CONFIRM_DAYS, SignupMail
from subscribers.signup.texts import Kind, Words


def register() -> None:
    """Say how these mails are written when they go."""
    system_mail.register(SystemMail.Kind.SIGN_UP, lambda **letter: write(SignupMail(**letter)))
    system_mail.register(SystemMail.Kind.OWNER_LINK, owner_link)
    system_mail.register(SystemMail.Kind.SIGN_UPS_HELD, brake_news)


def put(letter: SignupMail, asked_at: datetime | None = None, *, may_wait: bool = False) -> None:
    """Write down in the caller's transaction that a mail is to be sent; see `system_mail`.

    ``may_wait``: it is one of many that a member asked for, and nobody waits for it at a page.
    """
    workspaces = SignupForm.objects.filter(pk=letter.form_id).values_list("workspace_id", flat=True)
    system_mail.put(
        SystemMail.Kind.SIGN_UP,
        workspace=workspaces.first(),
        person=letter.subscriber_id,
        may_wait=may_wait,
        asked_at=asked_at,
        **asdict(letter),
    )


def put_many(letter: SignupMail) -> None:
    """Write down one of the many mails that a member asked for."""
    put(letter, may_wait=True)


def put_owner_link(person: Subscriber, *, message_id: int | None, language: str) -> None:
    """Write down that a person is to get the link to their own settings and data."""
    system_mail.put(
        SystemMail.Kind.OWNER_LINK,
        workspace=person.workspace_id,
        person=person.pk,
        subscriber_id=person.pk,
        message_id=message_id,
        language=language,
    )


def put_brake_news(workspace_id: int) -> None:
    """Write down that the owners and admins are to hear that sign-ups without proof are held."""
    members = Membership.objects.filter(
        workspace=workspace_id, role__in=[Role.OWNER, Role.ADMIN], user__is_active=True
    )
    for member in members.order_by("pk"):
        system_mail.put(
            SystemMail.Kind.SIGN_UPS_HELD, workspace=workspace_id, membership_id=member.pk
        )


def write(letter: SignupMail) -> EmailMultiAlternatives | None:
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
    letter: SignupMail,
    person: Subscriber,
    form: SignupForm,
    lists: list[MailingList],
    language: str,
) -> EmailMultiAlternatives:
    values = values_of(form.workspace, lists)
    context = _context(form.workspace, values["lists"])
    footer = texts.find(Kind.FOOTER, language=language, form=form, lists=lists, values=values)
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
    own = kind and texts.find(kind, language=language, form=form, lists=lists, values=values)
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


def brake_news(membership_id: int) -> EmailMultiAlternatives | None:
    """Write to an owner or admin that the brake is on; None when it is off again, or they left."""
    member = (
        Membership.objects.filter(
            pk=membership_id, role__in=[Role.OWNER, Role.ADMIN], user__is_active=True
        )
        .select_related("user", "workspace")
        .first()
    )
    brake = signup_brake.pulled(member.workspace_id) if member else None
    if member is None or brake is None:
        return None
    context = _context(member.workspace, "") | {
        "url": settings.SITE_URL + in_workspace(member.workspace, "signup_held"),
        "mailed": brake.mailed,
        "confirmed": brake.confirmed,
        "footer": None,
    }
    language = member.user.language or member.workspace.default_language
    subject, text, html = compose("signups_held", context, language)
    mail = EmailMultiAlternatives(subject, text, to=[member.user.email])
    mail.attach_alternative(html, "text/html")
    mail.workspace_id = member.workspace_id  # type: ignore[attr-defined]  # see delivery.system_mail.email_backend
    return mail


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
            field.key.replace("-", "_"): definitions.display(
                definitions.shape(field), person.fields.get(field.key)
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
