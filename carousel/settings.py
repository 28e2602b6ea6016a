"""Every setting, read once from the environment. What can't work stops the process here.

Unset means the embedded default: PostgreSQL and Valkey under ``.data/``, files under
``MEDIA_ROOT``, the sandbox instead of ScrapeCreators, the local reader instead of Gemini.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from carousel import VERSION, env
from carousel.embedded import locations
from carousel.observability import logging_config
from carousel.rest import OPENAPI, rest_framework

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
if not env.flag("CAROUSEL_IGNORE_ENV_FILE", default=False):
    env.load_file(BASE_DIR / ".env")

# --- The process ---------------------------------------------------------------------------

DEBUG = env.flag("DEBUG", default=False)
# Without a key of its own a checkout gets one that is stable and known to nobody else, which is
# enough for development; `check --deploy` insists on a real one.
SECRET_KEY = env.text("SECRET_KEY") or env.checkout_secret(BASE_DIR / ".data")
SECRET_KEY_IS_GENERATED = not env.text("SECRET_KEY")
ALLOWED_HOSTS = list(env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"))
CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if host != "*"]
WEB_PORT = env.number("WEB_PORT", 8000, least=1, most=65535)

ROOT_URLCONF = "carousel.urls"
WSGI_APPLICATION = "carousel.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_I18N = False
APPEND_SLASH = False
LOGIN_URL = "admin:login"

INSTALLED_APPS = [
    "carousel",
    "media_cache",
    "ocr",
    "tiktok",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_celery_beat",
    "django_filters",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Files come from the apps themselves; a collected folder is welcome but need not be there.
warnings.filterwarnings("ignore", message="No directory at")
WHITENOISE_USE_FINDERS = True  # no collectstatic step between a clone and the admin
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("MinimumLength", "CommonPassword", "NumericPassword")
]

# Behind a proxy that ends TLS, in production; on loopback there is none.
HTTPS = env.flag("HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS

# --- The database: the truth ---------------------------------------------------------------

EMBEDDED_DATABASE = not env.text("DATABASE_URL")
DATABASE_URL = env.url(
    "DATABASE_URL", locations.database_url(BASE_DIR), schemes=("postgresql", "postgres")
)
DATABASES = {"default": env.database("DATABASE_URL", DATABASE_URL)}

# --- Redis: disposable ---------------------------------------------------------------------

EMBEDDED_REDIS = not env.text("REDIS_URL")
REDIS_URL = env.redis_url("REDIS_URL", locations.redis_url(BASE_DIR))
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "carousel",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}

# --- Celery: the messenger -----------------------------------------------------------------

QUEUES = ("media-cache", "profile-monitor", "ocr")  # of work rows; `default` carries the ticks
CELERY_BROKER_URL = locations.broker_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
BROKER_VISIBILITY_SECONDS = 3600
# A broker that is down costs a request well under a second, one that hangs five; and a warning.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": BROKER_VISIBILITY_SECONDS,
    "socket_connect_timeout": 5,
    "socket_timeout": 5,
    "global_keyprefix": "carousel:",
}
# Once: a connection that has gone stale is mended below, and who waits in vain would wait again.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker for as long as it takes
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "media_cache.tasks.store_media": {"queue": "media-cache"},
    "tiktok.tasks.run_monitoring": {"queue": "profile-monitor"},
    "tiktok.tasks.refresh_links": {"queue": "profile-monitor"},
    "tiktok.tasks.import_profiles": {"queue": "profile-monitor"},
    "ocr.tasks.read": {"queue": "ocr"},
    "ocr.tasks.run_batches": {"queue": "ocr"},
}
CELERY_TASK_IGNORE_RESULT = True  # the row is the result
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# How soon the work of a worker that died is taken up by another one (`Work.LEASE`), and the limits
# that follow from it. They nest, all in seconds:
# slice < HTTP timeout < soft limit < hard limit < lease < visibility timeout.
WORK_LEASE_SECONDS = env.number("WORK_LEASE_SECONDS", 300, least=4, most=3000)
WORK_BACKOFF_SECONDS = env.number("WORK_BACKOFF_SECONDS", 10, least=1, most=600)
WORK_SLICE_SECONDS = min(30.0, WORK_LEASE_SECONDS / 10)
HTTP_TIMEOUT = min(60.0, WORK_LEASE_SECONDS / 3)
CELERY_TASK_SOFT_TIME_LIMIT = WORK_LEASE_SECONDS * 4 // 5
CELERY_TASK_TIME_LIMIT = WORK_LEASE_SECONDS * 9 // 10
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30  # on SIGQUIT: what is in hand may still end
CELERY_BEAT_SCHEDULER = "carousel.beat:Scheduler"  # django_celery_beat's DatabaseScheduler
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TIMEZONE = "UTC"

# For tests only: a folder that says where processes are to be killed (carousel.lib.faults).
DIE_AT = env.text("CAROUSEL_DIE_AT")

# --- ScrapeCreators ------------------------------------------------------------------------

SCRAPECREATORS_API_KEY = env.text("SCRAPECREATORS_API_KEY")
SANDBOX_PORT = env.number("SANDBOX_PORT", 8090, least=1, most=65535)
SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}"
_scraper_url = env.url("SCRAPECREATORS_BASE_URL")
env.needs("SCRAPECREATORS_BASE_URL", _scraper_url, "SCRAPECREATORS_API_KEY", SCRAPECREATORS_API_KEY)
USE_SANDBOX = not SCRAPECREATORS_API_KEY
SCRAPECREATORS_BASE_URL = _scraper_url or (
    SANDBOX_URL if USE_SANDBOX else "https://api.scrapecreators.com"
)
SCRAPECREATORS_KEY_IN_USE = SCRAPECREATORS_API_KEY or "sandbox"
SCRAPECREATORS_CALLS_PER_MINUTE = env.number("SCRAPECREATORS_CALLS_PER_MINUTE", 120, least=1)
# Credits that calls may cost, all together, per day and month (UTC). None: without bounds.
SCRAPECREATORS_DAILY_BUDGET = env.budget("SCRAPECREATORS_DAILY_BUDGET")
SCRAPECREATORS_MONTHLY_BUDGET = env.budget("SCRAPECREATORS_MONTHLY_BUDGET")
MONITORING_INTERVAL_MINUTES = env.number("MONITORING_INTERVAL_MINUTES", 1440, least=1)
# Scheduled runs stop at the first page without a new post, but look at every page this often.
MONITORING_ALL_PAGES_DAYS = env.number("MONITORING_ALL_PAGES_DAYS", 7, least=1)
# fixed: each profile at its interval; adaptive: by what is expected of it, within these bounds.
# A profile that has an interval or a schedule of its own keeps to that.
MONITORING_SCHEDULE = env.choice("MONITORING_SCHEDULE", "fixed", ("fixed", "adaptive"))
MONITORING_MIN_MINUTES = env.number("MONITORING_MIN_MINUTES", 15, least=1, most=525_600)
MONITORING_MAX_MINUTES = env.number("MONITORING_MAX_MINUTES", 4320, least=1, most=525_600)
MONITORING_DAILY_CREDITS = env.budget("MONITORING_DAILY_CREDITS")
MONITORING_ADAPTIVE_ALL_PAGES_DAYS = env.number(
    "MONITORING_ADAPTIVE_ALL_PAGES_DAYS", max(60, MONITORING_ALL_PAGES_DAYS), least=1
)
MONITORING_MAX_PAGES = env.number("MONITORING_MAX_PAGES", 200, least=1)
MISSES_UNTIL_CHECKED = env.number("MISSES_UNTIL_CHECKED", 3, least=1)

# --- Media ---------------------------------------------------------------------------------

MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(BASE_DIR / ".data" / "media")))
MEDIA_URL = "/media/"
MEDIA_LINK_SECONDS = env.number("MEDIA_LINK_SECONDS", 3600, least=60, most=604_800)
MEDIA_ALLOWED_HOSTS = env.words(
    "MEDIA_ALLOWED_HOSTS",
    ".tiktokcdn.com,.tiktokcdn-us.com,.tiktokcdn-eu.com,.tiktokv.com,.tiktokv.us,.tiktokv.eu",
)
MEDIA_ALLOW_LOOPBACK = env.flag("MEDIA_ALLOW_LOOPBACK", default=USE_SANDBOX)
if MEDIA_ALLOW_LOOPBACK:
    MEDIA_ALLOWED_HOSTS += ("127.0.0.1", "localhost", "::1")
MEDIA_MAX_IMAGE_BYTES = env.number("MEDIA_MAX_IMAGE_BYTES", 50 * 1024**2, least=1)
MEDIA_MAX_VIDEO_BYTES = env.number("MEDIA_MAX_VIDEO_BYTES", 2 * 1024**3, least=1, most=2**40)
MEDIA_LANES = env.number("MEDIA_LANES", 16, least=1, most=256)  # downloads at once per process
MEDIA_DECODERS = env.number("MEDIA_DECODERS", 1, least=1, most=64)  # processes per worker process
MEDIA_JPEG_QUALITY = env.number("MEDIA_JPEG_QUALITY", 92, least=1, most=100)
MEDIA_TIMEOUT_SECONDS = env.number(
    "MEDIA_TIMEOUT_SECONDS", min(60, WORK_LEASE_SECONDS // 5), least=1, most=200
)

R2_ACCOUNT_ID = env.text("R2_ACCOUNT_ID")
R2_ACCESS_KEY_ID = env.text("R2_ACCESS_KEY_ID")
R2_SECRET_ACCESS_KEY = env.text("R2_SECRET_ACCESS_KEY")
R2_BUCKET_NAME = env.text("R2_BUCKET_NAME")
R2_ENDPOINT_URL = env.url("R2_ENDPOINT_URL")
USE_S3 = env.together(
    {
        "R2_ACCESS_KEY_ID": R2_ACCESS_KEY_ID,
        "R2_SECRET_ACCESS_KEY": R2_SECRET_ACCESS_KEY,
        "R2_BUCKET_NAME": R2_BUCKET_NAME,
        "R2_ENDPOINT_URL or R2_ACCOUNT_ID": R2_ENDPOINT_URL or R2_ACCOUNT_ID,
    }
)
if USE_S3 and not R2_ENDPOINT_URL:
    R2_ENDPOINT_URL = f"https://{R2_ACCOUNT_ID}.r2.cloudflarestorage.com"


def s3_storage(r2: Mapping[str, str]) -> dict[str, Any]:
    """The media storage on an S3 service, from the R2_* variables."""
    return {
        "BACKEND": "media_cache.storage.S3Media",
        "OPTIONS": {
            "access_key": r2["R2_ACCESS_KEY_ID"],
            "secret_key": r2["R2_SECRET_ACCESS_KEY"],
            "bucket_name": r2["R2_BUCKET_NAME"],
            "endpoint_url": r2["R2_ENDPOINT_URL"],
            "region_name": "auto",
            "addressing_style": "path",
            "querystring_expire": MEDIA_LINK_SECONDS,
            "object_parameters": {"CacheControl": "private, max-age=31536000, immutable"},
        },
    }


_local_storage = {
    "BACKEND": "media_cache.storage.LocalMedia",
    "OPTIONS": {"location": MEDIA_ROOT, "base_url": MEDIA_URL, "link_seconds": MEDIA_LINK_SECONDS},
}
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "media": s3_storage(globals()) if USE_S3 else _local_storage,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# --- Reading -------------------------------------------------------------------------------

GEMINI_API_KEY = env.text("GEMINI_API_KEY")
GEMINI_BASE_URL = env.url("GEMINI_BASE_URL")
GEMINI_MODEL = env.text("GEMINI_MODEL", "gemini-3.1-flash-lite")
GEMINI_MEDIA_RESOLUTION = env.choice(
    "GEMINI_MEDIA_RESOLUTION", "auto", ("auto", "low", "medium", "high")
)
GEMINI_CALLS_PER_MINUTE = env.number("GEMINI_CALLS_PER_MINUTE", 60, least=1)
env.needs("GEMINI_BASE_URL", GEMINI_BASE_URL, "GEMINI_API_KEY", GEMINI_API_KEY)
OCR_ENGINE = env.choice("OCR_ENGINE", "gemini" if GEMINI_API_KEY else "local", ("gemini", "local"))
if OCR_ENGINE == "gemini" and not GEMINI_API_KEY:
    raise ImproperlyConfigured(
        "OCR_ENGINE is gemini but GEMINI_API_KEY is not set: set the key, or OCR_ENGINE=local"
    )
OCR_MODE = env.choice("OCR_MODE", "direct", ("direct", "batch"))
OCR_BATCH_POSTS = env.number("OCR_BATCH_POSTS", 500, least=1, most=5000)
OCR_BATCH_GATHER_MINUTES = env.number("OCR_BATCH_GATHER_MINUTES", 15)
OCR_BATCH_HOURS = env.number("OCR_BATCH_HOURS", 24, least=1, most=47)  # it expires after 48
OCR_DAILY_BUDGET_USD = env.dollars("OCR_DAILY_BUDGET_USD")  # None: without bounds
OCR_NEW_CATEGORIES = env.choice("OCR_NEW_CATEGORIES", "accept", ("accept", "propose"))
OCR_POSTS_PER_REQUEST = env.number("OCR_POSTS_PER_REQUEST", 12, least=1, most=50)

# --- The API -------------------------------------------------------------------------------

REST_FRAMEWORK = rest_framework(env.rate("API_RATE", "6000/min"))
SPECTACULAR_SETTINGS = OPENAPI

# --- Watching ourselves --------------------------------------------------------------------

METRICS_TOKEN = env.text("METRICS_TOKEN")
SENTRY_DSN = env.sentry_dsn("SENTRY_DSN")
SENTRY_ENVIRONMENT = env.text("SENTRY_ENVIRONMENT", "development" if DEBUG else "production")
SENTRY_RELEASE = env.text("SENTRY_RELEASE", f"carousel@{VERSION}")
SENTRY_SAMPLE_RATE = env.fraction("SENTRY_SAMPLE_RATE", 1.0)  # of errors
SENTRY_TRACES_SAMPLE_RATE = env.fraction("SENTRY_TRACES_SAMPLE_RATE", 0.0)  # of requests and tasks
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING = logging_config(LOG_LEVEL, LOG_FORMAT)
# What must never be written down, wherever it turns up (carousel.lib.redaction).
SECRETS = (
    *(SECRET_KEY, SCRAPECREATORS_API_KEY, GEMINI_API_KEY, R2_SECRET_ACCESS_KEY, SENTRY_DSN),
    METRICS_TOKEN,
    *(DATABASES["default"]["PASSWORD"], urlsplit(REDIS_URL).password or ""),
)
HEARTBEAT_SECONDS = 15
# Names the set of queues and limits in Redis that belong to this installation.
INSTALLATION = hashlib.sha256(DATABASE_URL.encode()).hexdigest()[:8]
SWEEP_EVERY = timedelta(seconds=15)
