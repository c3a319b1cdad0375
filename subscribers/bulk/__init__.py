"""Actions on many people: begun by a member, done in batches, cancelled or undone.

`actions` is what members begin, `runner` does it by `action_kinds`; `field_changes` and
`key_changes` follow a field's changes through all that uses it. It may import `directory`,
`privacy` and below. Begin with `actions`.
"""
