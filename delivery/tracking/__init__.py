"""What readers and mail programs do with a message: collected, classified, counted, reviewed.

The web process notes hits (`writer`, `spool`; a view by `collect`), `ingest` brings them into the
ledger by `modes`, `classify` and `counting`, `review` looks again later; `engagement` and
`person_devices` add up per person and `engagement_rules` and `device_rules` let segments ask.
`links` and `destinations` say where a click leads. It may import `pipeline` and below. Begin with
`hits`, then `ingest`.
"""
