"""One campaign's way out: plan, claim, render, hand over, record; sweep up after crashes.

`plan` writes a row per recipient; `worker` picks by `next_campaign` and has a `sender` per sending
account; a sender claims (`claim`), hands a `batch` over and records (`record`); `journal` remembers
what was on the wire; `requeue`, `sweep` and `settle` look after what came back or got lost. It
may import `accounts`, `mime`, `transports` and `limits`. Begin with `plan`, then `worker`.
"""
