"""A real SMTP server that keeps what it gets, and misbehaves on request; what it kept, answered.

`server` and `inbox` are the sandbox that ships; `smtp_server` with its session, behaviour and
record is what they and the fault tests run on; `provider_server` is the like for providers' APIs.
A kept mail is read by `parts`, drawn by `frame`, judged by `authentication`, and answered by
`answering`. It imports nothing of the pipeline. Begin with `server`, or with `parts`.
"""
