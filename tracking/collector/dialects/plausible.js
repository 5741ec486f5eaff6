// Plausible's dialect, put before tracker.js: its snippets go on saying what they say.
//   <script defer data-domain="example.com" src="https://stats.example.com/js/script.hash.js">
// Options are the extensions in the name of the file, attributes, or plausible.init({…}).
{
  const element = document.currentScript;
  const data = element.dataset;
  const file = element.src.split("/").pop();
  const before = self.plausible || {};
  const has = (extension) => file.includes("." + extension);
  const attribute = (name) => element.getAttribute(name);
  let given = before.o || {};
  let late; // options that were chosen after the first look at them
  // A snippet with options of its own may come to them after this script has come.
  const waits = /^pa-/.test(file) && !before.o;

  const options = () => {
    const files = given.fileDownloads || has("file-downloads");
    const usual =
      "pdf,xlsx,docx,txt,rtf,csv,exe,key,pps,ppt,pptx,7z,pkg,rar,gz,zip," +
      "avi,mov,mp4,mpeg,wmv,midi,mp3,wav,wma,dmg";
    const more = attribute("add-file-types");
    return {
      api: given.endpoint || data.api || new URL("/api/event", element.src).href,
      manual: waits || given.autoCapturePageviews === false || has("manual"),
      hash: given.hashBasedRouting || has("hash"),
      outbound: given.outboundLinks || has("outbound-links"),
      forms: given.formSubmissions || has("form-submissions"),
      local: given.captureOnLocalhost || has("local"),
      include: "*", // and exclude: see transform
      exclude: "",
      downloads: files
        ? (files.fileExtensions || [attribute("file-types") || usual]).join() + (more ? "," + more : "")
        : "",
    };
  };

  // `*` is a part of a path, `**` any number of them.
  const matches = (globs, path) =>
    globs.split(",").some((glob) =>
      RegExp(
        "^" +
          glob
            .trim()
            .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
            .replace(/\*\*?/g, (stars) => (stars[1] ? ".*" : "[^/]*")) +
          "/?$"
      ).test(path)
    );

  // The properties that the element, or a function of the page, adds.
  const properties = (event) => {
    const custom = given.customProperties;
    const props = { ...(typeof custom == "function" ? custom(event) : custom) };
    if (event == "pageview")
      for (const { name, value } of element.attributes)
        if (/^event-/.test(name)) props[name.slice(6)] = value;
    return props;
  };

  const ignored = () => {
    try {
      return localStorage.plausible_ignore == "true";
    } catch (_) {}
  };

  function transform(hit) {
    if (late) Object.assign(this, late);
    late = 0;
    const event = hit.event;
    const [path, fragment] = hit.page.split("#");
    if (
      ignored() ||
      (data.include && !matches(data.include, path)) ||
      (data.exclude && matches(data.exclude, path)) ||
      (event == "File Download" && !this.downloads)
    )
      return;
    const request = {
      n: event,
      u: hit.url + (fragment ? "#" + fragment : ""),
      h: fragment ? 1 : 0,
      d: given.domain || data.domain || location.hostname,
      r: hit.referrer || null,
      p: event == "engagement" ? undefined : { ...properties(event), ...hit.props },
      i: hit.interactive,
      e: hit.engaged,
      sd: hit.scroll,
      $: hit.revenue && { amount: hit.revenue, currency: hit.currency },
      title: hit.title,
      screen: hit.screen,
      language: hit.language,
    };
    return given.transformRequest ? given.transformRequest(request) : request;
  }

  const call = (name, { u, url = u, revenue = {}, ...rest } = {}) => [
    name,
    { url, revenue: revenue.amount, currency: revenue.currency, ...rest },
  ];
  self.plausible = (...event) => self.tracking(...call(...event));
  self.plausible.l = true;
  self.plausible.init = (chosen = {}) => {
    const manual = chosen.autoCapturePageviews === false;
    given = chosen;
    late = { ...options(), manual };
    if (!manual) self.tracking("pageview");
  };

  // Elements say by their classes what a click on them, or sending them, is.
  const tagged = (event) => {
    let tag = event.target;
    const name = /plausible-event-name(?:=|--)(\S+)/;
    for (let level = 0; tag && level < 4 && !name.test(tag.className); level++) tag = tag.parentElement;
    const found = tag && name.exec(tag.className);
    if (!found || (tag.tagName == "FORM") != (event.type == "submit") || event.button > 1) return;
    const plain = (text) => text.replace(/\+/g, " ");
    const props = {};
    const revenue = {};
    for (const part of tag.classList) {
      const [, kind, key, value] = /^plausible-(event|revenue)-(.+?)(?:=|--)(.+)$/.exec(part) || [];
      if (kind == "revenue") revenue[key] = value;
      else if (kind && key != "name") props[key] = plain(value);
    }
    const link = event.target.closest("a[href]");
    if (link) props.url = link.href;
    self.plausible(plain(found[1]), { props, revenue });
  };
  for (const type of ["click", "auxclick", "submit"]) addEventListener(type, tagged, true);

  self.tracking = { o: { ...options(), transform }, q: [...(before.q || [])].map((event) => call(...event)) };
}
