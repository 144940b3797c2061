"""Every setting of Pulse, read from the environment or `.env` by django-environ.

`.env.example` explains each variable; `pulse.checks` refuses what is unsafe outside development.
"""

import secrets
import tempfile
from pathlib import Path

import environ
from django.templatetags.static import static
from django.urls import reverse_lazy

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").exists():
    environ.Env.read_env(BASE_DIR / ".env")


def development_secret(file: Path) -> str:
    """A key of this machine's own, made on first use, so that development needs no configuration."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            # Linked when it is whole, so that of processes that start at once none reads an empty key.
            with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".secret_key-") as new:
                new.write(secrets.token_urlsafe(64))
                new.flush()
                file.hardlink_to(new.name)
    except OSError:
        pass  # It exists, or the directory cannot be written, which pulse.E007 reports.
    return file.read_text() if file.exists() else secrets.token_urlsafe(64)


STAGES = ("development", "private_beta", "public_beta", "ga")

PULSE_STAGE = env.str("PULSE_STAGE", "development")
PULSE_HOSTED_MODE = env.str("PULSE_HOSTED_MODE", "")
PULSE_DATA_DIR = Path(env.str("PULSE_DATA_DIR", str(BASE_DIR / "var"))).resolve()
PULSE_HOST = env.str("PULSE_HOST", "127.0.0.1").strip("[]")
PULSE_PORT = env.int("PULSE_PORT", 8000)
PULSE_ADDRESS = f"[{PULSE_HOST}]:{PULSE_PORT}" if ":" in PULSE_HOST else f"{PULSE_HOST}:{PULSE_PORT}"
PULSE_WORKERS = env.int("PULSE_WORKERS", 1)
PULSE_THREADS = env.int("PULSE_THREADS", 8)
PULSE_OPERATOR_EMAIL = env.str("PULSE_OPERATOR_EMAIL", "operator@localhost")
PULSE_OPERATOR_PASSWORD = env.str("PULSE_OPERATOR_PASSWORD", "")
PULSE_RBAC_MAX_OPEN = env.int("PULSE_RBAC_MAX_OPEN", 64)
PULSE_RBAC_BUSY_SECONDS = env.float("PULSE_RBAC_BUSY_SECONDS", 5.0)
PULSE_TENANT_RATE = env.str("PULSE_TENANT_RATE", "2000/minute")
PULSE_SIGNUP_RATE = env.str("PULSE_SIGNUP_RATE", "5/hour")
PULSE_SIGNUP_EMAIL_RATE = env.str("PULSE_SIGNUP_EMAIL_RATE", "3/hour")
PULSE_SIGNUP_CEILING = env.str("PULSE_SIGNUP_CEILING", "1000/hour")
PULSE_ENCRYPTION_KEYS = env.list("PULSE_ENCRYPTION_KEYS", default=[])
PULSE_BLOCKED_DOMAINS = env.str("PULSE_BLOCKED_DOMAINS", str(PULSE_DATA_DIR / "blocked_domains.txt"))
PULSE_DNS_SERVERS = env.list("PULSE_DNS_SERVERS", default=[])
PULSE_TRUSTED_PROXIES = env.list("PULSE_TRUSTED_PROXIES", default=[])
PULSE_NOTIFY_OWNERS = env.bool("PULSE_NOTIFY_OWNERS", True)
PULSE_BACKUP_DAYS = env.int("PULSE_BACKUP_DAYS", 30)
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com")
PULSE_PRODUCT_URL = env.str("PULSE_PRODUCT_URL", f"http://{PULSE_ADDRESS}/")
PULSE_TENANT_CAP = env.int("PULSE_TENANT_CAP", 0)
PULSE_VERDICT_DAYS = env.int("PULSE_VERDICT_DAYS", 30)
PULSE_PROMETHEUS_URL = env.str("PULSE_PROMETHEUS_URL", "")
PULSE_LANES_DIR = env.str("PULSE_LANES_DIR", "")
PULSE_DRILL_URL = env.str("PULSE_DRILL_URL", f"http://{PULSE_ADDRESS}")
PULSE_SUPPORT_CONTACT = env.str("PULSE_SUPPORT_CONTACT", "")
PULSE_LOG_LEVEL = env.str("PULSE_LOG_LEVEL", "INFO")

DEVELOPMENT = PULSE_STAGE == "development"
PULSE_REQUIRE_OPERATOR_MFA = env.bool("PULSE_REQUIRE_OPERATOR_MFA", not DEVELOPMENT)
PULSE_SSO_PRIVATE_ISSUERS = env.bool("PULSE_SSO_PRIVATE_ISSUERS", DEVELOPMENT)
PULSE_SIGNUP_DIRECT = env.bool("PULSE_SIGNUP_DIRECT", DEVELOPMENT)

DEBUG = env.bool("PULSE_DEBUG", False)
SECRET_KEY = env.str("PULSE_SECRET_KEY", "")
if not SECRET_KEY:
    # Outside development it is not one, and pulse.E002 refuses to start with it.
    SECRET_KEY = development_secret(PULSE_DATA_DIR / "secret_key") if DEVELOPMENT else "none"
ALLOWED_HOSTS = env.list(
    "PULSE_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else []
)
# Where people reach Pulse; no link in a mail is built from what a request says of its host.
PULSE_PUBLIC_URL = env.str(
    "PULSE_PUBLIC_URL",
    f"http://{PULSE_ADDRESS}" if DEVELOPMENT else f"https://{next(iter(ALLOWED_HOSTS), '')}",
)
CSRF_TRUSTED_ORIGINS = env.list("PULSE_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    # Before django-unfold, because they replace some of its templates.
    "pulse",
    "tenants",
    "rbac",
    "billing",
    "runbooks",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django_prometheus",
    "django_tasks",
    "django_tasks_db",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "pulse.metrics.BeforeMiddleware",
    "pulse.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "pulse.csp.PolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Before CSRF's check, which would answer 403 where a shut gate answers as for an unknown path.
    "pulse.gate.GateMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pulse.metrics.AfterMiddleware",
]

# What a request passes, in this order; see pulse.gate. Each step names the routes that it guards.
PULSE_GATE = [
    ("hosted", "pulse.hosted_mode.require_open"),
    ("operations", "pulse.gate.refuse_large_bodies"),
    ("operations", "tenants.gate.identify"),
    ("renewal", "tenants.gate.choose_organization"),
    ("renewal", "tenants.gate.check_lifecycle"),
    ("tenant", "billing.gate.check_subscription"),
    ("renewal", "tenants.gate.check_rate"),
]

ROOT_URLCONF = "pulse.urls"
WSGI_APPLICATION = "pulse.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
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

_default_database = env.db("DATABASE_URL", default=f"sqlite:///{PULSE_DATA_DIR / 'pulse.db'}")
if _default_database["ENGINE"] == "django.db.backends.sqlite3":
    _default_database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    # Kept between requests: opening and closing one costs more than all that the gate reads through it.
    _default_database["CONN_MAX_AGE"] = 60
    # A file, because connections of several threads must see one another as in production.
    _default_database["TEST"] = {"NAME": str(PULSE_DATA_DIR / "test.sqlite3")}
else:
    # A request waits for a connection no longer than 5 s: then the database is gone, and it says so.
    _default_database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": PULSE_THREADS + 2, "timeout": 5}}
DATABASES = {"default": _default_database}
DATABASE_ROUTERS = ["rbac.router.TenantRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", "")
CACHES = {
    "default": {
        "BACKEND": "pulse.caches.RedisOrMemory",
        "LOCATION": REDIS_URL,
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://" if DEVELOPMENT else "smtp://localhost:25")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20  # A mail server that does not answer would stop the worker for good.
DEFAULT_FROM_EMAIL = env.str("PULSE_FROM_EMAIL", "Pulse <pulse@localhost>")

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["tenants.accounts.passwords.Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "tenants.accounts.passwords.GuessableValidator"},
]
LOGIN_URL = "account_login"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "tenants.accounts.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_FORMS = {"reset_password": "tenants.accounts.reset.ResetForm"}
# How often a password may be tried is counted by tenants.accounts.attempts.
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip,5/h/key", "login": ""}

SOCIALACCOUNT_ADAPTER = "tenants.sso.provider.SocialAdapter"

MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Pulse"
MFA_RECOVERY_CODES_SHOW_ONCE = True
# By a key that asks for a fingerprint or a PIN itself, which is both factors.
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "tenants.accounts.factors.Adapter"
# Nobody is signed in whose address is not verified, and a new one counts once it is confirmed.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Browsers allow WebAuthn on plain http for localhost alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEVELOPMENT

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
SECURE_SSL_REDIRECT = env.bool("PULSE_SSL_REDIRECT", not DEVELOPMENT)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^edge/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PULSE_TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEVELOPMENT
X_FRAME_OPTIONS = "DENY"

# 64 KiB; a larger API body is refused with 413 before it is read.
PULSE_MAX_BODY_BYTES = 65_536
# A role's form in the admin has five fields for each of 200 permissions.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1500

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # The packages' own folders are served; there is nothing to collect.

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.api.authentication.GateAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["pulse.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "pulse.api.Pagination",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.SearchFilter",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_SCHEMA_CLASS": "pulse.openapi.ProblemSchema",
    "EXCEPTION_HANDLER": "pulse.problems.drf_exception_handler",
    "DATETIME_FORMAT": "iso-8601",
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pulse",
    "DESCRIPTION": "Operations of a hosted multi-tenant product.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
}

PROMETHEUS_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)

UNFOLD = {
    "SITE_TITLE": "Pulse",
    "SITE_HEADER": "Pulse",
    "SITE_SUBHEADER": "Hosted operations",
    "SITE_SYMBOL": "monitor_heart",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("pulse/icon.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_URL": None,
    "ENVIRONMENT": "pulse.admin.gate_badge",
    "DASHBOARD_CALLBACK": "pulse.admin.home.fill",
    "ACCOUNT": {"navigation": [{"title": "Your account", "link": reverse_lazy("account_home")}]},
    "STYLES": [lambda request: static("pulse/admin.css")],
    "SCRIPTS": [lambda request: static("pulse/console.js")],
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": "pulse.admin.navigation.sidebar"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "pulse.logs.formatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "json"},
    },
    "root": {"handlers": ["console"], "level": PULSE_LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": [], "propagate": True},
    },
}
