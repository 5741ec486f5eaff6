from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import checks, impersonation  # noqa: F401
        from accounts.roles import keep_roles

        post_migrate.connect(keep_roles, dispatch_uid="accounts.roles")
