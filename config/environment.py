"""Typed readers of the process environment.

Every setting comes from an environment variable, a ``NAME_FILE`` variable that names a file
holding the value (for secrets), or a ``.env`` file beside ``manage.py``. A value of the wrong
shape stops the start with one sentence that names the variable.
"""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(environ.FileAwareEnv):
    """django-environ's reader, with errors that name the variable and what was expected."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """Read and cast one variable.

        Raises:
            ImproperlyConfigured: the value is missing or has the wrong shape.
        """
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var} has a wrong value: {error}.") from error


env = Environment()
environ.Env.read_env(BASE_DIR / ".env")
