"""Mail addresses: their syntax, the key we tell them apart by, their domains and mail servers.

The lowest package but `fields`. Begin with `addresses`.
"""
