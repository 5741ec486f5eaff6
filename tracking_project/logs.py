import logging
from contextvars import ContextVar
class RequestContextMiddleware:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request): return self.get_response(request)
def logging_config(error_log_path): return {"version": 1}
