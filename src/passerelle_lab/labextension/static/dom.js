/* Making elements without a framework. */

/** Make an element: its attributes, then its children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      made.addEventListener(name.slice(2), value);
    } else if (value !== null) {
      made.setAttribute(name, value);
    }
  }
  made.append(...children);
  return made;
}

/** Set a text only where it differs: a live region is read aloud at each change. */
export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}
