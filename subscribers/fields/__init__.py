"""Custom fields: typed definitions, values, what can be wrong with one, where one is used.

The lowest package of `subscribers`. Begin with `definitions`.
"""
