"""One campaign: while it is sent, how it went, who got it, who did not and why.

Begin with `live` and `recipients`.
"""
