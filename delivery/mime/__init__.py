"""What a mail looks like on the wire: compiled once per content version, filled in per person.

`skeleton` turns a campaign's content into a skeleton with holes, `render` fills one person's mail
in, `recipient` reads what goes into the holes, `headers` and `quoted_printable` write text the
way mail wants it, `tokens` and `dkim` sign. It knows transports' words and nothing of accounts,
claims or the network. Begin with `skeleton`, then `render`.
"""
