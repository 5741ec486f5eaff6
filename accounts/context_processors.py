def registration(request): return {}
