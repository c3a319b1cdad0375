"""Proof of work: good for one form, once, for a while."""

import base64
import json
import time

import altcha
import pytest
import time_machine

from subscribers.models import MailingList
from subscribers.signup import proof_of_work
from tests.subscribers.signup.signing import make_form, proven


def test_a_proof_is_spent_by_its_first_use(form):
    answer = proven(form)
    assert proof_of_work.is_proof(form, answer)
    assert not proof_of_work.is_proof(form, answer)


def test_a_proof_for_another_form_proves_nothing(form, other_workspace):
    other = make_form(
        other_workspace, MailingList.objects.create(workspace=other_workspace, name="Teh")
    )
    answer = proven(other)
    assert not proof_of_work.is_proof(form, answer)
    assert proof_of_work.is_proof(other, answer)


def test_a_proof_gets_old(form):
    answer = proven(form)
    with time_machine.travel(time.time() + proof_of_work.GOOD_FOR + 5):
        assert not proof_of_work.is_proof(form, answer)


def changed(answer, change):
    data = json.loads(base64.b64decode(answer))
    change(data)
    return base64.b64encode(json.dumps(data).encode()).decode()


def easier(data):
    data["challenge"]["parameters"]["cost"] = 1


def other_form(data):
    data["challenge"]["parameters"]["data"] = {"form": "mine"}


def unsigned(data):
    data["challenge"]["signature"] = None


def wrong_key(data):
    data["solution"]["derivedKey"] = "00" * 32


def untyped(data):
    data["solution"]["derivedKey"] = ["x"]
    data["challenge"]["parameters"]["expiresAt"] = "never"


@pytest.mark.parametrize("change", [easier, other_form, unsigned, wrong_key, untyped])
def test_a_changed_answer_proves_nothing(form, change):
    assert not proof_of_work.is_proof(form, changed(proven(form), change))


@pytest.mark.parametrize("answer", ["", "x", "e30=", "bnVsbA==", "W10=", "é", "A" * 5_000])
def test_what_is_no_answer_proves_nothing(form, answer):
    assert not proof_of_work.is_proof(form, answer)


def test_the_prefix_alone_is_not_the_answer(form):
    """The challenge names half of the key; only who did the work knows the other half."""
    challenge = proof_of_work.challenge(form)
    guess = {
        "challenge": challenge,
        "solution": {
            "counter": 7,
            "derivedKey": challenge["parameters"]["keyPrefix"].ljust(64, "0"),
        },
    }
    assert not proof_of_work.is_proof(form, base64.b64encode(json.dumps(guess).encode()).decode())


def test_it_is_harder_while_the_brake_is_on(form):
    easy = altcha.Challenge.from_dict(proof_of_work.challenge(form))
    hard = altcha.Challenge.from_dict(proof_of_work.challenge(form, is_hard=True))
    assert altcha.solve_challenge(easy).counter < 10
    assert altcha.solve_challenge(hard).counter >= 20
