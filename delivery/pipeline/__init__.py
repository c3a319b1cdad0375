"""plan → claim → render → send → record, and sweep for what a crash left behind."""
