/* Her page as one text: her own files (as typed in a cell, else as saved) put in the place of their names. */
import { cellsOf, isCode, source } from "./cells.js";

const WRITES = /^%%(?:writefile|file)[ \t]+(["']?)([^"'\n]+?)\1[ \t]*(?:\n|$)/;
const MOST_BYTES = 3_000_000;
const MOST_IMPORTS = 6;
const TYPES = {
  avif: "image/avif", css: "text/css", csv: "text/csv", gif: "image/gif", html: "text/html", jpeg: "image/jpeg",
  jpg: "image/jpeg", js: "text/javascript", json: "application/json", mjs: "text/javascript", mp3: "audio/mpeg",
  mp4: "video/mp4", ogg: "audio/ogg", otf: "font/otf", png: "image/png", svg: "image/svg+xml", ttf: "font/ttf",
  txt: "text/plain", vtt: "text/vtt", webm: "video/webm", webp: "image/webp", woff: "font/woff", woff2: "font/woff2",
};

const typeOf = (path) => TYPES[path.split(".").at(-1).toLowerCase()] ?? "application/octet-stream";
const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
const base64Of = (text) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

/** The file that a cell writes: its path and text; null where it writes none. */
export function written(cell) {
  const text = isCode(cell) ? source(cell) : "";
  const found = WRITES.exec(text);
  return found && !found[2].startsWith("-") ? { path: found[2].trim().replace(/^\.\//, ""), text: text.slice(found[0].length) } : null;
}

/** Where a name in one of her files leads: a path in her unit's folder; null where it leads elsewhere or nowhere. */
export function pathOf(name, from) {
  if (/^\s*([a-z][a-z0-9+.-]*:|\/\/|#|$)/i.test(name)) {
    return null;
  }
  try {
    const { pathname } = new URL(name.trim().replaceAll("&amp;", "&"), `https://unit.invalid/${from}`);
    const path = decodeURIComponent(pathname.slice(1));
    // What is decoded may hold a way out of the folder again.
    return path.split(/[/\\]/).some((part) => part === "" || part.startsWith(".")) ? null : path;
  } catch {
    return null;
  }
}

async function replaced(text, pattern, make) {
  const made = await Promise.all([...text.matchAll(pattern)].map((found) => make(...found)));
  let next = 0;
  return text.replace(pattern, () => made[next++]);
}

export const isPage = (path) => /\.html?$/i.test(path);

export class Files {
  constructor(panel, contents) {
    Object.assign(this, { panel, contents, saved: new Map(), known: new Map() });
  }

  /** Ask for saved files anew: something may have written them. */
  forget() {
    this.saved.clear();
  }

  /** What her cells write, by path, as the cells read now. The last one counts, as in a run from the top. */
  get typed() {
    const all = cellsOf(this.panel).map(written).filter(Boolean);
    return new Map(all.map(({ path, text }) => [path, text]));
  }

  /** A file's content in base64: null where there is none; the one last known where the server does not answer. */
  async read(path) {
    const typed = this.typed.get(path);
    return typed === undefined ? this.readSaved(path) : base64Of(typed);
  }

  readSaved(path) {
    if (!this.saved.has(path)) {
      this.saved.set(path, this.fetchSaved(path));
    }
    return this.saved.get(path);
  }

  async fetchSaved(path) {
    const folder = this.panel.context.path.split("/").slice(0, -1).join("/");
    const place = folder ? `${folder}/${path}` : path;
    try {
      const { size } = await this.contents.get(place, { content: false });
      const content = size > MOST_BYTES ? undefined : (await this.contents.get(place, { type: "file", format: "base64", content: true })).content;
      const known = content === undefined ? { large: true } : { content: content.replaceAll("\n", "") };
      this.known.set(path, known);
    } catch (error) {
      if (error.response) {
        this.known.set(path, { content: null });
      } else {
        this.saved.delete(path);
      }
    }
    return this.known.get(path) ?? { silent: true };
  }

  /** The first of these files whose cell reads otherwise than the file holds; null where none does. */
  async unsaved(paths) {
    const differs = await Promise.all(paths.map((path) => this.isUnsaved(path)));
    return paths[differs.indexOf(true)] ?? null;
  }

  async isUnsaved(path) {
    const typed = this.typed.get(path);
    if (typed === undefined) {
      return false;
    }
    const { content } = await this.readSaved(path);
    // The magic writes a line's end where the cell has none.
    const text = content ? new TextDecoder().decode(bytesOf(content)) : content;
    return text === null || (text !== undefined && text.replace(/\n$/, "") !== typed.replace(/\n$/, ""));
  }

  /** Her page with her files in it: `html` (null: there is none), and which files are in it, absent, too large or unread. */
  async assemble(page) {
    const about = { used: new Set(), absent: new Set(), large: new Set(), silent: new Set(), files: {} };
    const html = await this.text(page, about);
    if (html === null) {
      return { html, ...about };
    }
    return { html: await this.inHtml(html, page, about), ...about };
  }

  async content(path, about) {
    about.used.add(path);
    const found = await this.read(path);
    const { content = null, ...why } = typeof found === "string" ? { content: found } : found;
    if (content === null) {
      const kind = why.large ? "large" : why.silent ? "silent" : "absent";
      about[kind].add(path);
    }
    return content;
  }

  async text(path, about) {
    const content = await this.content(path, about);
    return content === null ? null : new TextDecoder().decode(bytesOf(content));
  }

  /** A file as a data: address that says its name; null where there is none. */
  async address(path, about, depth = 0) {
    let content = await this.content(path, about);
    const type = typeOf(path);
    if (content !== null && depth < MOST_IMPORTS && (type === "text/css" || type === "text/javascript")) {
      const inside = type === "text/css" ? this.inCss : this.inScript;
      content = base64Of(await inside.call(this, new TextDecoder().decode(bytesOf(content)), path, about, depth + 1));
    }
    return content === null ? null : `data:${type};name=${encodeURIComponent(path)};base64,${content}`;
  }

  /** A name replaced by its file's address; the name itself where there is no such file. */
  async named(name, from, about, depth) {
    const path = pathOf(name, from);
    return (path && (await this.address(path, about, depth))) ?? name;
  }

  inHtml(html, page, about) {
    const inside = `(?:"[^"]*"|'[^']*'|[^'">])*`;
    const parts = new RegExp(`<!--[\\s\\S]*?-->|<(script|style)\\b(${inside})>([\\s\\S]*?)(?=</\\1|$)|<[a-z]${inside}>`, "gi");
    return replaced(html, parts, async (whole, raw, attributes, text) => {
      if (whole.startsWith("<!--")) {
        return whole;
      }
      if (raw === undefined) {
        return this.inTag(whole, page, about);
      }
      const inner = raw.toLowerCase() === "style" ? this.inCss(text, page, about, 0) : this.inScript(text, page, about, 0);
      return `<${raw}${await this.inTag(attributes, page, about, raw)}>${await inner}`;
    });
  }

  inTag(tag, page, about, name = /^<([\w-]*)/.exec(tag)?.[1] ?? "") {
    const attributes = /(\s)(src|href|poster|srcset|data|style)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi;
    return replaced(tag, attributes, async (whole, space, attribute, equals, quoted) => {
      const kind = attribute.toLowerCase();
      const isLink = name.toLowerCase() === "link";
      if ((kind === "href" && (!isLink || !/stylesheet/i.test(tag))) || (kind === "data" && !/^object$/i.test(name))) {
        return whole;
      }
      const quote = /^["']/.exec(quoted)?.[0] ?? "";
      const value = quote ? quoted.slice(1, -1) : quoted;
      const put = {
        style: () => this.inCss(value, page, about, 0, quote === "'" ? '"' : "'"),
        srcset: () => replaced(value, /(^|,\s+)([^\s,]+)/g, async (_, before, one) => before + (await this.named(one, page, about, 0))),
      }[kind];
      return `${space}${attribute}${equals}${quote || '"'}${await (put ? put() : this.named(value, page, about, 0))}${quote || '"'}`;
    });
  }

  inCss(css, path, about, depth, quote = '"') {
    const names = /(url\(\s*|@import\s+(?!url))(["']?)([^"')\s]+)\2(\s*\))?/gi;
    return replaced(css, names, async (whole, before, _, name, after = "") => {
      const address = await this.named(name, path, about, depth);
      return address === name ? whole : `${before}${quote}${address}${quote}${after}`;
    });
  }

  /** Modules are imported by their files; what a script names as text can be asked for (`files` of the frame). */
  async inScript(script, path, about, depth) {
    const names = script.matchAll(/["'`]((?:\.?\/)?[\w][\w./-]*\.(\w{2,5}))["'`]/g);
    for (const [, name, ending] of names) {
      const own = TYPES[ending.toLowerCase()] && !["js", "mjs"].includes(ending) ? pathOf(name, "") : null;
      // Not every text that looks like a name is one: nothing is said of those that are not there.
      const address = own && !(own in about.files) ? await this.address(own, { ...about, absent: new Set() }, depth) : null;
      if (address) {
        about.files[own] = address;
      }
    }
    const imports = /(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{0,2}\/[^"'\n]+)\2/g;
    return replaced(script, imports, async (_, before, quote, name) => {
      return `${before}${quote}${await this.named(name, path, about, depth)}${quote}`;
    });
  }
}
