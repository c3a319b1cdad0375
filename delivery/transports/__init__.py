"""Ways out: each transport takes finished mails and reports what the server said. No database."""
