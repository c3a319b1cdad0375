"""Our SMTP client: many connections, one selector, never idle while there is something to say.

`transport` is what the pipeline opens; `run` is one send, `session` a connection with its mails,
`connection` and `opening` the way to it; `reply` reads answers and judges them. Begin with
`transport`, then `run`.
"""
