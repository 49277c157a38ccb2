/* The bar above the first cell: unit, checks passed, saved, language, preview, hint, restart and check, submit, more. */
import { unitOf } from "./cells.js";
import { Checks } from "./checks.js";
import { insteadOfDialogs } from "./dialogs.js";
import { element, setText } from "./dom.js";
import { Explaining } from "./explaining.js";
import { Folder } from "./folder.js";
import { KernelLanguage, switchProse } from "./language.js";
import { Preview } from "./preview.js";
import { hintCells, restartAndCheck, showHint } from "./run.js";
import { Progress } from "./progress.js";
import { Saving } from "./saving.js";
import { Stuck } from "./stuck.js";
import { Submission } from "./submission.js";
import { LANGUAGES, say } from "./words.js";

const SHAPES = { none: "○", some: "◐", all: "●" };

/** Build the bar of one notebook as a Lumino widget for its content header. */
export function bar(lab, panel, server, line, services) {
  return new Bar(lab, panel, server, line, services).widget;
}

class Bar {
  constructor(lab, panel, server, line, services) {
    Object.assign(this, { lab, panel, server, line, services });
    this.running = null;
    this.chosen = false;
    this.build();
    this.kernelLanguage = new KernelLanguage(panel);
    this.checks = new Checks(panel, lab.NotebookActions, () => this.redraw());
    this.saving = new Saving(this);
    this.folder = new Folder(this);
    this.submission = new Submission(this);
    this.progressFile = new Progress(this);
    const told = [this.stuck, this.submission, this.progressFile].map(({ topic }) => topic);
    const topics = [this.saving.topic, ...this.folder.topics, ...told];
    // Before what «More» holds: on a telephone that fills the bar, and what is told would lie below its end.
    this.moreActs.before(element("div", { class: "passerelle-bar-topics" }, ...topics.map((topic) => topic.node)));
    insteadOfDialogs(panel, {
      saveError: (error) => (this.saving.error = error),
      conflict: (model, options) => this.saving.conflict(model, options),
      kernelError: (message) => this.folder.tellNoPython(message),
    });
    const unfollow = line.follow((state) => state === "up" && this.wake());
    panel.disposed.connect(unfollow);
    this.widget = new lab.Widget({ node: this.node });
    this.widget.addClass("passerelle-bar");
    // Lumino's box layout asks a widget for its minimal height: the bar's grows where it wraps.
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(this.inner);
    this.widget.disposed.connect(() => observer.disconnect());
    this.redraw();
    if (server.here || server.alone) {
      this.followPreference();
    }
  }

  get language() {
    const language = unitOf(this.panel)?.language;
    return language in LANGUAGES ? language : "en";
  }

  say(text, values) {
    return say(this.language, text, values);
  }

  build() {
    this.preview = new Preview(this);
    this.title = element("strong", { class: "passerelle-bar-title" });
    this.shape = element("span", { "aria-hidden": "true", class: "passerelle-bar-shape" });
    this.count = element("span", { role: "status", "aria-live": "polite", class: "passerelle-bar-count" });
    this.select = element("select", { class: "passerelle-bar-language", onchange: () => this.choose(this.select.value) });
    for (const [code, name] of Object.entries(LANGUAGES)) {
      this.select.append(element("option", { value: code, lang: code }, name));
    }
    this.hint = element("button", { type: "button", class: "passerelle-bar-hint", onclick: () => this.showHint() });
    this.check = element("button", { type: "button", class: "passerelle-bar-check", onclick: () => this.runAll() });
    this.submit = element("button", {
      type: "button",
      class: "passerelle-bar-submit",
      onclick: () => this.submission.start(),
    });
    this.keep = element("button", {
      type: "button",
      class: "passerelle-bar-keep",
      onclick: () => this.progressFile.save(),
    });
    this.saved = element("span", { class: "passerelle-bar-saved" });
    this.progress = element("progress", { class: "passerelle-bar-progress" });
    this.more = element("button", { type: "button", "aria-expanded": "false", onclick: () => this.toggleMore() });
    this.fresh = element("button", { type: "button", onclick: () => this.folder.askFresh() });
    this.last = element("button", { type: "button", onclick: () => this.folder.askLast() });
    this.copies = element("span");
    this.explaining = new Explaining(this);
    this.stuck = new Stuck(this);
    this.path = element("a", { href: this.server.pages ?? "" });
    this.moreActs = element(
      "div",
      { class: "passerelle-bar-more" },
      this.path,
      this.stuck.button,
      this.explaining.button,
      this.fresh,
      this.last,
      this.copies,
    );
    this.moreActs.hidden = true;
    this.inner = element(
      "div",
      { class: "passerelle-bar-inner" },
      element(
        "div",
        { class: "passerelle-bar-about" },
        this.title,
        element("span", {}, this.shape, " ", this.count, " ", this.progress),
        this.saved,
      ),
      element(
        "div",
        { class: "passerelle-bar-controls" },
        this.select,
        this.preview.button,
        this.hint,
        this.check,
        this.submit,
        this.keep,
        this.more,
      ),
      this.moreActs,
    );
    this.node = element("div", { role: "region" }, this.inner);
  }

  fit() {
    this.node.style.minHeight = `${this.inner.offsetHeight}px`;
    this.widget.parent?.fit();
  }

  /** Draw what may have changed; at most once a frame, because typing asks for it. */
  redraw() {
    if (this.drawing) {
      return;
    }
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (!this.panel.isDisposed) {
        this.draw();
      }
    });
  }

  draw() {
    const { language } = this;
    const unit = unitOf(this.panel);
    const { passed, total } = this.checks;
    this.node.lang = language;
    this.node.setAttribute("aria-label", this.say("This unit"));
    setText(this.title, unit?.title?.[language] ?? unit?.title?.en ?? unit?.unit ?? "");
    setText(this.shape, SHAPES[passed === 0 ? "none" : passed < total ? "some" : "all"]);
    setText(
      this.count,
      this.running ? this.say("Running every cell from the top…") : this.say("Checks passed: {passed} of {total}", { passed, total }),
    );
    this.select.setAttribute("aria-label", this.say("Language"));
    this.select.value = language;
    setText(this.hint, this.say("Hint"));
    this.hint.hidden = hintCells(this.panel).length === 0;
    setText(this.check, this.running ? this.say("Stop") : this.say("Restart and check"));
    setText(this.submit, this.say("Submit"));
    this.submit.hidden = !this.server.here;
    setText(this.keep, this.say("Save my progress"));
    this.keep.hidden = !this.server.alone;
    this.progress.hidden = !this.running;
    this.progress.setAttribute("aria-label", this.say("Cells that have run"));
    setText(this.saved, this.saving.words());
    const hasActs = this.server.here && this.folder.isTheOne;
    this.explaining.draw();
    this.stuck.draw();
    this.more.hidden = !hasActs && this.explaining.button.hidden && this.stuck.button.hidden;
    for (const act of [this.fresh, this.last, this.copies]) {
      act.hidden = !hasActs;
    }
    setText(this.more, this.say("More"));
    this.path.hidden = !this.server.pages;
    setText(this.path, this.say("Back to My path"));
    setText(this.fresh, this.say("Start over with a fresh copy"));
    setText(this.last, this.say("Give me back my last submission"));
    if (hasActs && this.copies.lang !== language) {
      this.copies.lang = language;
      this.copies.replaceChildren(this.folder.copiesLink());
    }
    this.saving.topic.draw();
    this.folder.draw();
    this.submission.draw();
    this.progressFile.draw();
    this.preview.draw();
  }

  toggleMore() {
    this.moreActs.hidden = !this.moreActs.hidden;
    this.more.setAttribute("aria-expanded", String(!this.moreActs.hidden));
  }

  /** Something of the bar's runs that must not be disturbed. */
  get busy() {
    return this.running !== null || this.submission.busy || Boolean(this.folder.changing);
  }

  /** Her server is there again: Python is not yet. */
  async wake() {
    try {
      await this.line.revive(this.panel.sessionContext);
    } catch (error) {
      console.warn("passerelle-lab: Python did not start", error);
    }
  }

  /** Switch this notebook, and keep the choice for what she opens next. */
  async choose(language) {
    this.chosen = true;
    this.apply(language);
    if (this.server.here || this.server.alone) {
      try {
        await this.server.storeLanguage(language);
      } catch (error) {
        // The notebook is switched all the same; her choice is asked for again the next time.
        console.warn("passerelle-lab: the language was not stored", error);
      }
    }
  }

  apply(language) {
    switchProse(this.panel, language);
    this.kernelLanguage.tell();
    this.redraw();
  }

  /** She may have changed her language on her page since this notebook was last open. */
  async followPreference() {
    try {
      const { language } = await this.server.language();
      // What she chose while we asked is newer than the answer.
      const wanted = language in LANGUAGES && language !== this.language && !this.chosen;
      if (wanted && !this.panel.isDisposed) {
        this.apply(language);
      }
    } catch (error) {
      console.warn("passerelle-lab: her language is not known now", error);
    }
  }

  async showHint() {
    await showHint(this);
  }

  async runAll() {
    if (this.running) {
      this.stopRun();
      return;
    }
    await this.saving.save();
    if ((await this.run()) === "ill") {
      this.folder.tellNoPython("restart and check");
    }
    await this.saving.save();
  }

  stopRun() {
    this.running?.abort();
    this.panel.sessionContext.session?.kernel?.interrupt().catch(() => {});
  }

  /** Restart and run everything: `ran`, `stopped`, or `ill` where Python did not start. */
  async run() {
    const running = new AbortController();
    this.running = running;
    this.redraw();
    const progress = (done, of) => Object.assign(this.progress, { max: of, value: done });
    try {
      await restartAndCheck(this, running.signal, progress);
      return running.signal.aborted ? "stopped" : "ran";
    } catch (error) {
      console.warn("passerelle-lab: Python did not start", error);
      return "ill";
    } finally {
      this.running = null;
      this.redraw();
    }
  }
}
