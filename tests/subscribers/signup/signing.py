"""Signing up as a browser does it."""

import re
import time

import altcha
import time_machine
from django.test import Client

from accounts.models import Workspace
from subscribers.consent import ledger
from subscribers.models import MailingList, SignupForm, Subscription
from subscribers.signup import guard, proof_of_work
from tests.delivery.public.everything import snapshot

CONFIRM = {"do": "confirm"}  # what the button of the confirmation page sends
DOUBLE, SINGLE = MailingList.OptIn.DOUBLE, MailingList.OptIn.SINGLE


def make_form(workspace: Workspace, *lists: MailingList, **fields) -> SignupForm:
    form = SignupForm.objects.create(
        workspace=workspace,
        name="Web site",
        title="Kabar kopi",
        statement=ledger.statement(workspace, text="I want these letters."),
        **fields,
    )
    form.lists.set(lists)
    return form


def opened(form, *, seconds_ago=30):
    with time_machine.travel(time.time() - seconds_ago, tick=False):
        return guard.token_for(form)


def proven(form):
    """What a browser computes."""
    made = altcha.Challenge.from_dict(proof_of_work.challenge(form))
    return altcha.Payload(challenge=made, solution=altcha.solve_challenge(made)).to_base64()


def known():
    """Everything but the figures of forms, which count everybody."""
    return {name: rows for name, rows in snapshot().items() if name != "subscribers.SignupTally"}


def send(form, email="ana@example.org", *, client=None, **more):
    data = {"email": email, "agree": "on", "token": opened(form), **more}
    return (client or Client()).post(f"/s/{form.public_id}/", data)


def statuses(email):
    rows = Subscription.objects.filter(subscriber__email_key=email)
    return {one.list.name: str(one.status) for one in rows.select_related("list")}


def link_in(message):
    return re.search(r"/confirm/\S+/", message.body)[0]
