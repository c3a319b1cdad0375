"""Sending accounts: set up, chosen, signed for, watched while their server is in trouble.

`setup` makes them, `routing` chooses, `breaker` leaves a server in trouble alone, `dkim_keys`
keeps signing keys, `account_status` and `advice` tell people how things are. It may import
`limits`, `mime` and `transports`. Begin with `routing`.
"""
