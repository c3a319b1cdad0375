"""The web server process with visitors who mean no good."""
