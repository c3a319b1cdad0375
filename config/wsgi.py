"""The WSGI application."""

import multiprocessing
import os
import signal

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.runtime.processes import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if multiprocessing.parent_process() is not None:
    # A server process whose main process was killed has nobody who would ever stop it.
    end_with_parent(signal.SIGTERM)
application = get_wsgi_application()

import config.celery  # noqa: E402, F401 - pages put tasks into its queues
from campaigns.rendering import isolation  # noqa: E402 - after Django is set up

isolation.serve_pages(threads=settings.WEB_THREADS)
