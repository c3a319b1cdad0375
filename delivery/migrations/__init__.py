"""Schema history of delivery."""
