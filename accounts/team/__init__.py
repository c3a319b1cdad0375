"""Who belongs to a workspace: invitations, roles, API keys, and what ends with them.

It may import `workspaces` and below. Begin with `team`.
"""
