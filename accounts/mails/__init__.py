"""Warta's own mails: written from a template, kept as rows until they went.

It may import `installation`. Begin with `system_mail`.
"""
