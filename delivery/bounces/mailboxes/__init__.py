"""Fetching returned mails by IMAP and POP3.

`dial` connects (bounded, never where `transports.reach` forbids), `imap` and `pop3` speak, `oauth`
gets access tokens, `fetching` walks a mailbox and hands each mail to `intake`, `listening` waits
for news by IDLE, `trial` tells a person whether it works. Begin with `fetching`.
"""
