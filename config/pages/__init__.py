"""What all our pages share: the Jinja environment, values, forms and icons drawn, the shell.

Begin with `jinja`.
"""
