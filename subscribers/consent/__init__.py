"""Who agreed to what, and whom we must not write to.

`ledger` only ever grows; `lifecycle` is a subscription's way from asked to left; `suppression`
keeps the addresses that get nothing; `proof` and `ownership` say what was agreed and by whom. It
may import `addresses` and `fields`. Begin with `lifecycle`.
"""
