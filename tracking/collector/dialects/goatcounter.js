// GoatCounter's dialect, put before tracker.js: its snippets go on saying what they say.
//   <script data-goatcounter="https://stats.example.com/example.com/count" async src="…/count.js">
{
  const element = document.currentScript;
  const given = self.goatcounter || {};
  const parsed = (text) => {
    try {
      return JSON.parse(text || "{}");
    } catch (_) {
      return {};
    }
  };
  const settings = { ...given, ...parsed(element.dataset.goatcounterSettings) };
  const endpoint =
    settings.endpoint || element.dataset.goatcounter || new URL("/count", element.src).href;

  // What GoatCounter is told stands in the address, also of a POST.
  const address = (hit) => {
    const value = (name, usual) => {
      const own = (hit.vars && name in hit.vars ? hit.vars : settings)[name];
      return own === undefined ? usual : typeof own == "function" ? own(usual) : own;
    };
    const event = value("event", false);
    const path = value("path", hit.page);
    if (path === null) return;
    const parameters = {
      p: path,
      t: value("title", hit.title),
      r: value("referrer", hit.referrer),
      e: event,
      s: [screen.width, screen.height, devicePixelRatio || 1],
      q: new URL(hit.url, location).search,
      b: navigator.webdriver ? 150 : 0,
      rnd: Math.random().toString(36).slice(2, 7),
    };
    if (hit.event == "engagement")
      Object.assign(parameters, { engaged: hit.engaged, scroll: hit.scroll });
    return endpoint + "?" + new URLSearchParams(parameters);
  };

  function transform(hit) {
    if (!/^(pageview|engagement|event)$/.test(hit.event)) return;
    this.api = address(hit);
    return this.api && {};
  }

  const count = (vars = {}) => self.tracking(vars.event ? "event" : "pageview", { vars });
  const filter = () => {
    try {
      if (localStorage.getItem("skipgc") == "t") return "disabled with #toggle-goatcounter";
    } catch (_) {}
    return !settings.allow_frame && self !== parent && "frame";
  };
  const elements = () => {
    for (const found of document.querySelectorAll("[data-goatcounter-click]")) {
      if (found.goatcounter) continue;
      found.goatcounter = true;
      const data = found.dataset;
      const vars = () => ({
        path: data.goatcounterClick || found.name || found.id,
        title: data.goatcounterTitle || found.title || "",
        referrer: data.goatcounterReferrer || "",
        event: true,
      });
      for (const type of ["click", "auxclick"]) found.addEventListener(type, () => count(vars()));
    }
  };
  const ready = (run) =>
    document.readyState == "loading" ? addEventListener("DOMContentLoaded", run) : run();

  self.goatcounter = {
    ...settings,
    count,
    filter,
    bind_events: elements,
    get_query: (name) => new URLSearchParams(location.search).get(name),
    url: (vars) => {
      const { title, referrer } = document;
      return address({ vars, page: location.pathname, url: location.href, title, referrer });
    },
  };
  if (!settings.no_events) ready(elements);

  self.tracking = {
    o: {
      api: endpoint,
      manual: 1,
      local: settings.allow_local,
      outbound: 0,
      forms: 0,
      transform,
    },
    q: settings.no_onload || filter() ? [] : [["pageview"]],
  };
}
