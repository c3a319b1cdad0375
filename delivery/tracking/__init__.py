"""What readers and mail programs do with a message: collected, classified, counted, reviewed.

A view notes a hit (`collect`, `hits`), `ingest` brings it into the ledger by `classify` and
`counting`, `review` looks again later; `engagement` adds up per person and `engagement_rules`
lets segments ask. `links` says where a click leads. It may import `pipeline` and below. Begin
with `collect`, then `ingest`.
"""
