from typing import Any, cast

from allauth.account.internal.flows.manage_email import sync_user_email_address
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelect2Widget

from accounts.forms import ResetPasswordForm
from accounts.models import User
from accounts.setup import lock_superusers
from tracking.models import Site
from tracking_project.model_admin import BackOfficeAdmin, date_and_time
from tracking_project.time_zones import time_zone_choices

admin.site.unregister(EmailAddress)  # shown with its user
admin.site.unregister(Authenticator)
admin.site.unregister(Group)


LAST_SUPERUSER = _(
    "This is the only account that may manage this server. Make another active superuser with "
    "staff status first."
)


class TimeZoneSelect(UnfoldAdminSelect2Widget):
    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, choices=time_zone_choices)


class UserAddForm(UserCreationForm):
    usable_password = None  # there is no other way in

    class Meta:
        model = User
        fields = ["email", "name", "time_zone"]
        widgets = {"time_zone": TimeZoneSelect}


class PasswordForm(AdminPasswordChangeForm):
    usable_password = None


class UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        widgets = {"time_zone": TimeZoneSelect}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        manages = all(data.get(name, True) for name in ("is_active", "is_staff", "is_superuser"))
        if not manages:
            lock_superusers()
            if self.instance.is_last_superuser():
                raise forms.ValidationError(LAST_SUPERUSER)
        return data


def second_factors() -> QuerySet[Authenticator]:
    """The app of each user; recovery codes are none by themselves."""
    return Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)


class TwoFactorFilter(admin.SimpleListFilter):
    title = _("two-factor log in")
    parameter_name = "two_factors"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        wanted = {"yes": True, "no": False}.get(self.value() or "")
        if wanted is None:
            return queryset
        has_one = Exists(second_factors())
        return queryset.filter(has_one if wanted else ~has_one)


class EmailAddressInline(TabularInline):
    """Which addresses lead to this account; without a verified one nobody can log in by mail."""

    model = EmailAddress
    verbose_name_plural = _("e-mail addresses for log in")
    fields = ["email", "primary", "verified"]
    readonly_fields = ["email", "primary"]
    hide_title = True
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, BackOfficeAdmin):
    form = UserForm
    add_form = UserAddForm
    change_password_form = PasswordForm
    list_display = [
        "person",
        "is_active",
        "is_staff",
        "has_two_factors",
        "site_count",
        "last_seen",
        "joined",
    ]
    list_filter = ["is_active", "is_staff", "is_superuser", TwoFactorFilter, "groups"]
    search_fields = ["email", "name"]
    search_help_text = _("E-mail address or name")
    ordering = ["-pk"]
    actions = ["send_password_links", "deactivate", "activate", "forget_second_factor"]
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "name", "time_zone", "password"]}),
        (
            _("Permissions"),
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
        (_("Dates"), {"fields": [("last_login", "date_joined")]}),
    ]
    add_fieldsets = [
        (
            None,
            {"fields": ["email", "name", "time_zone", "password1", "password2"]},
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        sites = Site.objects.filter(owner=OuterRef("pk")).order_by()
        counted = sites.values("owner").annotate(count=Count("pk")).values("count")
        return (
            super()
            .get_queryset(request)
            .annotate(site_count=Subquery(counted), two_factors=Exists(second_factors()))
        )

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[type[TabularInline]]:
        return [EmailAddressInline] if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Only superusers give permissions: nobody can give themselves what they have not."""
        fields = list(super().get_readonly_fields(request, obj))
        if not request.user.is_superuser:
            fields += ["is_staff", "is_superuser", "groups", "user_permissions"]
        return fields

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return (
            super().has_delete_permission(request, obj)
            and may_manage(request, obj)
            and not (obj and obj.is_last_superuser())
        )

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        lock_superusers()
        if obj.is_last_superuser():
            raise PermissionDenied(LAST_SUPERUSER)
        super().delete_model(request, obj)

    def save_related(
        self, request: HttpRequest, form: forms.ModelForm, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if change and "email" in form.changed_data:
            # The old address must not open the account any longer.
            user = form.instance
            EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
            sync_user_email_address(user)

    @display(description=_("user"), header=True, ordering="email")
    def person(self, user: User) -> list[str]:
        return [user.get_full_name(), user.email]

    @display(description=_("last log in"), header=True, ordering="last_login")
    def last_seen(self, user: User) -> list[str]:
        return date_and_time(user.last_login) if user.last_login else [gettext("Never")]

    @display(description=_("registered"), header=True, ordering="date_joined")
    def joined(self, user: User) -> list[str]:
        return date_and_time(user.date_joined)

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return [*shown, "log_in_as"] if request.user.is_superuser else shown

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.operate_user")

    @action(description=_("Mail a link for a new password"), permissions=["operate"])
    def send_password_links(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = self.manageable(request, queryset.filter(is_active=True), queryset)
        for user in users:
            form = ResetPasswordForm({"email": user.email})
            if form.is_valid():
                form.save(request)
                self.log_change(request, user, gettext("Mailed a link for a new password."))
        if not settings.EMAIL_URL:
            self.message_user(
                request,
                gettext("No mail is set up (EMAIL_URL): the links are in the server’s output."),
                messages.WARNING,
            )
        self.say(
            request,
            len(users),
            ngettext(
                "%(count)d person is mailed a link for a new password.",
                "%(count)d people are mailed a link for a new password.",
                len(users),
            ),
        )

    @action(description=_("Deactivate"), permissions=["operate"])
    @transaction.atomic
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Ends their sessions at once; their sites go on collecting."""
        lock_superusers()
        others = queryset.exclude(pk=cast(User, request.user).pk)
        users = self.manageable(request, others, queryset)
        self.set_active(request, users, False, gettext("Deactivated."))
        self.say(
            request,
            len(users),
            ngettext(
                "%(count)d account is deactivated and cannot log in any more.",
                "%(count)d accounts are deactivated and cannot log in any more.",
                len(users),
            ),
        )

    @action(description=_("Activate"), permissions=["operate"])
    @transaction.atomic
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = self.manageable(request, queryset, queryset)
        self.set_active(request, users, True, gettext("Activated."))
        self.say(
            request,
            len(users),
            ngettext("%(count)d account is active.", "%(count)d accounts are active.", len(users)),
        )

    @action(description=_("Turn two-factor log in off"), permissions=["operate"])
    @transaction.atomic
    def forget_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """For who has lost phone and recovery codes."""
        protected = queryset.filter(authenticator__isnull=False).distinct()
        users = self.manageable(request, protected, queryset)
        for user in users:
            Authenticator.objects.filter(user=user).delete()
            self.log_change(request, user, gettext("Turned two-factor log in off."))
        self.say(
            request,
            len(users),
            ngettext(
                "%(count)d person logs in by password alone now.",
                "%(count)d people log in by password alone now.",
                len(users),
            ),
        )

    def set_active(
        self, request: HttpRequest, users: list[User], is_active: bool, message: str
    ) -> None:
        for user in users:
            # Of two superusers who deactivate each other at once, the second finds out here.
            if user.is_active is is_active or (user.is_superuser and user.is_last_superuser()):
                continue
            user.is_active = is_active
            user.save(update_fields=["is_active"])
            self.log_change(request, user, message)

    def manageable(
        self, request: HttpRequest, wanted: QuerySet[User], chosen: QuerySet[User]
    ) -> list[User]:
        """Those of the wanted that this person may manage; says how many of the chosen are not."""
        users = [user for user in wanted if may_manage(request, user)]
        if left_out := chosen.count() - len(users):
            self.message_user(
                request,
                ngettext(
                    "%(count)d account is left as it is: it is yours, not active, or of staff, "
                    "which superusers manage.",
                    "%(count)d accounts are left as they are: they are yours, not active, or of "
                    "staff, which superusers manage.",
                    left_out,
                )
                % {"count": left_out},
                messages.WARNING,
            )
        return users

    def say(self, request: HttpRequest, count: int, text: str) -> None:
        if count:
            self.message_user(request, text % {"count": count}, messages.SUCCESS)

    @admin.display(description=_("look as they do"))
    def log_in_as(self, user: User) -> str:
        """A button of the list's own form, so that it works without a script."""
        if not user.is_active:
            return ""
        return format_html(
            '<button type="submit" class="text-link" formaction="{}" name="user_pk" value="{}" '
            'aria-label="{}">{}</button>',
            reverse("hijack:acquire"),
            user.pk,
            gettext("Log in as %(user)s") % {"user": user},
            gettext("Log in as"),
        )

    @admin.display(description=_("two factors"), boolean=True, ordering="two_factors")
    def has_two_factors(self, user: User) -> bool:
        return user.two_factors  # type: ignore[attr-defined]

    @admin.display(description=_("sites"), empty_value="0")
    def site_count(self, user: User) -> int | None:
        return user.site_count  # type: ignore[attr-defined]


def may_manage(request: HttpRequest, user: User | None) -> bool:
    """Staff accounts are for superusers: whoever sets another's password has their permissions."""
    return user is None or request.user.is_superuser or not (user.is_staff or user.is_superuser)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, BackOfficeAdmin):
    """Changed by superusers only, for the same reason."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return request.user.is_superuser
