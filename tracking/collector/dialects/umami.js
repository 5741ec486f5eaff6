// Umami's dialect, put before tracker.js: its snippets go on saying what they say.
//   <script defer data-website-id="…" src="https://stats.example.com/script.js">
{
  const element = document.currentScript;
  const data = element.dataset;
  const host = data.hostUrl || new URL(element.src).origin;

  const disabled = () => {
    try {
      return localStorage.getItem("umami.disabled");
    } catch (_) {}
  };

  // What Umami calls a payload: a function of the page may change it.
  function transform(hit) {
    if (disabled()) return;
    const event = hit.event;
    const measured = event == "Performance";
    const payload = {
      website: data.websiteId,
      hostname: location.hostname,
      url: hit.url,
      referrer: hit.referrer,
      title: hit.title,
      screen: hit.screen,
      language: hit.language,
      tag: data.tag,
      name: measured || event == "pageview" ? undefined : event,
      data: measured ? undefined : hit.props,
      engaged: hit.engaged,
      scroll: hit.scroll,
      ...(measured && hit.props),
      ...hit.payload,
    };
    const type = hit.type || (measured ? "performance" : "event");
    const change = self[data.beforeSend];
    const sent = change ? change(type, payload) : payload;
    return sent && { type, payload: sent };
  }

  const track = (what, more) => {
    const usual = { website: data.websiteId, url: location.href, title: document.title };
    const payload = typeof what == "function" ? what(usual) : what;
    if (typeof payload == "string") self.tracking(payload, { props: more });
    else self.tracking((payload && payload.name) || "pageview", { payload });
    return Promise.resolve();
  };
  const identify = (id, more = id) => {
    const only = (type, value) => (typeof value == type ? value : undefined);
    const payload = { id: only("string", id), data: only("object", more) };
    self.tracking("identify", { type: "identify", payload });
    return Promise.resolve();
  };
  self.umami = { track, identify };

  const click = (event) => {
    const tagged = event.target.closest("[data-umami-event]");
    if (!tagged) return;
    const props = {};
    for (const { name, value } of tagged.attributes)
      if (/^data-umami-event-/.test(name)) props[name.slice(17)] = value;
    track(tagged.dataset.umamiEvent, props);
  };
  addEventListener("click", click, true);

  self.tracking = {
    o: {
      api: host.replace(/\/$/, "") + "/api/send",
      manual: data.autoTrack == "false",
      dnt: data.doNotTrack == "true",
      domains: data.domains || location.hostname,
      performance: data.performance == "true",
      local: 1,
      outbound: 0,
      forms: 0,
      downloads: "",
      transform,
    },
  };
}
