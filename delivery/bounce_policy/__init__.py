"""What bounces do to the people they are about: when we write to an address no more.

Whoever learns of a refusal (the pipeline from a server's answer, `events` from what came back)
tells `following`; `rules` are a workspace's numbers and exceptions, `runs` counts bounces in a row,
`guard` keeps a mailbox provider that refuses everybody from emptying a list, `trying` says what
other numbers would do. It may import `accounts` and below. Begin with `following`.
"""
