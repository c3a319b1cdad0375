"""The one settings module. Values that differ between machines come from `config.environment`."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from csp import constants as csp
from django.utils.translation import gettext_lazy as _

from config import addresses, broker, logs, secret_key, storages
from config.environment import BASE_DIR, env
from config.runtime import embedded

# Lets classes be written with the type they hold (ModelForm[Workspace]); no effect but that.
django_stubs_ext.monkeypatch()

DEBUG = env.flag("DEBUG", default=False)
LOG_FORMAT = env.one_of("LOG_FORMAT", default="console", choices=("console", "json"))
LOGGING_CONFIG = "config.logs.configure"
LOGGING = logs.settings(LOG_FORMAT)
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.whole("PORT", default=8000, least=1, most=65535)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).expanduser().absolute()
# A part of the product (LOG_PART) knows where it listens; a command beside it has to be told.
IS_COMMAND = not any(env.str(name, default="") for name in ("LOG_PART", "HOST", "PORT"))
SITE_URL = env.site_url(
    "SITE_URL",
    default=(IS_COMMAND and addresses.kept_url(DATA_DIR)) or addresses.default_url(HOST, PORT),
)
WORKERS = env.whole("WORKERS", default=0, least=0, most=256)  # sending processes; 0: per core
WEB_WORKERS = env.whole("WEB_WORKERS", default=1, least=1, most=64)  # web server processes
WEB_THREADS = env.whole("WEB_THREADS", default=3, least=1, most=256)  # threads in each of them
SMTP_URL = env.smtp_url("SMTP_URL")
DEFAULT_FROM = env.sender("DEFAULT_FROM")
DEMO = env.flag("DEMO", default=True)  # fill a demo workspace on the very first start
SANDBOX_HOST = env.str("SANDBOX_HOST", default="127.0.0.1")
SANDBOX_LISTEN = env.str("SANDBOX_LISTEN", default=SANDBOX_HOST)
SANDBOX_PORT = env.whole("SANDBOX_PORT", default=0, least=1, most=65535) or addresses.kept_port(
    DATA_DIR
)
# Where our own server takes bounces for the return-path domain by SMTP; port 0: it is not run.
BOUNCE_LISTEN = env.str("BOUNCE_LISTEN", default="127.0.0.1")
BOUNCE_PORT = env.whole("BOUNCE_PORT", default=0, least=1, most=65535)
BOUNCE_CERTIFICATE = env.str("BOUNCE_CERTIFICATE", default="")  # PEM, for STARTTLS
BOUNCE_KEY = env.str("BOUNCE_KEY", default="")

# An rspamd that the sandbox inbox may ask for a spam score: http://127.0.0.1:11333.
RSPAMD_URL = env.service_url(
    "RSPAMD_URL", schemes=("http", "https"), example="http://127.0.0.1:11333"
)
RSPAMD_PASSWORD = env.str("RSPAMD_PASSWORD", default="")

# Seconds to wait after the first, second, … temporary failure of a mail, and for how long to try.
RETRY_AFTER = env.seconds("RETRY_AFTER", default=[60, 300, 900, 1800, 3600, 7200, 14_400])
RETRY_FOR = timedelta(hours=env.float("RETRY_FOR_HOURS", default=48.0))

# Hosts of one's own network that may be entered as a provider's address, such as an own Postal.
OWN_PROVIDERS = env.list("OWN_PROVIDERS", default=[])
# Whom to ask for signing keys and whether people's domains take mail; none: whom this machine asks.
DNS_SERVERS = env.list("DNS_SERVERS", default=[])
DNS_PORT = env.whole("DNS_PORT", default=53, least=1, most=65535)
# MaxMind files that say whose network an address belongs to (ASN), and in which country it is.
NETWORKS_FILE = env.str("NETWORKS_FILE", default="")
COUNTRIES_FILE = env.str("COUNTRIES_FILE", default="")
# Who may make workspaces: everybody who is signed in, or only administrators of the installation
# (and owners of a workspace).
ANYBODY_MAKES_WORKSPACES = env.flag("ANYBODY_MAKES_WORKSPACES", default=False)

# Where `manage.py backup` and the beat bring backups: a folder, or s3://bucket/prefix.
BACKUP_TO = env.str("BACKUP_TO", default="")
BACKUP_EVERY = timedelta(hours=env.float("BACKUP_EVERY_HOURS", default=0.0))  # 0: by hand only
BACKUP_KEEP = env.whole("BACKUP_KEEP", default=14, least=1, most=10_000)
BACKUP_PASSWORD = env.str("BACKUP_PASSWORD", default="")
BACKUP_S3_ENDPOINT = env.str("BACKUP_S3_ENDPOINT", default="")  # empty: Amazon's

# How long what providers reported is kept as they said it, and how large one request may be.
WEBHOOK_DAYS = env.whole("WEBHOOK_DAYS", default=30, least=1, most=3_650)
WEBHOOK_MAX_BYTES = env.whole("WEBHOOK_MAX_MB", default=8, least=1, most=100) * 1_000_000

SECRET_KEY = secret_key.load(env, DATA_DIR)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[]) or addresses.allowed_hosts(
    host=HOST, site_url=SITE_URL, is_given=bool(env.str("SITE_URL", default=""))
)
SECURE_COOKIES = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
# Browsers share cookies between ports: two installations on one machine keep theirs apart.
COOKIE_SUFFIX = f"_{urlsplit(SITE_URL).port}" if urlsplit(SITE_URL).port else ""
SESSION_COOKIE_NAME = f"warta_session{COOKIE_SUFFIX}"
CSRF_COOKIE_NAME = f"warta_csrf{COOKIE_SUFFIX}"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])
BEHIND_PROXY = env.flag("BEHIND_PROXY", default=False)  # one that sets X-Forwarded-For and -Proto
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_COOKIES else 0
X_FRAME_OPTIONS = "SAMEORIGIN"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None  # the system's (TMPDIR)
IMPORT_MAX_BYTES = env.whole("IMPORT_MAX_MB", default=500, least=1, most=100_000) * 1_000_000
IMPORT_MAX_COLUMNS = 300
PICTURE_MAX_BYTES = env.whole("PICTURE_MAX_MB", default=25, least=1, most=200) * 2**20
PICTURES_MAX_BYTES = 4 * PICTURE_MAX_BYTES  # of one request, by browsers without a script
# What all pictures of a workspace may take.
MEDIA_QUOTA_BYTES = env.whole("MEDIA_QUOTA_MB", default=2_048, least=1, most=10**8) * 2**20
# Where pictures lie: empty (DATA_DIR/media/pictures), or s3://bucket/prefix.
MEDIA_TO = env.storage("MEDIA_TO")
MEDIA_S3_ENDPOINT = env.str("MEDIA_S3_ENDPOINT", default="")  # empty: Amazon's

INSTALLED_APPS = [
    "accounts",
    "subscribers",
    "campaigns",
    "delivery",
    "reports",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "delivery.views.tracking.TrackingShortcut",
    "delivery.views.webhooks.WebhookShortcut",
    "config.middleware.LivenessMiddleware",
    "campaigns.views.pictures.PictureShortcut",
    "config.middleware.RequestLogMiddleware",
    "accounts.access.middleware.WorkspaceAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.NulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.PrivateMiddleware",
    "accounts.access.middleware.PreferencesMiddleware",
    "config.middleware.RefusedBodyMiddleware",
    "accounts.access.middleware.WorkspaceMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "config.pages.jinja.environment",
            "context_processors": [
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.pages.jinja.page_context",
            ],
        },
    },
    {
        # The admin and the libraries' own pages only; ours are Jinja.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates_django"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
FORM_RENDERER = "config.pages.forms.FormRenderer"
FORMS_URLFIELD_ASSUME_HTTPS = True

DATABASES = {
    "default": {
        **(
            env.db("DATABASE_URL")
            if env.service_url(
                "DATABASE_URL",
                schemes=("postgres", "postgresql"),
                example="postgresql://user:password@host:5432/name",
            )
            else embedded.database_settings(DATA_DIR)
        ),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    },
}
DATABASES["default"]["ENGINE"] = "config.postgresql"
# Pages don't wait for ever for a frozen database; workers may have long statements.
DATABASE_PATIENCE = env.whole("DATABASE_PATIENCE", default=60, least=1, most=3600)  # seconds
if os.environ.get("LOG_PART") == "web":
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": min(10, DATABASE_PATIENCE),
        **DATABASES["default"].get("OPTIONS", {}),
        "patience": DATABASE_PATIENCE,
    }
# Whether the database lies in DATA_DIR, so that a copy of the folder is a copy of the database.
DATABASE_IS_EMBEDDED = DATABASES["default"].get("HOST") == str(embedded.places(DATA_DIR).sockets)
MARKS_DIR = DATA_DIR  # for the mark by which a database that went back in time is noticed
REDIS_URL = env.service_url(
    "REDIS_URL", schemes=("redis", "rediss", "unix"), example="redis://user:password@host:6379/0"
) or embedded.redis_url(DATA_DIR)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "config.forgiving_cache.ForgivingCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    },
}

CELERY_BROKER_URL = broker.url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# What is not acknowledged for so long (seconds) is handed out once more. So nothing waits in the
# broker (no countdown, no retry: waiting is a row with ``not_before``), and no task that is
# acknowledged at its end lasts longer.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300}
# What takes as long as there are people has its own processes; all other tasks last seconds.
LONG_TASKS = (
    "accounts.tasks.back_up",
    "delivery.tasks.fetch_mailbox",
    "delivery.tasks.forget_feedback",
    "delivery.tasks.forget_origins",
    "delivery.tasks.forget_provider_events",
    "delivery.tasks.forget_returned",
    "delivery.tasks.replay_returned",
    "subscribers.tasks.apply_retention",
    "subscribers.tasks.check_import",
    "subscribers.tasks.check_mail_servers_of",
    "subscribers.tasks.count_segments",
    "subscribers.tasks.find_duplicates",
    "subscribers.tasks.run_bulk_action",
    "subscribers.tasks.run_import",
    "subscribers.tasks.undo_import",
)
# They are acknowledged when they begin: how far they are stands in the database, and beat takes up
# what a dead worker left.
CELERY_TASK_ANNOTATIONS = {name: {"acks_late": False} for name in LONG_TASKS}
CELERY_TASK_ROUTES = {
    **{name: {"queue": "long"} for name in LONG_TASKS},
    "delivery.tasks.send*": {"queue": "sending"},
    # Planning, sweeping up, and waking the senders.
    "delivery.tasks.*": {"queue": "events"},
    "delivery.ingest_events": {"queue": "events"},
    # Sign-ups, confirmations, resets, invitations: somebody waits for each of them.
    "accounts.tasks.send*": {"queue": "mail"},
    "subscribers.take*": {"queue": "mail"},
}
CELERY_BEAT_SCHEDULER = "config.celery:BeatScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # kB; a process beyond is replaced after its task
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
LOGIN_URL = "/sign-in/"  # not by name: asked for inside a workspace, too
LOGIN_REDIRECT_URL = "/"
ACCOUNT_FORMS = {
    "change_password": "accounts.forms.passwords.NewPasswordForm",
    "reset_password_from_key": "accounts.forms.passwords.ForgottenPasswordForm",
    "user_token": "accounts.forms.passwords.ResetLinkForm",
}
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
EMAIL_BACKEND = "delivery.system_mail.email_backend.EmailBackend"
ACCOUNT_EMAIL_VERIFICATION = "none"
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0  # whose word counts for rate limits
# Mails to an address that somebody typed: a few an hour. The rest is allauth's own.
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip,5/h/key"}
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_TEMPLATE_EXTENSION = "html"

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "config.formats"
LANGUAGES = [("en", _("English")), ("id", _("Indonesian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "pictures": storages.pictures(MEDIA_TO, MEDIA_S3_ENDPOINT, folder=MEDIA_ROOT / "pictures"),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", csp.NONCE],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'self'"],
    },
}
