#!/usr/bin/env python
"""Django's command line for Warta."""

import sys

from config.runtime.commandline import main

if __name__ == "__main__":
    sys.exit(main(sys.argv))
