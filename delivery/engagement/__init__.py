"""What each person did with our mail: its summary, and the rules of segments that ask about it."""
