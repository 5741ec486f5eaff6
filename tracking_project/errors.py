class ErrorPageMiddleware:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request): return self.get_response(request)
from django.views import defaults
bad_request=defaults.bad_request; permission_denied=defaults.permission_denied; page_not_found=defaults.page_not_found; server_error=defaults.server_error
from django.views.csrf import csrf_failure
