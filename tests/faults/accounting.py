"""What every fault test ends with: the server's log compared with the ledger, person by person.

Nobody is missing, nobody has it twice, in doubt are at most the mails that were on a killed
process's connections, the maintained counts equal the ledger, and the campaign ends by itself.
"""

import os
from typing import Any

import pytest

from tests.faults.conftest import Recorder
from tests.faults.product import Product

PEOPLE = int(os.environ.get("FAULTS_PEOPLE", "20000"))
LETTER = "<p>Halo {{ first_name }}, <a href='https://x.example/a'>a</a></p>" + "<p>kopi</p>" * 300
CONNECTIONS = 8  # of the account, so of all workers together


def pace(seconds: float) -> str:
    """Return the recorder's option with which a campaign takes at least so long."""
    return f"slow={seconds * CONNECTIONS / PEOPLE}"


def everyone(count: int = PEOPLE) -> set[str]:
    return {f"reader{number}@example.net" for number in range(1, count + 1)}


def check(  # noqa: PLR0913 - what may differ is named
    product: Product,
    recorder: Recorder,
    campaign: int,
    *,
    doubt: int = 0,
    skipped: int = 0,
    seconds: float = 300,
    people: int = PEOPLE,
) -> int:
    """Wait for the end and compare; returns how many are in doubt, at most ``doubt``."""
    try:
        product.until(lambda: product.status(campaign) == "sent", seconds=seconds, every=0.25)
    except TimeoutError:
        pytest.fail(str(product.command("campaign_status", str(campaign))))
    states, mails = product.states(campaign), recorder.mails()
    assert states == product.tallies(campaign)
    unknown = states.pop("unknown", 0)
    assert unknown <= doubt
    assert states.pop("skipped", 0) == skipped
    assert states == {"sent": people - unknown - skipped}
    assert [person for person, count in mails.items() if count > 1] == []
    by_state = {
        state: {email for (email,) in product.query(_PEOPLE_IN, campaign, state)}
        for state in (4, 7, 8)
    }
    assert by_state[4] <= set(mails)
    assert set(mails) <= by_state[4] | by_state[7]
    assert by_state[4] | by_state[7] | by_state[8] == everyone(people)
    return unknown


def begun(product: Product, recorder: Recorder, **account: Any) -> int:
    """Send to everybody and wait until some have it."""
    product.people(PEOPLE, port=recorder.port, **account)
    campaign = product.campaign(LETTER)
    product.until(lambda: len(recorder.mails()) > PEOPLE // 20, seconds=60, every=0.05)
    return campaign


_PEOPLE_IN = (
    "SELECT person.email FROM delivery_message message JOIN subscribers_subscriber person"
    " ON person.id = message.subscriber_id WHERE campaign_id = %s AND state = %s"
)
