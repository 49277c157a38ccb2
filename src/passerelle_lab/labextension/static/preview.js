/* Her page beside the notebook: as she types it, as wide as a phone, a tablet or a computer. */
import { unitOf } from "./cells.js";
import { element, setText } from "./dom.js";
import { Files, isPage, written } from "./preview-files.js";
import { SANDBOX, dataUrl, innerPage, outerPage } from "./preview-frame.js";
import { explain, original, pageOf, told } from "./preview-words.js";

const TYPING_MS = 600;
const LIVE_MS = 1000;
const MOST_UNANSWERED = 5;
const MOST_ENTRIES = 30;
const QUIET_MS = 1500;
const NARROW = "(max-width: 1000px)";
const WIDTHS = [
  { width: 320, name: (say) => say("Phone") },
  { width: 768, name: (say) => say("Tablet") },
  { width: 1280, name: (say) => say("Computer") },
];

/** The pages that a unit is about, by its metadata. */
const pagesOf = (panel) => (unitOf(panel)?.pages ?? []).filter((page) => typeof page === "string" && page);

export class Preview {
  constructor(bar) {
    this.bar = bar;
    this.pages = pagesOf(bar.panel);
    this.open = false;
    this.button = element("button", { type: "button", "aria-expanded": "false", onclick: () => this.toggle() });
    this.button.hidden = this.pages.length === 0;
    if (this.pages.length === 0) {
      return;
    }
    Object.assign(this, { page: this.pages[0], width: WIDTHS[0].width, entries: [], found: [], scroll: [0, 0], shown: null });
    this.files = new Files(bar.panel, bar.services.contents);
    this.build();
    this.follow();
  }

  say = (text, values) => this.bar.say(text, values);

  build() {
    const { lab, panel } = this.bar;
    this.title = element("strong", {});
    this.choice = element("select", { onchange: () => this.choose(this.choice.value) });
    this.widths = element("div", { role: "group", class: "passerelle-preview-widths" });
    for (const { width } of WIDTHS) {
      const name = element("span", { class: "passerelle-preview-word" });
      this.widths.append(element("button", { type: "button", onclick: () => this.setWidth(width) }, name, ` ${width}`));
    }
    this.close = element("button", { type: "button", class: "passerelle-preview-close", onclick: () => this.toggle() });
    this.note = element("p", { class: "passerelle-preview-note" });
    this.holder = element("div", { class: "passerelle-preview-holder" });
    this.stage = element("div", { class: "passerelle-preview-stage" }, this.holder);
    this.count = element("p", { role: "status", "aria-live": "polite", class: "passerelle-preview-count" });
    this.list = element("ul", { class: "passerelle-preview-list" });
    const head = element("div", { class: "passerelle-preview-head" }, this.title, this.choice, this.widths, this.close);
    // It scrolls, and so the keyboard can go there.
    this.messages = element("div", { role: "group", tabindex: "0", class: "passerelle-preview-messages" }, this.note, this.count, this.list);
    this.node = element("div", { role: "region" }, head, this.stage, this.messages);
    this.widget = new lab.Widget({ node: this.node });
    this.widget.addClass("passerelle-preview");
    this.widget.hide();
    this.putBeside(lab, panel);
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(this.stage);
    panel.disposed.connect(() => {
      observer.disconnect();
      this.stop();
    });
  }

  /** Share the notebook's place: beside it, or below it where the window is narrow. Lab's own split would not show. */
  putBeside(lab, panel) {
    const { layout, content } = panel;
    const index = layout.widgets.indexOf(content);
    const narrow = window.matchMedia(NARROW);
    const split = new lab.SplitPanel({ spacing: 4 });
    split.addClass("passerelle-preview-split");
    const follow = () => {
      split.orientation = narrow.matches ? "vertical" : "horizontal";
    };
    follow();
    narrow.addEventListener("change", follow);
    panel.disposed.connect(() => narrow.removeEventListener("change", follow));
    content.parent = null;
    split.addWidget(content);
    split.addWidget(this.widget);
    layout.insertWidget(index, split);
    lab.BoxLayout.setStretch(split, 1);
    this.split = split;
  }

  follow() {
    const { panel, lab, line } = this.bar;
    const typed = () => this.soon();
    const ran = (_, { notebook }) => {
      if (notebook === panel.content) {
        this.files.forget();
        this.soon(0);
      }
    };
    panel.context.model.contentChanged.connect(typed);
    panel.content.activeCellChanged.connect(() => this.open && this.followCell());
    lab.NotebookActions.executed.connect(ran);
    const unfollow = line.follow((state) => {
      if (state === "up") {
        this.files.forget();
        this.soon(0);
      }
    });
    const hear = (event) => this.hear(event);
    window.addEventListener("message", hear);
    panel.disposed.connect(() => {
      lab.NotebookActions.executed.disconnect(ran);
      unfollow();
      window.removeEventListener("message", hear);
    });
  }

  toggle() {
    this.open = !this.open;
    this.button.setAttribute("aria-expanded", String(this.open));
    this.widget.setHidden(!this.open);
    if (this.open) {
      this.split.setRelativeSizes(this.split.orientation === "vertical" ? [2, 3] : [1, 1]);
      this.files.forget();
      this.followCell();
      this.draw();
      this.refresh();
      this.widths.querySelector("[aria-pressed=true]").focus();
    } else {
      this.stop();
      this.button.focus();
    }
  }

  /** What can be shown: the unit's pages, and those that her cells write. */
  get all() {
    return [...new Set([...this.pages, ...[...this.files.typed.keys()].filter(isPage)])];
  }

  /** Show the page of the cell that she is in. */
  followCell() {
    const { activeCell } = this.bar.panel.content;
    const path = activeCell && written(activeCell)?.path;
    if (path && isPage(path) && path !== this.page) {
      this.choose(path);
    }
  }

  choose(page) {
    Object.assign(this, { page, scroll: [0, 0] });
    this.draw();
    this.refresh();
  }

  setWidth(width) {
    this.width = width;
    this.draw();
  }

  soon(milliseconds = TYPING_MS) {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.refresh(), milliseconds);
  }

  /** Show her page as it is now, where it is not what is shown already. */
  async refresh() {
    if (!this.open || this.bar.panel.isDisposed) {
      return;
    }
    this.asked = (this.asked ?? 0) + 1;
    const { asked, page } = this;
    const made = await this.files.assemble(page);
    const unsaved = await this.files.unsaved([...made.used]);
    if (asked !== this.asked || !this.open) {
      return;
    }
    this.unsaved = unsaved;
    this.absent = made.html === null && !made.silent.has(page);
    const missing = (kind) => [...made[kind]].filter((file) => kind !== "absent" || file !== page).map((file) => ({ kind, file }));
    this.found = [...missing("absent"), ...missing("large"), ...missing("silent")];
    const key = JSON.stringify([page, made.html, made.files]);
    if (made.html !== null && key !== this.shown) {
      this.shown = key;
      this.entries = [];
      this.send(made);
    } else if (this.absent) {
      this.stop();
    }
    this.draw();
  }

  send({ html, files }) {
    this.waiting = { html: innerPage(html, { files, scroll: this.scroll }), title: this.say("Your page {page}", { page: this.page }) };
    this.unanswered = 0;
    if (!this.frame) {
      this.frame = element("iframe", { sandbox: SANDBOX, referrerpolicy: "no-referrer", src: dataUrl("text/html", outerPage()) });
      this.holder.replaceChildren(this.frame);
      this.draw();
      this.live = setInterval(() => this.ask(), LIVE_MS);
    } else if (this.isReady) {
      this.deliver();
    }
  }

  deliver() {
    // Its origin is nobody's, so that no name can say to whom this goes: it is the frame that we made.
    this.frame.contentWindow.postMessage(this.waiting, "*");
    this.waiting = null;
  }

  /** Whether her page is alive: one that loops for ever is taken away, so that the browser stays hers. */
  ask() {
    if (document.visibilityState !== "visible" || !this.bar.panel.isVisible) {
      this.unanswered = 0;
      return;
    }
    if (this.unanswered >= MOST_UNANSWERED) {
      this.stop(true);
      this.entries = [{ kind: "stuck" }];
      this.draw();
      return;
    }
    this.unanswered += 1;
    this.frame.contentWindow.postMessage("ping", "*");
  }

  stop(keepShown = false) {
    clearInterval(this.live);
    clearTimeout(this.typing);
    this.frame?.remove();
    Object.assign(this, { frame: null, isReady: false });
    // What looped is not shown again before she has changed it.
    this.shown = keepShown ? this.shown : null;
  }

  /** Listen to the frame alone, and to nothing that it says but plain texts. */
  hear({ source, data }) {
    if (!this.frame || source !== this.frame.contentWindow) {
      return;
    }
    if (data?.outer === "ready") {
      this.isReady = true;
      this.deliver();
      return;
    }
    const sent = data?.page;
    this.unanswered = 0;
    if (sent?.kind === "scroll" && Array.isArray(sent.at)) {
      this.scroll = [Number(sent.at[0]) || 0, Number(sent.at[1]) || 0];
    }
    const entry = told(sent);
    const page = entry?.kind === "link" ? pageOf(entry.address, this.page, this.all) : null;
    if (page) {
      this.choose(page);
    } else if (entry && this.entries.length < MOST_ENTRIES) {
      this.entries.push(entry);
      this.bar.redraw();
    }
  }

  /** Scale the frame so that the whole width is seen. */
  fit() {
    if (!this.frame || !this.width) {
      return;
    }
    const { clientWidth, clientHeight } = this.stage;
    const scale = Math.min(1, clientWidth / this.width) || 1;
    const height = Math.max(clientHeight, 120);
    Object.assign(this.frame.style, {
      width: `${this.width}px`,
      height: `${height / scale}px`,
      transform: `scale(${scale})`,
    });
    Object.assign(this.holder.style, { width: `${this.width * scale}px`, height: `${height}px` });
  }

  draw() {
    setText(this.button, this.say("Preview"));
    if (!this.open) {
      return;
    }
    const { page, say } = this;
    this.node.lang = this.bar.language;
    this.node.setAttribute("aria-label", say("Preview of {page}", { page }));
    setText(this.title, say("Preview of {page}", { page }));
    const { all } = this;
    if (this.offered !== all.join("\n")) {
      this.offered = all.join("\n");
      this.choice.replaceChildren(...all.map((one) => element("option", { value: one }, one)));
    }
    this.choice.hidden = all.length < 2;
    this.choice.setAttribute("aria-label", say("Page"));
    this.choice.value = page;
    this.widths.setAttribute("aria-label", say("Width"));
    for (const [index, button] of [...this.widths.children].entries()) {
      setText(button.firstChild, WIDTHS[index].name(say));
      button.setAttribute("aria-pressed", String(WIDTHS[index].width === this.width));
    }
    this.messages.setAttribute("aria-label", say("Messages"));
    setText(this.close, say("Close"));
    this.close.setAttribute("aria-label", say("Close the preview"));
    this.frame?.setAttribute("title", say("Your page {page}", { page }));
    setText(this.note, this.noteWords());
    this.note.hidden = this.note.textContent === "";
    this.drawList();
    this.fit();
  }

  noteWords() {
    if (this.absent) {
      return this.say("There is no {page} yet. Write it in a cell that begins with %%writefile {page}.", { page: this.page });
    }
    const file = this.unsaved;
    return file ? this.say("This is what you typed. Run the cell of {file}: the check reads the file that it writes.", { file }) : "";
  }

  drawList() {
    const { page, say } = this;
    const all = new Map([...this.found, ...this.entries].map((entry) => [explain(say, entry, page), original(entry)]));
    const key = JSON.stringify([this.bar.language, ...all]);
    if (key !== this.listed) {
      this.listed = key;
      this.list.replaceChildren(
        ...[...all].map(([words, own]) => {
          const folded = own ? [element("details", {}, element("summary", {}, say("In the browser’s words")), element("pre", {}, own))] : [];
          return element("li", {}, words, ...folded);
        }),
      );
    }
    const tell = () => {
      const count = all.size;
      setText(this.count, count ? say("Messages from your page: {count}", { count }) : say("Your page reports nothing."));
    };
    clearTimeout(this.counting);
    if (this.count.lang === this.bar.language) {
      // Said once her page and her fingers rest: a reader of the screen is not told of each letter.
      this.counting = setTimeout(tell, QUIET_MS);
    } else {
      this.count.lang = this.bar.language;
      tell();
    }
  }
}
