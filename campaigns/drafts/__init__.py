"""Writing: drafts are saved in place, a version that mail was sent with is never changed.

It may import `rendering` and `lifecycle`. Begin with `content`.
"""
