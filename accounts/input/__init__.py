"""What a request brings: rows' numbers, senders as people type them, and forms that act once.

`once` makes one act of two presses, `revisions` keeps two tabs from overwriting each other, and
`limits` counts how often somebody may do something. It imports no package of `accounts`. Begin with
`revisions`.
"""
