// Reports what happens on the page that includes it, to the address it was loaded from:
//   <script defer src="https://stats.example.com/t/<public id>.js"></script>
// It sets no cookie and stores nothing; it only reads a visitor's wish not to be counted. Its
// options are data attributes of that element: docs/collecting.md has them, and `tracking(…)`.
//
// Every byte is paid by every visitor. What is served is tracker.min.js, which `make script` makes
// of this file; a test holds it below 2,000 bytes of gzip. Syntax: ES2019.
//
// Another tracker's dialect is a small script before this one in the same response. It sets
//   window.tracking = { o: {…}, q: [[name, extra], …] }
// `o` has options by the names of their attributes and wins over those; `api` is the address to
// report to. `o.transform(hit)` answers the object to send instead of a hit, which has the keys
// that POST /t/<public id> takes, or nothing if none is to be sent; `this` are the options, which
// it may change. `q` are calls of `tracking`, made after the first page view. From then on
// `window.tracking` is the function, and `tracking("pageview", {url: …})` is a page view in any
// dialect.
try {
  const doc = document;
  const before = self.tracking || {};
  const options = {
    api: doc.currentScript.src.replace(/\.js[^/]*$/, ""),
    domains: location.hostname,
    include: "*",
    downloads:
      "pdf,doc*,xls*,ppt*,od*,csv,txt,zip,rar,7z,gz,tgz,dmg,exe,msi,apk,mp*,avi,mov",
    outbound: 1,
    forms: 1,
    ...doc.currentScript.dataset,
    ...before.o,
  };
  // The same script twice on a page, or run again by a framework, counts once.
  if (before.api == options.api) throw 0;

  // Nothing that goes wrong here may be noticed by the page.
  const safely = (run) => (...given) => {
    try {
      return run(...given);
    } catch (_) {}
  };

  let referrer = doc.referrer.split("?")[0];
  let last; // the page that was counted last, or will be in a moment
  let current; // its hit, to which engagement belongs
  let timer;
  let since; // when somebody began to look, nothing while nobody does
  let engaged; // milliseconds that were not reported yet
  let depth; // how far down somebody has seen, in pixels
  let reported; // how far down was reported, in percent
  let vitals;

  // What is off, false or, since it is missing, undefined has an f in it.
  const asked = (name) => !/f|^0/.test(options[name]);

  // Is `text` one of a list as in "/blog/*, /about"? `*` stands for anything.
  const matches = (globs = "", text) =>
    RegExp(
      "^(" +
        globs.replace(/\s*,\s*/g, "|").replace(/[^\w|*]/g, "\\$&").replace(/\*/g, ".*") +
        ")$",
      "i"
    ).test(text);

  // What is reported of an address: that of the page, unless another one is given.
  const place = (href) => {
    const link = !href && asked("canonical") && doc.querySelector("[rel=canonical]");
    const from = new URL(href || location, location);
    const { origin, pathname } = new URL(link ? link.href : from);
    const query = (names) =>
      from.search
        .replace(/[?&]([^=&]*)[^&]*/g, (part, name) => (matches(names, name) ? part : ""))
        .replace(/^&/, "?");
    return {
      // Files and apps have no host that could be told.
      url:
        (/^http/.test(origin) ? origin : "") +
        pathname +
        query("utm_*,ref,source,*cl*id,*braid,li_fat_id,rdt_cid,sccid,igsh*,mc_*"),
      page:
        (!href && options.page) ||
        pathname + query(options.query) + (asked("hash") ? from.hash.split("?")[0] : ""),
    };
  };

  const optedOut = safely(() => localStorage.tracking == "off");

  const send = (hit) => {
    if (
      (asked("local") || !matches("localhost,127.*,[::1],", location.hostname)) &&
      !(asked("dnt") && (navigator.doNotTrack == 1 || navigator.globalPrivacyControl)) &&
      matches(options.domains, location.hostname) &&
      matches(options.include, hit.page) &&
      !matches(options.exclude, hit.page) &&
      !optedOut() &&
      (!options.transform || (hit = options.transform(hit)))
    ) {
      hit = JSON.stringify(hit);
      // A beacon survives the page; browsers refuse one when too much is under way.
      if (!navigator.sendBeacon(options.api, hit))
        fetch(options.api, { method: "POST", body: hit }).catch(() => {});
    }
  };

  const track = safely((event, { url, ...extra } = {}) => {
    const hit = {
      event,
      title: doc.title,
      screen: screen.width + "x" + screen.height,
      language: navigator.language,
      referrer,
      ...place(url),
      ...extra,
    };
    send(hit);
    if (extra.callback) setTimeout(extra.callback);
    if (event == "pageview") {
      leave();
      current = hit;
      since = engaged = depth = reported = 0;
      look();
      if (doc.querySelector("[data-404]"))
        track("404", { interactive: false });
    }
  });

  // Takes note of what was seen until now. Called whenever that may be about to change.
  const look = () => {
    const now = performance.now();
    engaged += since && now - since;
    since = !doc.hidden && doc.hasFocus() && now;
    depth = Math.max(depth, scrollY + innerHeight);
  };

  // Reports how long, and how far down, the current page was looked at since that was done last.
  const leave = () => {
    if (!current) return;
    look();
    const scroll = Math.min(100, ((100 * depth) / doc.documentElement.scrollHeight + 0.5) | 0);
    if (engaged > 999 || scroll > reported) {
      send({ ...current, event: "engagement", engaged: engaged | 0, scroll });
      engaged = 0;
      reported = scroll;
    }
    if (vitals) {
      // Not by the observer below: Safari tells it of a page that has not loaded yet.
      const entry = performance.getEntriesByType("navigation")[0];
      vitals.ttfb = entry.responseStart | 0;
      if (entry.loadEventEnd) vitals.load = entry.loadEventEnd | 0;
      send({ ...current, event: "Performance", props: vitals, interactive: false });
      vitals = 0;
    }
  };

  // Counts the page if it is another one than before, and somebody sees it.
  const route = safely(() => {
    const page = place(location).page;
    if (doc.hidden) leave();
    else if (!asked("manual") && page != last) {
      leave();
      clearTimeout(timer);
      if (last) {
        options.page = 0; // the element said it of the first page only
        referrer = current.url;
        current = 0;
        // Frameworks write the title after the address.
        timer = setTimeout(track, 300, "pageview");
      } else track("pageview");
      last = page;
    }
  });

  const each = (words, run) => words.split(" ").map(run);
  const listen = (types, handle) =>
    each(types, (type) => addEventListener(type, safely(handle), true));

  listen("focus blur scroll", look);
  listen("pageshow visibilitychange popstate", route); // popstate: of a hash, too
  listen("pagehide", () => {
    leave();
    last = since = 0; // a page that comes back from the back/forward cache is viewed again
  });
  each("pushState replaceState", (name) => {
    const original = history[name];
    history[name] = (...given) => {
      original.apply(history, given);
      route();
    };
  });

  listen("click auxclick submit", (event) => {
    const target = event.target;
    const submitted = event.type == "submit";
    const tagged = target.closest("[data-track]");
    const link = target.closest("a, area");
    if (event.button > 1) return;
    if (tagged && (tagged.tagName == "FORM") == submitted) {
      const given = {};
      for (const { name, value } of tagged.attributes)
        if (/^data-track-/.test(name)) given[name.slice(11)] = value;
      const { revenue, currency, ...props } = given;
      track(tagged.dataset.track, { props, revenue, currency });
    }
    if (submitted) {
      if (asked("forms")) track("Form: Submission");
    } else if (/^http/.test(link)) {
      const props = { url: link.origin + link.pathname };
      if (
        link.hasAttribute("download") ||
        matches(options.downloads, link.pathname.split(".").pop())
      )
        track("File Download", { props });
      else if (asked("outbound") && !matches(options.domains, link.hostname))
        track("Outbound Link: Click", { props });
    }
  });

  self.tracking = track;
  track.api = options.api;
  route();
  (before.q || []).map((call) => track(...call));

  if (asked("performance") && !doc.hidden) {
    // Only Chromium tells of layout shifts.
    vitals = { cls: self.LayoutShift && 0 };
    // Layout shifts count by windows: those within a second of the one before, five in all.
    let first, previous, sum;
    const observer = new PerformanceObserver((list) =>
      list.getEntries().map((entry) => {
        const now = entry.startTime;
        if (entry.size) vitals.lcp = now | 0;
        if (entry.interactionId) vitals.inp = Math.max(vitals.inp || 0, entry.duration);
        if (entry.hadRecentInput === false) {
          if (!(now - previous < 1000 && now - first < 5000)) {
            first = now;
            sum = 0;
          }
          previous = now;
          vitals.cls = Math.max(vitals.cls, (sum += entry.value).toFixed(3));
        }
      })
    );
    each("largest-contentful-paint event layout-shift", (type) =>
      observer.observe({ type, buffered: true, durationThreshold: 16 })
    );
  }
} catch (_) {}
