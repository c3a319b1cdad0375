"""A real SMTP server that misbehaves on request; the sandbox and the fault tests run on it."""
