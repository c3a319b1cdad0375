"""Ways out: each transport takes finished mails and reports what the server said. No database.

`protocol` holds what pipeline and transports say to each other, `choose` opens an account's
transport, `reach` says where connections may lead. It imports nothing of its neighbours but
`processes`. Begin with `protocol`.
"""
