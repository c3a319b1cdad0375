"""What is typed on pages about people, lists, sign-ups, imports and segments, checked."""
