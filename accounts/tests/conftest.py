import pytest
from django.core.cache import cache
from pytest_django import Settings


@pytest.fixture(autouse=True)
def fresh_rate_limits(quick_and_apart: None) -> None:
    cache.clear()


@pytest.fixture
def mail_configured(settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://mail.example.com"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
    settings.BASE_URL = "https://stats.example.com"
