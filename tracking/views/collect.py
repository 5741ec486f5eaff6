from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from tracking.collector.collect import collect


@method_decorator(csrf_exempt, name="dispatch")
class CollectView(View):
    """The collector's door where Django is served without the collector's WSGI wrapper.

    `path` is the collector's own path, to be filled from the URL: the app's URLs may be
    included below any other.
    """

    path = ""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        environ = request.META | {"PATH_INFO": self.path.format(**kwargs)}
        answer = collect(environ, request.read)
        if answer is None:
            raise Http404
        return HttpResponse(
            answer.body, status=int(answer.status[:3]), headers=dict(answer.headers)
        )
