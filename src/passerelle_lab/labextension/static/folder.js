/* Her unit's folder: a newer version, a fresh copy, her last submission back, other tabs, the watchdog's note. */
import { unitOf } from "./cells.js";
import { element } from "./dom.js";
import { answer, Topic } from "./topic.js";
import { Refusal } from "./server.js";
import { size } from "./words.js";

const LOOK_EVERY_MS = 20_000;
const KERNEL_ENDS = ["autorestarting", "dead", "terminating"];
const NOTE_WAIT_MS = 1500;

export class Folder {
  constructor(bar) {
    this.bar = bar;
    this.tab = bar.lab.UUID.uuid4();
    this.newer = new Topic(bar, "newer");
    this.acts = new Topic(bar, "acts");
    this.others = new Topic(bar, "others");
    this.note = new Topic(bar, "note");
    this.topics = [this.note, this.newer, this.others, this.acts];
    this.titles = {};
    this.state = null;
    this.noteShown = null;
    if (!bar.server.here || !this.isTheOne) {
      return;
    }
    const { panel } = bar;
    const leave = () => bar.server.leave(unitOf(panel), this.tab);
    const visible = () => document.visibilityState === "visible" && this.look();
    window.addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", visible);
    const timer = setInterval(visible, LOOK_EVERY_MS);
    panel.sessionContext.statusChanged.connect(this.onStatus, this);
    panel.disposed.connect(() => {
      clearInterval(timer);
      window.removeEventListener("pagehide", leave);
      document.removeEventListener("visibilitychange", visible);
      leave();
    });
    this.look();
  }

  /** A copy of the notebook elsewhere is none of the unit's. */
  get isTheOne() {
    const { track, unit } = unitOf(this.bar.panel);
    return this.bar.panel.context.localPath === `${track}/${unit}/${unit}.ipynb`;
  }

  draw() {
    this.topics.forEach((topic) => topic.draw());
  }

  async look() {
    const { panel, server } = this.bar;
    let state;
    try {
      state = await server.state(unitOf(panel), this.tab);
    } catch (error) {
      console.debug("passerelle-lab: the folder's state is not known now", error);
      return;
    }
    if (panel.isDisposed) {
      return;
    }
    this.titles = state.titles;
    this.tellNewer(state);
    this.tellOthers(state.tabs);
    this.tellNote(state.notice);
    this.state = state;
    await this.bar.saving.follow(state.modified).catch(() => {});
  }

  tellNewer({ newer, renewed }) {
    if (newer !== Boolean(this.state?.newer)) {
      this.newer.show(
        () => (newer ? [this.bar.say("A new version is here.")] : []),
        newer ? [answer("Take the new version (your answers stay)", () => this.renew())] : [],
      );
    }
    // On opening, a unit in which she had written nothing was replaced at once; it is said one time.
    const place = `passerelle:renewed:${this.bar.panel.context.path}`;
    if (renewed && localStorage.getItem(place) !== renewed) {
      localStorage.setItem(place, renewed);
      if (!this.state && Date.now() - new Date(renewed) < 600_000 && this.acts.quiet) {
        this.acts.show(() => [this.bar.say("You have the new version of this unit.")]);
      }
    }
  }

  tellOthers(tabs) {
    if (Boolean(tabs) !== Boolean(this.state?.tabs)) {
      const text = "This notebook is open elsewhere too, in another tab or browser. Write in one of them at a time.";
      this.others.show(() => (tabs ? [this.bar.say(text)] : []));
    }
  }

  // The watchdog

  onStatus(_, status) {
    if (KERNEL_ENDS.includes(status) && !this.bar.panel.isDisposed) {
      const restarted = status === "autorestarting";
      setTimeout(async () => {
        await this.look();
        if (restarted && !this.state?.notice) {
          const text = "Python stopped and was started again. Your text stays. Run the cells again from the top.";
          this.note.show(() => [this.bar.say(text)], [answer("Restart and check", () => this.note.clear() ?? this.bar.runAll())]);
        }
      }, NOTE_WAIT_MS);
    }
  }

  tellNoPython(message) {
    console.warn("passerelle-lab: Python did not start", message);
    // Without a line nothing starts, and that is told already.
    if (this.bar.line.state === "up") {
      this.note.show(
        () => [this.bar.say("Python did not start. Your text stays. Try again in a moment.")],
        [answer("Restart and check", () => this.note.clear() ?? this.bar.runAll())],
      );
    }
  }

  tellNote(note) {
    if (note?.at === this.noteShown) {
      return;
    }
    this.noteShown = note?.at;
    this.note.show(
      () => (note ? this.noteWords(note) : []),
      note ? [answer("I have read it", () => this.dismiss())] : [],
    );
  }

  noteWords({ id, limit_mb: limit, used_mb: used, folders }) {
    const { language } = this.bar;
    const values = {
      limit: size(language, limit),
      used: size(language, used),
      folders: folders.map(({ path, mb }) => `${path} (${size(language, mb)})`).join(", "),
    };
    const say = (text) => this.bar.say(text, values);
    if (id === "memory") {
      return [
        say("Your notebook used more than {limit} of memory, so Python was restarted. Your text is saved. Work with fewer rows, or delete tables you no longer need."),
      ];
    }
    const found =
      id === "disk"
        ? say("Your space is full ({used} of {limit}), so Python was stopped. Your text stays. Delete files that you no longer need, then restart.")
        : say("Your space is nearly full ({used} of {limit}). Delete files that you no longer need.");
    return values.folders ? [found, " ", say("The largest folders: {folders}.")] : [found];
  }

  async dismiss() {
    this.note.clear();
    await this.bar.server.dismissNote().catch((error) => console.warn("passerelle-lab: the note stays", error));
  }

  // Acts on the folder: each keeps a copy of what it replaces.

  renew() {
    return this.change("renew", () => this.bar.say("You have the new version, with your answers. Your notebook as it was is kept in the folder “versions”."));
  }

  askFresh() {
    this.acts.show(
      () => [
        this.bar.say("Start over? You get the unit as it was on the first day. Your notebook as it is now is kept as a copy in the folder “versions”."),
      ],
      [
        answer("Start over", () => this.change("fresh", () => this.bar.say("This is a fresh copy. Your notebook as it was is kept in the folder “versions”."))),
        answer("Go back to my work", () => this.acts.clear(), true),
      ],
      true,
    );
  }

  askLast() {
    this.acts.show(
      () => [
        this.bar.say("Get back what you submitted last? Your notebook as it is now is kept as a copy in the folder “versions”."),
      ],
      [
        answer("Get it back", () => this.change("last", () => this.bar.say("This is what you submitted last. Your notebook as it was is kept in the folder “versions”."))),
        answer("Go back to my work", () => this.acts.clear(), true),
      ],
      true,
    );
  }

  async change(act, done) {
    if (this.changing) {
      return;
    }
    this.changing = true;
    try {
      if (!(await this.bar.saving.save())) {
        this.acts.show(() => [this.bar.say("Nothing was changed: your text has to be saved first.")]);
        return;
      }
      const { beside } = await this.bar.server.change(act, unitOf(this.bar.panel));
      await this.bar.saving.reload();
      const files = beside.join(", ");
      const more = () => (files ? [" ", this.bar.say("Your own data is beside the new: {files}.", { files })] : []);
      this.acts.show(() => [done(), ...more()]);
      this.newer.clear();
      await this.look();
    } catch (error) {
      console.warn("passerelle-lab: not changed", error);
      const why = () =>
        error instanceof Refusal ? error.message : this.bar.say("The server does not answer; try again in a moment.");
      this.acts.show(() => [this.bar.say("Nothing was changed."), " ", why()]);
    } finally {
      this.changing = false;
    }
  }

  copiesLink() {
    const { track, unit } = unitOf(this.bar.panel);
    const href = this.bar.lab.URLExt.join(this.bar.lab.PageConfig.getBaseUrl(), "passerelle/copies", track, unit);
    return element("a", { href, target: "_blank", rel: "noopener" }, `${this.bar.say("My earlier versions")} (${this.bar.say("new tab")})`);
  }
}
