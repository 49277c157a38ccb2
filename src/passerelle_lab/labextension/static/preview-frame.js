/* The walls around her page (docs/decisions/0017-preview.md), and what runs inside them.
 *
 * Lab -> a frame of ours (`outer`, a data: address) -> a frame in it with her page (srcdoc). Both are sandboxed: of an
 * origin of their own, that has no cookie and no storage and is no part of Lab. The outer one carries a policy that the
 * inner one inherits, and that forbids it to load, to send, or to become anything of the network.
 */

/** Her forms may be checked by the browser and by her scripts; that one is sent, the policy forbids. */
export const SANDBOX = "allow-scripts allow-forms";

export const POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' data:",
  "style-src 'unsafe-inline' data:",
  "img-src data:",
  "font-src data:",
  "media-src data:",
  "connect-src data:",
  "frame-src 'none'",
  "form-action 'none'",
  "base-uri 'none'",
].join("; ");

export const dataUrl = (type, text) => `data:${type};charset=utf-8,${encodeURIComponent(text)}`;

/** The outer frame: it takes her page from Lab, shows it, and hands on what it says. */
export function outerPage() {
  const style = "html,body{block-size:100%;margin:0;background:#fff}iframe{position:fixed;inset:0;inline-size:100%;block-size:100%;border:0}";
  return `<!doctype html><meta http-equiv="Content-Security-Policy" content="${POLICY}"><style>${style}</style><body>
<script>(${inOuter})(${JSON.stringify(SANDBOX)})</script>`;
}

/** Her page with our eyes in front. All on the first line of hers: the browser's line numbers are those of her file. */
export function innerPage(html, about) {
  const doctype = /^\s*(?:<!--[\s\S]*?-->\s*)*<!doctype[^>]*>/i.exec(html)?.[0] ?? "";
  const eyes = `<script src="${dataUrl("text/javascript", `(${inPage})(${JSON.stringify(about)})`)}"></script>`;
  return doctype + eyes + html.slice(doctype.length);
}

function inOuter(sandbox) {
  const lab = window.parent;
  let shown = null;
  window.addEventListener("message", (event) => {
    if (event.source === lab && event.data.html !== undefined) {
      const before = shown;
      shown = document.createElement("iframe");
      shown.setAttribute("sandbox", sandbox);
      shown.title = event.data.title;
      shown.srcdoc = event.data.html;
      // The page before stays until this one is there: nothing blinks.
      shown.addEventListener("load", () => before?.remove());
      document.body.append(shown);
    } else if (event.source === lab) {
      shown?.contentWindow?.postMessage(event.data, "*");
    } else if (shown && event.source === shown.contentWindow) {
      lab.postMessage({ page: event.data }, "*");
    }
  });
  lab.postMessage({ outer: "ready" }, "*");
}

function inPage({ files, scroll }) {
  const MOST = 60;
  const LONGEST = 600;
  const outer = window.parent;
  let said = 0;
  document.currentScript.remove();
  const tell = (kind, about = {}) => {
    said += 1;
    if (said <= MOST || kind === "pong" || kind === "scroll" || kind === "loaded") {
      outer.postMessage({ kind, ...about }, "*");
    }
  };
  const short = (text) => String(text).slice(0, LONGEST);
  const shown = (value) => {
    if (typeof value === "string") {
      return value;
    }
    if (value instanceof Error) {
      return `${value.name}: ${value.message}`;
    }
    try {
      return value instanceof Node ? (value.outerHTML ?? value.nodeName) : (JSON.stringify(value) ?? String(value));
    } catch {
      return String(value);
    }
  };
  const where = (event) => ({ file: short(event.filename ?? event.sourceFile ?? "").slice(0, 200), line: event.lineno ?? event.lineNumber ?? 0 });

  for (const level of ["log", "info", "debug", "warn", "error"]) {
    const own = console[level];
    console[level] = (...values) => {
      own.apply(console, values);
      tell("said", { level, text: short(values.map(shown).join(" ")) });
    };
  }
  for (const name of ["alert", "confirm", "prompt", "print"]) {
    window[name] = (words = "") => {
      tell("dialog", { text: short(words) });
      return name === "confirm" ? false : name === "prompt" ? null : undefined;
    };
  }
  window.addEventListener("error", (event) => {
    if (event instanceof ErrorEvent) {
      tell("error", { text: short(event.message), ...where(event) });
    }
  });
  window.addEventListener("unhandledrejection", ({ reason }) => tell("error", { text: short(shown(reason)), file: "", line: 0 }));
  document.addEventListener("securitypolicyviolation", (event) => {
    tell("blocked", { address: short(event.blockedURI), directive: event.effectiveDirective, ...where(event) });
  });
  // Links go nowhere here: one inside the page is followed, another is told.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href], area[href]");
    const href = link?.getAttribute("href");
    if (!link || event.defaultPrevented || /^javascript:/i.test(href)) {
      return;
    }
    event.preventDefault();
    if (href.startsWith("#")) {
      location.hash = href;
    } else {
      tell("link", { address: short(href) });
    }
  });

  // Her own files, where her scripts ask for them by name.
  const mine = (name) => files[String(name).replace(/^(\.?\/)+/, "")] ?? name;
  const { fetch } = window;
  window.fetch = (what, how) => fetch(typeof what === "string" ? mine(what) : what, how);
  const src = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  Object.defineProperty(HTMLImageElement.prototype, "src", {
    ...src,
    set(value) {
      src.set.call(this, mine(value));
    },
  });

  window.addEventListener("message", (event) => event.source === outer && event.data === "ping" && tell("pong"));
  window.addEventListener("scroll", () => tell("scroll", { at: [scrollX, scrollY] }), { passive: true });
  window.addEventListener("load", () => {
    scrollTo({ left: scroll[0], top: scroll[1], behavior: "instant" });
    tell("loaded");
  });
}
