import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracking_project.settings")
django_application = get_wsgi_application()

from tracking.collector.wsgi import with_collector  # noqa: E402  (needs Django set up)

# A page that computes keeps the interpreter this long from a thread with a hit (5 ms by default,
# several times for each).
sys.setswitchinterval(0.0001)

application = with_collector(django_application)
