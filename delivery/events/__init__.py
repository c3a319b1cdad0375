"""News of a message after it left: delivered, bounced, complained, and what follows from it.

Whoever hears something (a provider's webhook, a returned mail, the sandbox) makes `feedback` of it;
`matching` finds the message, `applying` writes what happened and is the only one who does; whom we
write to no more says `bounce_policy`. It may import `public` and below. Begin with `feedback`, then
`applying`.
"""
