"""The WSGI application."""

import multiprocessing
import os
import signal

from django.core.wsgi import get_wsgi_application

from config.processes import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if multiprocessing.parent_process() is not None:
    # A server process whose main process was killed has nobody who would ever stop it.
    end_with_parent(signal.SIGTERM)
application = get_wsgi_application()

import config.celery  # noqa: E402, F401 - pages put tasks into its queues
