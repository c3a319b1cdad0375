"""What is wrong, weak or right about a campaign before it goes.

`preflight` looks at all of it, `confirmation` holds what somebody agreed to send, `linting` marks
lines while they are typed; each says `findings`. It may import every other package but
`migrate_from`. Begin with `preflight`.
"""
