"""What becomes of mail that a restored database would send again: held, asked about, decided."""
