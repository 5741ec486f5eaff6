from typing import Any

from allauth.account import views as allauth_views
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.db import transaction
from django.forms import Form, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import CreateView, FormView, UpdateView

from accounts.forms import ProfileForm, ReauthenticateForm, SetupForm
from accounts.models import User
from accounts.setup import AlreadySetUp, is_set_up, is_setup_token, lock_superusers
from tracking_project.errors import too_many_requests
from tracking_project.views import FormPageMixin


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SetupView(FormPageMixin, CreateView):
    """Where the set-up link leads: the owner of a fresh server makes the first account."""

    form_class = SetupForm
    template_name = "accounts/setup.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_set_up():
            return self.already_set_up()
        if not is_setup_token(kwargs["token"]):
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: ModelForm) -> HttpResponse:
        try:
            user = form.save()
        except AlreadySetUp:
            return self.already_set_up()
        login(self.request, user)
        messages.success(
            self.request,
            gettext("Welcome, %(name)s. This server is yours now.")
            % {"name": user.get_short_name()},
        )
        return redirect("index")

    def already_set_up(self) -> HttpResponse:
        return render(self.request, "accounts/already_set_up.html", status=404)


class SignupView(FormPageMixin, allauth_views.SignupView):  # type: ignore[misc]
    """allauth's, for two who register with one address at the same moment."""


class SignedInRequest(HttpRequest):
    """What a view behind LoginRequiredMixin answers."""

    user: User


@method_decorator(sensitive_post_parameters("current_password"), name="dispatch")
class ProfileView(LoginRequiredMixin, FormPageMixin, SuccessMessageMixin, UpdateView):
    request: SignedInRequest
    form_class = ProfileForm
    template_name = "accounts/profile.html"
    context_object_name = "person"  # else it would be `user`, which is for the page's header
    success_url = reverse_lazy("profile")
    success_message = _("Your profile has been saved.")

    def get_object(self, queryset: Any = None) -> User:
        # Not request.user itself, which the page's header shows: a refused name stays unseen.
        return get_object_or_404(User, pk=self.request.user.pk)

    def form_valid(self, form: Any) -> HttpResponse:
        # A new address may mean a mail to anybody.
        if form.new_email and not ratelimit.consume(self.request, action="manage_email"):
            return too_many_requests(self.request)
        return super().form_valid(form)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user  # a refused form leaves its address in self.object
        pending = EmailAddress.objects.filter(user=user).exclude(email=user.email).first()
        return super().get_context_data(pending_email=pending, **kwargs)


class PendingEmailView(allauth_views.EmailView):  # type: ignore[misc]
    """allauth's page of e-mail addresses, cut down to two buttons of the profile page:
    send the confirmation of a new address again, and give the change up."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("profile")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "action_send" in request.POST or "action_remove" in request.POST:
            super().post(request, *args, **kwargs)
        return redirect("profile")


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class DeleteAccountView(LoginRequiredMixin, FormPageMixin, FormView):
    request: SignedInRequest
    form_class = ReauthenticateForm
    template_name = "accounts/delete.html"
    success_url = reverse_lazy("index")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        return super().get_context_data(
            is_last_superuser=user.is_last_superuser(), site_count=user.sites.count(), **kwargs
        )

    @transaction.atomic
    def form_valid(self, form: Form) -> HttpResponse:
        lock_superusers()
        if self.request.user.is_last_superuser():
            return self.render_to_response(self.get_context_data(form=form))
        # A second press of the button may have deleted it already.
        User.objects.filter(pk=self.request.user.pk).delete()
        logout(self.request)
        messages.success(
            self.request, gettext("Your account and everything in it has been deleted.")
        )
        return super().form_valid(form)
