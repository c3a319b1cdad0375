"""What readers and mail programs do with a message: collected, classified, counted, reviewed."""
