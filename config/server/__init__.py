"""The web server: connections, bodies taken in before threads are given, the application.

Begin with `web`, then `serving`.
"""
