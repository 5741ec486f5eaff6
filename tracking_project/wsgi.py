import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracking_project.settings")
django_application = get_wsgi_application()

from tracking.collector.wsgi import with_collector  # noqa: E402  (needs Django set up)

application = with_collector(django_application)
