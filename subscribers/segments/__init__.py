"""Segments: saved rules that say who belongs to a group of people now.

`tree` is the rules as data, `kinds` the register of what they can ask, `compiling` makes one
condition of them, `members` and `estimating` answer. It may import `people` and below. Begin with
`tree`, then `members`.
"""
