/* Saving, so that no text is ever lost: by itself, told in the bar, tried again; a conflict is her choice and costs nothing. */
import { cellsOf, isCode, source, unitOf } from "./cells.js";
import { element } from "./dom.js";
import { answer, Topic } from "./topic.js";
import { clock } from "./words.js";

const TRY_AGAIN_S = [2, 3, 5, 8, 10, 15, 20];
const COPY_OFFERED_AFTER = 3;

/** An error by which Lab knows that nobody is to be told anything more. */
function handled() {
  const error = new Error("told in the bar");
  error.name = "ModalCancelError";
  return error;
}

/** What she wrote in a notebook: outputs and Lab's own notes in it are not her text. */
const textOf = ({ cells }) => JSON.stringify(cells.map((cell) => [cell.id, [cell.source].flat().join("")]));

export class Saving {
  constructor(bar) {
    this.bar = bar;
    this.context = bar.panel.context;
    this.topic = new Topic(bar, "saving");
    this.savedAt = this.context.contentsModel?.last_modified ?? null;
    /** What the last save stopped at: the error; null where it went well. */
    this.error = null;
    this.failures = 0;
    this.newer = null;
    this.overwrites = false;
    this.busy = false;
    this.savedText = textOf(this.context.model.toJSON());
    this.context.saveState.connect(this.onState, this);
    this.context.model.stateChanged?.connect(() => this.bar.redraw());
    const hidden = () => document.visibilityState === "hidden" && this.leave();
    const leave = () => this.leave();
    document.addEventListener("visibilitychange", hidden);
    window.addEventListener("pagehide", leave);
    const unfollow = bar.line.follow((state) => this.onLine(state));
    bar.panel.disposed.connect(() => {
      document.removeEventListener("visibilitychange", hidden);
      window.removeEventListener("pagehide", leave);
      clearTimeout(this.timer);
      unfollow();
    });
    this.offerDraft();
  }

  get dirty() {
    return this.context.model.dirty;
  }

  /** Whether this tab holds text that is not on the disk; a run alone changes no text. */
  get holdsText() {
    return this.dirty && textOf(this.context.model.toJSON()) !== this.savedText;
  }

  /** Save now; say whether all that she sees is on the disk. */
  async save() {
    try {
      await this.context.save();
    } catch (error) {
      // What stopped it is told already.
      console.debug("passerelle-lab: not saved", error);
    }
    return this.done;
  }

  /** Whether the last save went well, and nothing is hers to choose. */
  get done() {
    return this.error === null && this.newer === null;
  }

  onState(_, state) {
    this.busy = state === "started";
    if (this.busy) {
      this.sentText = textOf(this.context.model.toJSON());
    }
    if (state === "completed") {
      this.savedText = this.sentText;
      this.error = null;
      this.failures = 0;
      this.newer = null;
      this.savedAt = this.context.contentsModel?.last_modified ?? new Date().toISOString();
      sessionStorage.removeItem(this.draftPlace);
      this.tell();
    } else if (state === "failed") {
      this.error ??= new Error("not saved");
      this.failures += 1;
      this.keepDraft();
      if (!this.error.response || this.error.response.status !== 403) {
        this.bar.line.lost();
      }
      clearTimeout(this.timer);
      const wait = TRY_AGAIN_S[Math.min(this.failures, TRY_AGAIN_S.length) - 1];
      this.timer = setTimeout(() => !this.bar.panel.isDisposed && this.dirty && this.save(), wait * 1000);
      this.tell();
    }
    this.bar.redraw();
  }

  async onLine(state) {
    this.tell();
    this.bar.redraw();
    if (state === "up" && this.dirty) {
      await this.save();
    }
  }

  /** The line of the bar that says how her text stands. */
  words() {
    const { language } = this.bar;
    if (this.error || (this.newer && this.dirty)) {
      return this.bar.say("Not saved");
    }
    return this.savedAt ? this.bar.say("Saved {time}", { time: clock(language, this.savedAt) }) : "";
  }

  tell() {
    if (this.newer) {
      return;
    }
    const say = (text) => this.bar.say(text);
    const { state } = this.bar.line;
    if (this.topic.extra && (state !== "up" || this.error)) {
      // She is copying her text: another try that does not arrive is no reason to take it from her.
      return;
    }
    const unsaved = this.dirty || this.error !== null;
    const copy = unsaved && this.failures >= COPY_OFFERED_AFTER ? [answer("Show my text to copy it", () => this.showText())] : [];
    if (state === "asleep") {
      this.topic.show(
        () =>
          unsaved
            ? [
                say("Your workspace slept. Your last changes are still in this tab: leave it open, they are saved by themselves when your workspace is open again."),
                " ",
                this.wakeLink(true),
              ]
            : [say("Your workspace slept; your work is saved."), " ", this.wakeLink(false)],
        copy,
      );
    } else if (state === "dropped") {
      const told = () =>
        unsaved
          ? say("Not saved: the server is out of reach. Your text is safe in this tab; trying again…")
          : say("The server is out of reach. Your work is saved; trying again…");
      this.topic.show(() => [told()], copy);
    } else if (this.error) {
      this.topic.show(
        () => [say("Not saved: the server could not write it down. Your text is safe in this tab; trying again…")],
        copy,
      );
    } else if (this.troubled) {
      this.topic.clear();
    }
    // What else the topic tells (a choice made, a draft that is back) a save does not take away.
    this.troubled = state !== "up" || this.error !== null;
  }

  wakeLink(newTab) {
    const href = this.bar.line.wakeUrl(unitOf(this.bar.panel));
    const name = this.bar.say("Open it again");
    const attributes = newTab ? { href, target: "_blank", rel: "noopener" } : { href };
    return element("a", attributes, newTab ? `${name} (${this.bar.say("new tab")})` : name);
  }

  /** All she wrote as text that can be selected, for when the server stays away. */
  showText() {
    const cells = cellsOf(this.bar.panel).map((cell) => (isCode(cell) ? source(cell) : source(cell).replace(/^/gm, "# ")));
    const area = element("textarea", { readonly: "", rows: "6", class: "passerelle-bar-text" });
    area.setAttribute("aria-label", this.bar.say("My text"));
    area.value = cells.join("\n\n");
    this.topic.show(
      () => [this.bar.say("This is all your text. Copy it and keep it, in a message to yourself for example.")],
      [answer("Close", () => this.topic.clear() ?? this.tell(), true)],
    );
    this.topic.add(area);
    area.focus();
    area.select();
  }

  // Another tab, another browser, or an act on her folder saved after this tab had read.

  async conflict(model, options) {
    if (this.overwrites) {
      const { contents } = this.bar.services;
      await contents.save(this.context.path, options);
      return contents.get(this.context.path, { content: false, hash: true });
    }
    if (!this.holdsText) {
      await this.reload();
      return model;
    }
    this.newer = model.last_modified;
    this.keepDraft();
    this.topic.show(
      () => [
        this.bar.say(
          "This notebook was saved from another tab or browser at {time}, after this tab had read it. Choose what goes on; the other one is kept as a copy.",
          { time: clock(this.bar.language, this.newer) },
        ),
      ],
      [answer("Take what was saved there", () => this.takeSaved()), answer("Keep what I see here", () => this.keepMine())],
      true,
    );
    this.bar.redraw();
    throw handled();
  }

  async takeSaved() {
    await this.settle(async () => {
      await this.bar.server.keepCopy(unitOf(this.bar.panel), this.context.model.toJSON());
      await this.reload();
    });
  }

  async keepMine() {
    await this.settle(async () => {
      await this.bar.server.keepCopy(unitOf(this.bar.panel));
      this.overwrites = true;
      try {
        await this.context.save();
      } finally {
        this.overwrites = false;
      }
    });
  }

  async settle(choice) {
    try {
      await choice();
      this.newer = null;
      this.topic.show(() => [this.bar.say("Done. The other one is kept in the folder “versions”.")]);
    } catch (error) {
      console.warn("passerelle-lab: the conflict stays", error);
      this.topic.show(() => [this.bar.say("That did not work just now. Your text is still here; try again.")], this.topic.answers);
    }
    this.bar.redraw();
  }

  /** Read what is on the disk into this tab. */
  async reload() {
    await this.context.revert();
    this.savedText = textOf(this.context.model.toJSON());
    this.newer = null;
    this.error = null;
    sessionStorage.removeItem(this.draftPlace);
    this.savedAt = this.context.contentsModel?.last_modified ?? this.savedAt;
    this.bar.checks.forget();
    this.bar.redraw();
  }

  /** Follow what another place saved: at once where this tab holds nothing of its own, else by her choice. */
  async follow(modified) {
    const mine = this.context.contentsModel;
    if (this.busy || this.newer || !modified || !mine || new Date(modified) - new Date(mine.last_modified) < 1000) {
      return;
    }
    const saved = await this.bar.services.contents.get(this.context.path, { content: false, hash: true });
    const now = this.context.contentsModel;
    if (this.busy || this.bar.busy || (saved.hash && saved.hash === now.hash) || saved.last_modified === now.last_modified) {
      return;
    }
    if (this.holdsText) {
      await this.save();
    } else {
      await this.reload();
      this.topic.show(() => [this.bar.say("You see what was saved from another tab or browser.")]);
    }
  }

  // A reload of the page while the line was down: what was not saved lies in this tab's own store.

  get draftPlace() {
    return `passerelle:draft:${this.context.path}`;
  }

  keepDraft() {
    if (!this.holdsText) {
      return;
    }
    const notebook = this.context.model.toJSON();
    notebook.cells = notebook.cells.map((cell) => (cell.cell_type === "code" ? { ...cell, outputs: [] } : cell));
    const kept = { base: this.context.contentsModel?.last_modified, notebook };
    try {
      sessionStorage.setItem(this.draftPlace, JSON.stringify(kept));
    } catch (error) {
      console.warn("passerelle-lab: no room for a draft", error);
    }
  }

  leave() {
    if (this.dirty) {
      this.keepDraft();
      this.save();
    }
  }

  async offerDraft() {
    const kept = sessionStorage.getItem(this.draftPlace);
    if (!kept) {
      return;
    }
    const { base, notebook } = JSON.parse(kept);
    if (textOf(notebook) === this.savedText) {
      sessionStorage.removeItem(this.draftPlace);
    } else if (base === this.context.contentsModel?.last_modified) {
      this.context.model.fromJSON(notebook);
      this.topic.show(() => [this.bar.say("What was not saved before this page was loaded again is back.")]);
      await this.save();
    } else if (this.bar.server.here) {
      // Saved elsewhere since, or by this tab while it closed: the draft is kept, and nothing is put over anything.
      try {
        await this.bar.server.keepCopy(unitOf(this.bar.panel), notebook);
        sessionStorage.removeItem(this.draftPlace);
        this.topic.show(() => [
          this.bar.say("What was not saved before this page was loaded again is kept as a copy in the folder “versions”."),
        ]);
      } catch (error) {
        console.warn("passerelle-lab: the draft stays in this tab", error);
      }
    }
  }
}
