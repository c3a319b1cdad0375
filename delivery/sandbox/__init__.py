"""A real SMTP server that keeps what it gets, and misbehaves on request.

`server` and `inbox` are the sandbox that ships; `smtp_server` with its session, behaviour and
record is what they and the fault tests run on; `provider_server` is the like for providers' APIs.
It imports nothing of the pipeline. Begin with `server`.
"""
