/* nbgrader's assignment list in the language of the interface.
 *
 * nbgrader's Lab extension asks no translator, so its texts are translated where they appear, from the
 * catalogue of the domain `nbgrader` that this package ships (locale/fr_FR/LC_MESSAGES/nbgrader.po).
 */

const LIST = "nbgrader-assignment-list";
const MESSAGES = ".list_error, .version_error";
const DIALOGS = ".nbgrader-ErrorDialog, .nbgrader-SuccessDialog";

/** Sentences with something in them: how they are recognised, and their key in the catalogue. */
const SENTENCES = [
  [
    /^The following (\w+) cell has changed to a (\w+) cell, but it should not have!$/,
    "The following %1 cell has changed to a %2 cell, but it should not have!",
  ],
  [/^Cannot validate: (.*)$/s, "Cannot validate: %1"],
  [/^Cannot check version: (.*)$/s, "Cannot check version: %1"],
  [
    /^The version of the Assignment List labextension does not match the server extension; the labextension version is (\S+) while the server version is (\S+)\. .*$/s,
    "The version of the Assignment List labextension does not match the server extension; the labextension version is %1 while the server version is %2.",
  ],
  // nbgrader says this of whatever the exchange could not do; to her it means one thing.
  [
    /^The exchange directory does not exist and could not be created\..*$/s,
    "Assignments cannot be read right now. Try again in a moment; if it lasts, tell your trainer.",
  ],
];

/** Translate one text, or return it as it is. The space around it stays. */
export function translated(words, text) {
  const [, before, inner, after] = /^(\s*)(.*?)(\s*)$/s.exec(text);
  const sentence = inner.replace(/\s+/g, " ");
  if (!sentence) {
    return text;
  }
  for (const [pattern, key] of SENTENCES) {
    const found = pattern.exec(sentence);
    if (found) {
      return before + words.__(key, ...found.slice(1)) + after;
    }
  }
  const result = words.__(sentence);
  return result === sentence ? text : before + result + after;
}

function translateBelow(words, root) {
  // nbgrader sets a message of several lines as texts with breaks between them; it is one sentence.
  for (const message of root.querySelectorAll(MESSAGES)) {
    const text = translated(words, message.innerText);
    if (text !== message.innerText) {
      message.textContent = text;
    }
  }
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    // Her code and what the server quotes stay as they are.
    if (!node.parentElement?.closest("pre")) {
      const text = translated(words, node.data);
      if (text !== node.data) {
        node.data = text;
      }
    }
  }
  for (const named of root.querySelectorAll("[title]")) {
    named.title = translated(words, named.title);
  }
}

function keepTranslated(words, root) {
  translateBelow(words, root);
  new MutationObserver(() => translateBelow(words, root)).observe(root, {
    childList: true,
    subtree: true,
    characterData: true,
  });
}

/** Translate the assignment list and its dialogs whenever they appear in a shell. */
export function translateAssignments(words, shell) {
  const seen = new WeakSet();
  const look = () => {
    for (const widget of shell.widgets("main")) {
      if (widget.id === LIST && !seen.has(widget)) {
        seen.add(widget);
        widget.title.label = words.__("Assignments");
        keepTranslated(words, widget.node);
      }
    }
  };
  look();
  shell.layoutModified?.connect(look);
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      if (node instanceof Element && node.matches(DIALOGS)) {
        keepTranslated(words, node);
      }
    }
  }).observe(document.body, { childList: true });
}
