"""A whole workspace: the figures of its home page, and its end. Begin with `home`."""
