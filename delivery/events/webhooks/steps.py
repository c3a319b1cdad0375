"""How to have each provider report here: short, exact, in the words of its own pages."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from delivery.states import Provider

NO_OPENS: Final = _(
    "Leave opens and clicks out: Warta counts them itself, and would only get them twice."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guide:
    """What to do at one provider. ``key`` is what its signing key is called there, "": none."""

    steps: tuple[Any, ...]
    key: Any = ""
    key_help: Any = ""


GUIDES: Final[dict[str, Guide]] = {
    Provider.AMAZON_SES: Guide(
        steps=(
            _("In Amazon SNS, create a standard topic in the region that you send from."),
            _(
                "Create a subscription to it: protocol HTTPS, endpoint the whole address above. "
                "Warta confirms it by itself within a minute."
            ),
            _(
                "In Amazon SES, open your configuration set, then Event destinations, and add this "
                "topic for: Deliveries, Hard bounces, Complaints, Delivery delays, Rejects, "
                "Rendering failures."
            ),
            _(
                "Without a configuration set: open the identity, then Notifications, choose the "
                "topic for bounces, complaints and deliveries, and switch “Include original "
                "headers” on."
            ),
        ),
    ),
    Provider.BREVO: Guide(
        steps=(
            _("In Brevo, open Transactional, then Settings, then Webhook, and add a webhook."),
            _("Enter the whole address above as the URL to call."),
            _(
                "Choose Delivered, Soft bounced, Hard bounced, Blocked, Invalid email, Error, "
                "Deferred, Complaint, Unsubscribed."
            ),
            NO_OPENS,
        ),
    ),
    Provider.MAILERSEND: Guide(
        key=_("Signing secret"),
        key_help=_("MailerSend shows it on the webhook's own page."),
        steps=(
            _("In MailerSend, open Domains, then your domain, then Webhooks, and add one."),
            _(
                "Enter the address above, and choose Delivered, Soft bounced, Hard bounced, "
                "Unsubscribed, Spam complaint."
            ),
            _("Copy the signing secret of the webhook into the field below."),
            NO_OPENS,
        ),
    ),
    Provider.MAILGUN: Guide(
        key=_("HTTP webhook signing key"),
        key_help=_(
            "Account settings, then API security. Old accounts sign with the API key; "
            "then leave this empty."
        ),
        steps=(
            _("In Mailgun, open Send, then Sending, then Webhooks, and choose your domain."),
            _(
                "Add a webhook with the address above for each of: Delivered, Permanent failure, "
                "Temporary failure, Spam complaints, Unsubscribes."
            ),
            _("Copy the HTTP webhook signing key into the field below."),
        ),
    ),
    Provider.MAILJET: Guide(
        steps=(
            _("In Mailjet, open Account settings, then Event notifications (webhooks)."),
            _(
                "Enter the whole address above for Sent, Bounce, Blocked, Spam and Unsub, and "
                "choose “Group events” for each."
            ),
            NO_OPENS,
        ),
    ),
    Provider.MAILTRAP: Guide(
        key=_("Signing secret"),
        key_help=_("Mailtrap shows it when the webhook is made. Without it, the password counts."),
        steps=(
            _("In Mailtrap, open Settings, then Webhooks, and create one for email sending."),
            _(
                "Enter the whole address above, payload format JSON, and choose Delivery, Bounce, "
                "Soft bounce, Suspension, Unsubscribe, Spam complaint, Reject."
            ),
            NO_OPENS,
        ),
    ),
    Provider.MANDRILL: Guide(
        key=_("Webhook key"),
        key_help=_("Mandrill shows it in the list of webhooks, once the webhook is there."),
        steps=(
            _("In Mandrill, open Settings, then Webhooks, and add a webhook."),
            _(
                "Choose Message is delayed, soft-bounced, hard-bounced, marked as spam, rejected, "
                "and Recipient unsubscribes. Enter the address above as it is."
            ),
            _("Copy the key of the webhook into the field below."),
            NO_OPENS,
        ),
    ),
    Provider.POSTAL: Guide(
        key=_("Public key of your Postal"),
        key_help=_(
            "What stands between the lines BEGIN and END of the public key of signing.key; "
            "“postal default-dkim-record” prints it after p=."
        ),
        steps=(
            _("In Postal, open your mail server, then Webhooks, and add a webhook."),
            _(
                "Enter the address above, and choose MessageSent, MessageDelayed, "
                "MessageDeliveryFailed, MessageHeld, MessageBounced."
            ),
            _("Enter the public key of your Postal below."),
        ),
    ),
    Provider.POSTMARK: Guide(
        steps=(
            _("In Postmark, open your server, then the message stream, then Webhooks."),
            _(
                "Add a webhook with the whole address above, and choose Delivery, Bounce, Spam "
                "complaint, Subscription change."
            ),
            NO_OPENS,
        ),
    ),
    Provider.RESEND: Guide(
        key=_("Signing secret"),
        key_help=_("It begins with whsec_. Without it, the password counts."),
        steps=(
            _("In Resend, open Webhooks and add an endpoint with the whole address above."),
            _(
                "Choose email.delivered, email.delivery_delayed, email.bounced, email.complained, "
                "email.failed."
            ),
            _("Copy the signing secret of the webhook into the field below."),
        ),
    ),
    Provider.SCALEWAY: Guide(
        steps=(
            _("In Scaleway, open Topics and Events and create a topic."),
            _(
                "Create a subscription to it: protocol HTTPS, endpoint the address above. Warta "
                "confirms it by itself within a minute."
            ),
            _(
                "In Transactional Email, open your domain, then Webhooks, and add one with this "
                "topic for delivered, dropped, deferred, spam, mailbox not found, blocklisted."
            ),
        ),
    ),
    Provider.SENDGRID: Guide(
        key=_("Verification key"),
        key_help=_(
            "Mail settings, Event webhook, Signed event webhook. Without it, the password counts."
        ),
        steps=(
            _("In SendGrid, open Settings, then Mail settings, then Event webhooks; create one."),
            _(
                "Enter the whole address above, and choose Delivered, Deferred, Bounced, Dropped, "
                "Spam reports, Unsubscribed, Group unsubscribes."
            ),
            _("Switch “Signed event webhook” on, save, and copy the key into the field below."),
            NO_OPENS,
        ),
    ),
    Provider.SPARKPOST: Guide(
        steps=(
            _("In SparkPost, open Configuration, then Webhooks, and create one."),
            _("Enter the address above, and under Authentication the user name and the password."),
            _(
                "Choose Bounce, Delivery, Delay, Spam complaint, Out of band, Policy rejection, "
                "Generation failure, List and Link unsubscribe."
            ),
        ),
    ),
    Provider.UNISENDER_GO: Guide(
        steps=(
            _("In Unisender Go, open Settings, then Webhooks, and add one with the address above."),
            _(
                "Choose Delivered, Soft bounced, Hard bounced, Unsubscribed, Spam. It is signed "
                "with the API key of this account."
            ),
        ),
    ),
}
