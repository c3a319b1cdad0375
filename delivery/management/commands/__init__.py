"""Commands of sending: a stable interface for scripts and cron."""
