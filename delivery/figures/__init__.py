"""Figures of sending that pages and programs read: a campaign's ledger, its rate, its replies.

Only reads, cheap at any size. Begin with `ledgers`.
"""
