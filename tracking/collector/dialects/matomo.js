// Matomo's dialect, put before tracker.js: its snippets go on saying what they say.
//   _paq.push(["setTrackerUrl", "https://stats.example.com/matomo.php"], ["setSiteId", "1"]);
{
  const element = document.currentScript;
  const said = self._paq || [];
  const first = /^(set|enable|disable|require|optUser|forget)/;
  const state = { url: new URL("matomo.php", element.src).href, consent: true };
  const waiting = []; // for consent
  const links = { "Outbound Link: Click": "link", "File Download": "download" };

  function transform(hit) {
    const event = hit.event;
    const link = links[event];
    if (link && !hit.matomo && !state.links) return;
    this.api = state.url;
    const parameters = {
      idsite: state.site,
      rec: 1,
      url: state.page || hit.url,
      urlref: state.referrer === undefined ? hit.referrer : state.referrer,
      action_name: hit.name || state.title || hit.title,
      res: hit.screen,
      lang: hit.language,
      ...(link && !hit.matomo && { [link]: hit.props.url }),
      ...(event == "engagement" && { ping: 1, engaged: hit.engaged, scroll: hit.scroll }),
      ...hit.matomo,
    };
    for (const name in parameters) if (parameters[name] == null) delete parameters[name];
    return { requests: ["?" + new URLSearchParams(parameters)] };
  }

  const track = (event, extra) => {
    if (state.consent) self.tracking(event, extra);
    else waiting.push([event, extra]);
  };
  const remember = (out) => {
    try {
      if (out) localStorage.tracking = "off";
      else localStorage.removeItem("tracking");
    } catch (_) {}
  };

  const commands = {
    setTrackerUrl: (url) => (state.url = new URL(url, location).href),
    setSiteId: (site) => (state.site = site),
    setCustomUrl: (url) => (state.page = new URL(url, location).href),
    setDocumentTitle: (title) => (state.title = title),
    setReferrerUrl: (url) => (state.referrer = url),
    enableLinkTracking: (on) => (state.links = on !== false),
    setDoNotTrack: (on) => (state.dnt = on),
    requireConsent: () => (state.consent = false),
    setConsentGiven: () => {
      state.consent = true;
      for (const call of waiting.splice(0)) track(...call);
    },
    optUserOut: () => remember(true),
    forgetUserOptOut: () => remember(false),
    trackPageView: (name) => track("pageview", { name }),
    trackEvent: (e_c, e_a, e_n, e_v) => track("event", { matomo: { e_c, e_a, e_n, e_v } }),
    trackGoal: (idgoal, revenue) => track("goal", { matomo: { idgoal, revenue } }),
    trackSiteSearch: (search, search_cat, search_count) =>
      track("search", { matomo: { search, search_cat: search_cat || undefined, search_count } }),
    trackLink: (url, kind) => track("link", { matomo: { [kind == "download" ? kind : "link"]: url } }),
  };
  const run = ([name, ...given]) => {
    if (typeof name == "function") name.call(commands);
    else if (commands[name]) commands[name](...given);
  };

  const early = said.filter(([name]) => first.test(name));
  early.map(run);
  self.tracking = {
    o: { api: state.url, manual: 1, dnt: state.dnt, local: 1, forms: 0, transform },
  };
  // The rest needs tracker.js, which comes after this.
  const rest = said.filter((call) => !early.includes(call));
  self._paq = { push: (...calls) => calls.map(run) };
  Promise.resolve().then(() => rest.map(run));
}
