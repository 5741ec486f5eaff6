"""The two roles of the back office: who looks, and who acts.

Their permissions are set anew after each migration, so that a role knows what a new version
brings. For other permissions make a group of your own.
"""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import router

ANALYSTS = "Analysts"  # see everything, change nothing
OPERATORS = "Operators"  # see everything, and act

ACTIONS = ("delete_visit", "operate_site", "operate_user")


def keep_roles(app_config: AppConfig, using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """Give both roles their permissions of one app; a receiver of `post_migrate`.

    Django's own receiver, which makes the app's permissions, is called before this one.
    """
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return  # migrated back to where there are no groups yet
    if not router.allow_migrate_model(using, group_model):
        return
    of_app = permission_model.objects.using(using).filter(content_type__app_label=app_config.label)
    looks = set(of_app.filter(codename__startswith="view_"))
    acts = set(of_app.filter(codename__in=ACTIONS))
    for name, permissions in ((ANALYSTS, looks), (OPERATORS, looks | acts)):
        group, _ = group_model.objects.using(using).get_or_create(name=name)
        held = set(group.permissions.filter(content_type__app_label=app_config.label))
        group.permissions.remove(*held - permissions)
        group.permissions.add(*permissions - held)
