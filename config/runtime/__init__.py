"""The product on one machine: start checks, schema, supervisor, the embedded services.

`config.run` is the entry; begin with `supervisor`, then `embedded`.
"""
