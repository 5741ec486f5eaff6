from django.urls import include, path

from accounts import views

urlpatterns = [
    path("setup/<token>/", views.SetupView.as_view(), name="setup"),
    path("signup/", views.SignupView.as_view(), name="account_signup"),
    path("profile/", views.ProfileView.as_view(), name="profile"),
    path("delete/", views.DeleteAccountView.as_view(), name="account_delete"),
    path("email/", views.PendingEmailView.as_view(), name="account_email"),
    path("impersonate/", include("hijack.urls")),
    path("two-factor/", include("allauth.mfa.urls")),
    path("", include("allauth.account.urls")),
]
