/* One thing that the bar tells: its words in a live region, beside them what she can answer. */
import { element } from "./dom.js";

let number = 0;

/** Something she can press: its text is put into her language when it is drawn. Escape is what changes nothing. */
export const answer = (text, onclick, escapes = false) => ({ text, onclick, escapes });

export class Topic {
  constructor(bar, name) {
    number += 1;
    this.bar = bar;
    this.tell = () => [];
    this.answers = [];
    this.drawn = null;
    this.extra = null;
    this.said = element("div", {
      id: `passerelle-said-${number}`,
      role: "status",
      "aria-live": "polite",
      class: `passerelle-bar-said passerelle-bar-${name}`,
    });
    this.asking = element("div", { class: "passerelle-bar-asking" });
    this.node = element("div", { class: "passerelle-bar-topic", onkeydown: (event) => this.onKey(event) }, this.said, this.asking);
  }

  /**
   * Tell something.
   * @param tell a function of the language: the texts and elements to show
   * @param answers what she can press
   * @param asks whether it is a question of hers to answer now: it takes the focus, and gives it back
   */
  show(tell, answers = [], asks = false) {
    const before = this.opener ?? document.activeElement;
    this.tell = tell;
    this.answers = answers;
    this.drawn = null;
    this.extra = null;
    this.opener = asks ? before : null;
    this.draw();
    if (asks) {
      this.node.setAttribute("role", "alertdialog");
      this.node.setAttribute("aria-labelledby", this.said.id);
      this.asking.querySelector("button, a")?.focus();
    } else {
      this.node.removeAttribute("role");
      this.node.removeAttribute("aria-labelledby");
      // The button she pressed is gone: without a place the keyboard would start over at the top of the page.
      if (before && (document.activeElement === document.body || !document.activeElement)) {
        (before.isConnected ? before : this.bar.submit).focus();
      }
    }
    if (!this.quiet) {
      this.reveal();
    }
  }

  /** Bring what is told into sight, where the bar is longer than its place. */
  reveal() {
    const { inner } = this.bar;
    const below = this.node.getBoundingClientRect().bottom - inner.getBoundingClientRect().bottom;
    if (below > 0) {
      inner.scrollTop += below;
    }
  }

  /** Put something before the answers; it stays until something else is told. */
  add(node) {
    this.extra = node;
    this.asking.prepend(node);
  }

  clear() {
    this.show(() => []);
  }

  get quiet() {
    return this.tell().length === 0;
  }

  onKey(event) {
    const out = this.answers.find(({ escapes }) => escapes);
    if (event.key === "Escape" && out) {
      event.stopPropagation();
      out.onclick();
    }
  }

  draw() {
    const parts = this.tell();
    const texts = this.answers.map(({ text }) => this.bar.say(text));
    const key = JSON.stringify([parts.map((part) => part.outerHTML ?? part), texts]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    this.said.replaceChildren(...parts);
    const buttons = this.answers.map(({ onclick }, index) => element("button", { type: "button", onclick }, texts[index]));
    this.asking.replaceChildren(...(this.extra ? [this.extra] : []), ...buttons);
  }
}
