"""Who may open a page: the workspace of its address, and the permission it needs.

It may import `team` and below. Begin with `permissions`: every view of a
workspace is wrapped in its `member`.
"""
