"""Moving here from another tool."""
