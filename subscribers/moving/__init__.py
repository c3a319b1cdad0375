"""Moving here from another tool: its files are read, checked without writing, then merged."""
