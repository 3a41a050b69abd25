"""Django's settings, all from the site's own site.toml: see `config.py`."""

from mlgolf_site.config import Site

SITE = Site.of_environment()
CONFIG = SITE.config

SECRET_KEY = CONFIG.secret_key
DEBUG = False
ALLOWED_HOSTS = CONFIG.hosts
ROOT_URLCONF = "mlgolf_site.urls"
ASGI_APPLICATION = "mlgolf_site.asgi.application"
AUTH_USER_MODEL = "people.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "mlgolf_site.pages",  # before allauth, whose pages stand in its layout
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "mlgolf_site.people",
    "mlgolf_site.contests",
    "mlgolf_site.entries",
    "mlgolf_site.jobs",
    "mlgolf_site.boards",
    "mlgolf_site.jury",
    "mlgolf_site.hosting",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",  # who has a page is told if it is as it was
    "mlgolf_site.headers.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mlgolf_site.people.tokens.TokenMiddleware",
    "mlgolf_site.api.guard.ApiMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "mlgolf_site.rules.RulesMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
            "mlgolf_site.pages.context.site",
        ],
        "builtins": ["mlgolf_site.pages.templatetags.words"],
    },
}]  # fmt: skip

if CONFIG.postgresql is not None:
    DATABASES = {"default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": CONFIG.postgresql.name, "USER": CONFIG.postgresql.user,
        "HOST": CONFIG.postgresql.host, "PORT": CONFIG.postgresql.port,
        "PASSWORD": CONFIG.postgresql.password,
        # Each request has a thread of its own, so connections are lent to them, and taken back.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # As long may a request wait for a connection: where the database is away, or in a rush.
            "pool": {"min_size": 1, "max_size": 16, "timeout": 10}, "connect_timeout": 10,
        },
    }}  # fmt: skip
else:
    DATABASES = {"default": {
        "ENGINE": "django.db.backends.sqlite3", "NAME": SITE.folder / "site.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            # Who will write says so from the start: a read that becomes a write would be refused
            # at once where another has written in between.
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
            ),
        },
    }}  # fmt: skip

CACHES = {
    # Shared by all processes, as limits on signing in are counted there; with room for more
    # counters than anybody can fill to push others out.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "site_cache",
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    },
    # Of each process: requests of a token in a minute, and parts of pages, 60 kB each.
    **{
        name: {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": name,
            "OPTIONS": {"MAX_ENTRIES": most},
        } for name, most in (("requests", 100_000), ("pages", 500))
    },
}

if CONFIG.files == "s3" and CONFIG.s3 is not None:
    _FILES = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {
        "bucket_name": CONFIG.s3.bucket, "default_acl": "private", "file_overwrite": True,
        **({"endpoint_url": CONFIG.s3.endpoint} if CONFIG.s3.endpoint else {}),
        **({"region_name": CONFIG.s3.region} if CONFIG.s3.region else {}),
    }}  # fmt: skip
else:
    _FILES = {
        "BACKEND": "mlgolf_site.files.LocalFiles",
        "OPTIONS": {"location": SITE.files, "allow_overwrite": True},
    }
STORAGES = {
    "default": _FILES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL, STATIC_ROOT = "static/", SITE.static
# --- who signs in, and how ---
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"} for name in (
        "UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]  # fmt: skip
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "account_login", "home", "home"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if CONFIG.mail_must_be_confirmed else "optional"
# Signing up with somebody's address looks the same as with one's own: the address is theirs who
# confirms it.
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before addresses and second factors are changed
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key", "reset_password": "20/m/ip,5/h/key"}
ACCOUNT_ADAPTER = "mlgolf_site.people.accounts.AccountAdapter"
ACCOUNT_USERNAME_VALIDATORS = "mlgolf_site.people.accounts.USERNAME_VALIDATORS"
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
OAUTH_URLS = []
if CONFIG.oauth:
    INSTALLED_APPS += ["allauth.socialaccount"]
    OAUTH_URLS = [("3rdparty/", "allauth.socialaccount.urls")]
    SOCIALACCOUNT_PROVIDERS = {}
    for _name, _app in CONFIG.oauth.items():
        INSTALLED_APPS += [f"allauth.socialaccount.providers.{_name}"]
        OAUTH_URLS += [("", f"allauth.socialaccount.providers.{_name}.urls")]
        SOCIALACCOUNT_PROVIDERS[_name] = {
            "APP": {"client_id": _app.client_id, "secret": _app.secret},
            "SCOPE": {"github": ["user:email"], "google": ["profile", "email"]}[_name],
        }
    SOCIALACCOUNT_AUTO_SIGNUP = False  # people choose the name that stands on boards
    SOCIALACCOUNT_STORE_TOKENS = False
    SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address elsewhere opens no account here

if CONFIG.mail is not None:
    EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS = CONFIG.mail.host, CONFIG.mail.port, CONFIG.mail.use_tls
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = CONFIG.mail.user, CONFIG.mail.password
    DEFAULT_FROM_EMAIL = CONFIG.mail.sender
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# --- what browsers are told ---
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "mlgolf_site.answers.forged"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if CONFIG.https:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS, SECURE_HSTS_INCLUDE_SUBDOMAINS = 365 * 24 * 3600, True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"  # of this host alone
    if CONFIG.web.trust_forwarded_proto:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * CONFIG.limits.upload_bytes
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
LANGUAGE_CODE, TIME_ZONE, USE_TZ, USE_I18N = "en", "UTC", True, False
LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "formatters": {"plain": {
        "class": "mlgolf_site.headers.OneLine",
        "format": "{asctime} {levelname} {name}: {message}", "style": "{",
    }},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "mlgolf_site": {"level": "INFO"},
        "psycopg.pool": {"level": "ERROR"},  # it warns of each try, and who asked is told anyway
    },
}  # fmt: skip
