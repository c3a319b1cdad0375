"""Forgetting: a person on request, everybody's traces when a workspace says so.

`erasure` reaches whatever names a person, `retention` keeps the workspace's terms. It may import
everything but `bulk`. Begin with `erasure`.
"""
