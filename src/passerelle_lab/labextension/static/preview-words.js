/* What happened in her page, in her language; the browser's own words stay beside it. */
import { pathOf } from "./preview-files.js";

/** The file that an event names: her page, or one of the files put into it. */
function fileOf(address, page) {
  const name = /^data:[^,]*;name=([^;,]+)/.exec(address)?.[1];
  try {
    return name ? decodeURIComponent(name) : page;
  } catch {
    return page;
  }
}

const place = (say, { file, line }, page) =>
  line ? say("Line {line} of {file}:", { line, file: fileOf(file, page) }) : say("In {file}:", { file: fileOf(file, page) });

/** The usual errors of a script: how browsers say them, and what to look at. The groups of a pattern are the name. */
const USUAL = [
  [
    /ReferenceError: (?:Can't find variable: (\S+)|(\S+) is not defined)/,
    (say, name) =>
      say("your script uses the name “{name}”, and nothing has this name. Look at the spelling: capital letters count.", { name }),
  ],
  [
    /SyntaxError/,
    (say) =>
      say("the browser cannot read your script from here on. Look for a bracket, a quotation mark or a comma, missing or too many."),
  ],
  [
    /TypeError: (?:Cannot (?:read|set) properties of null|null is not an object|.* is null)/,
    (say) =>
      say("your script looked for something in the page and did not find it (null). Look at the id or class that it looks for, and whether the script stands below it."),
  ],
  [
    /TypeError: (?:Cannot (?:read|set) properties of undefined|undefined is not an object|.* is undefined)/,
    (say) => say("your script reads a part of something that has no value yet (undefined). Look at the name before the dot."),
  ],
  [
    /TypeError: ([\w.$]+)(?:\(\.\.\.\))? is not a function/,
    (say, name) => say("“{name}” is called like a function and is none. Look at its spelling, and at what is stored in it.", { name }),
  ],
  [
    /TypeError: Assignment to constant variable|invalid assignment to const/,
    (say) => say("a name made by `const` keeps its value. Make it by `let` where the value changes."),
  ],
  [
    /Failed to fetch|Failed to parse URL|NetworkError|Load failed/,
    (say) => say("your script asked for a file that it did not get. Look at the name of the file, and whether it is beside your page."),
  ],
];

function ofError(say, entry, page) {
  for (const [pattern, words] of USUAL) {
    const found = pattern.exec(entry.text);
    if (found) {
      return `${place(say, entry, page)} ${words(say, found.slice(1).find(Boolean))}`;
    }
  }
  return `${place(say, entry, page)} ${say("your script stopped here.")}`;
}

function ofBlocked(say, { address, directive }) {
  if (directive === "form-action") {
    return say("Your form was sent. The preview sends nothing: in a real page, it goes to the address in “action”.");
  }
  if (directive === "base-uri") {
    return say("The preview leaves out <base>: your files are found from the folder of your page.");
  }
  return say("“{address}” is on the internet. The preview shows your own files: put this one into the folder of your page.", { address });
}

const SAID = {
  warn: (say, text) => say("Your script warns: {text}", { text }),
  error: (say, text) => say("Your script reports an error: {text}", { text }),
  log: (say, text) => say("Your script says: {text}", { text }),
};

const WORDS = {
  error: ofError,
  blocked: ofBlocked,
  said: (say, { level, text }) => (SAID[level] ?? SAID.log)(say, text),
  dialog: (say, { text }) => say("Your script opens a dialog: “{text}”. The preview shows none; in a real page, a reader has to answer it.", { text }),
  link: (say, { address }) => say("This link leads to {address}. The preview stays on your page.", { address }),
  absent: (say, { file }) => say("There is no file “{file}” beside your page. Look at its name and its folder: capital letters count.", { file }),
  large: (say, { file }) => say("“{file}” is larger than 3 MB, too large for the preview. Readers with a slow line wait for it, too.", { file }),
  silent: (say, { file }) => say("Your server does not answer now, so “{file}” is not shown. It comes by itself.", { file }),
  stuck: (say) => say("Your page did not answer any more, so we stopped it. Look for a loop that does not end. It starts again when you change something."),
};

/** The kinds that a page may tell of itself; what it sends besides is not listened to. */
export const TOLD = new Set(["error", "blocked", "said", "dialog", "link"]);

/** What to say of an entry. */
export const explain = (say, entry, page) => WORDS[entry.kind](say, entry, page);

/** The browser's own words, where they say more. */
export const original = (entry) => (entry.kind === "error" ? entry.text : entry.kind === "blocked" ? `${entry.directive}: ${entry.address}` : "");

/** What a page sends, as plain texts and numbers of a bounded length; null where it is nothing to tell. */
export function told(sent) {
  if (!TOLD.has(sent?.kind)) {
    return null;
  }
  const text = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");
  return {
    kind: sent.kind,
    text: text(sent.text, 600),
    file: text(sent.file, 200),
    line: Number.isInteger(sent.line) ? sent.line : 0,
    address: text(sent.address, 200),
    directive: text(sent.directive, 40),
    level: text(sent.level, 10),
  };
}

/** Whether a link of hers leads to another page of the unit. */
export const pageOf = (address, page, pages) => pages.find((one) => one === pathOf(address, page)) ?? null;
