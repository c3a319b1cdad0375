"""Providers' APIs by way of django-anymail, with an HTTP session of our own.

`catalogue` lists the providers, `backend` is the transport, `request` one mail's request,
`message` and `raw` what it carries, `verdicts` and `errors` what the answer means. Begin with
`backend`.
"""
