"""What we write: templates, content versions, campaigns, scheduling, rendering, checks."""
