"""Mails that come back: fetched, taken in, read, and told to `events`.

It may import `events` and below. Begin with `reading`: from the bytes of a mail to what it says.
"""
