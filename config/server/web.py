"""The web server process: ``python -m config.server.web``."""

import os
import resource

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("LOG_PART", "web")

MOST_FILES = 16_384


def main() -> None:
    """Serve until SIGTERM."""
    import django
    import uvicorn
    from django.conf import settings
    from uvicorn.supervisors import Multiprocess

    django.setup()
    allow_many_files()
    config = uvicorn.Config(
        "config.server.serving:application",
        host=settings.HOST,
        port=settings.PORT,
        workers=settings.WEB_WORKERS,
        http="config.server.visitors:GuardedConnection",
        ws="none",
        loop="uvloop",
        lifespan="on",
        backlog=1024,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to believe is BEHIND_PROXY's business
        timeout_keep_alive=120,  # config.server.visitors closes earlier
        timeout_graceful_shutdown=10,
    )
    if settings.WEB_WORKERS == 1:
        uvicorn.Server(config).run()
    else:
        Multiprocess(config, sockets=[config.bind_socket()]).run()


def allow_many_files() -> None:
    """Raise the limit of open files as far as we may; a visitor's connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main()
