// Reports page views of the page that includes it, to the address it was loaded from:
//   <script defer src="https://stats.example.com/t/<public id>.js"></script>
// Sets no cookie and stores nothing. `tracking("Sign-up")` reports an event of your own.
(function () {
  "use strict";
  var endpoint = document.currentScript.src.replace(/\.js([?#].*)?$/, "");
  var referrer = document.referrer;
  var lastUrl;

  function send(event, url) {
    var body = JSON.stringify({ event: event, url: url, referrer: referrer });
    // text/plain needs no preflight; both ways survive the page being left at once.
    try {
      if (!navigator.sendBeacon || !navigator.sendBeacon(endpoint, body)) {
        fetch(endpoint, { method: "POST", body: body, keepalive: true }).catch(function () {});
      }
    } catch (error) {
      // The page that includes us must never notice.
    }
  }

  function pageview() {
    var url = location.href;
    var page = url.split("#")[0];
    if (page === lastUrl) return;
    if (lastUrl) referrer = lastUrl;
    lastUrl = page;
    send("pageview", url);
  }

  ["pushState", "replaceState"].forEach(function (name) {
    var original = history[name];
    history[name] = function () {
      var result = original.apply(this, arguments);
      pageview();
      return result;
    };
  });
  addEventListener("popstate", pageview);

  window.tracking = function (event) {
    send(String(event), location.href);
  };

  if (document.prerendering) document.addEventListener("prerenderingchange", pageview);
  else pageview();
})();
