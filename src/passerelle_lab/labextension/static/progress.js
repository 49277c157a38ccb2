/* Her progress as a file, where no exchange keeps it: which checks pass, by task, and since when. No name is in it. */
import { aboutCell, checkKey, checksOf, unitOf } from "./cells.js";
import { Topic } from "./topic.js";

const FILE = "passerelle-progress.json";
/** The file's schema; `passerelle.model.saved_progress` reads it. */
const SCHEMA = 1;

/** A file that lies here already is none of ours. */
class Unreadable extends Error {}

export class Progress {
  constructor(bar) {
    this.bar = bar;
    this.topic = new Topic(bar, "progress-file");
  }

  draw() {
    this.topic.draw();
  }

  /** Save the file beside the tracks and hand it to the browser: what lies on the server is gone before long. */
  async save() {
    const say = (text, values) => this.bar.say(text, values);
    try {
      const content = `${JSON.stringify(this.merged(await this.kept()), null, 1)}\n`;
      await this.bar.services.contents.save(FILE, { type: "file", format: "text", content });
      this.download(content);
      this.topic.show(() => [
        say("Saved: {file} is in your downloads. Keep it, because nothing stays here. Later, My path or your mentor can open it.", {
          file: FILE,
        }),
      ]);
    } catch (error) {
      console.warn("passerelle-lab: the progress is not saved", error);
      const why = () =>
        error instanceof Unreadable
          ? say("There is a file {file} already, and we cannot read it. Rename it or delete it, then save again.", { file: FILE })
          : say("The server does not answer; try again in a moment.");
      this.topic.show(() => [say("Nothing was saved yet."), " ", why()]);
    }
  }

  /** The units of a file that lies here already: from before, or one that she brought along. */
  async kept() {
    const { contents } = this.bar.services;
    let content;
    try {
      ({ content } = await contents.get(FILE, { type: "file", format: "text", content: true }));
    } catch (error) {
      if (error.response?.status === 404) {
        return [];
      }
      throw error;
    }
    let file;
    try {
      file = JSON.parse(content);
    } catch (cause) {
      throw new Unreadable("", { cause });
    }
    const checks = (file?.units ?? []).flatMap?.((unit) => unit?.tasks?.flatMap?.((task) => task?.checks ?? []) ?? [null]);
    if (file?.passerelle_progress !== SCHEMA || !checks?.every((check) => typeof check?.check === "string")) {
      throw new Unreadable();
    }
    return file.units;
  }

  /** The file's content: this unit as it stands now; what passed once in this version of it stays passed. */
  merged(units) {
    const { track, unit, version } = unitOf(this.bar.panel);
    const saved = new Date().toISOString();
    const same = (one) => one.track === track && one.unit === unit && one.version === version;
    const before = new Map(
      units.filter(same).flatMap(({ tasks }) => tasks.flatMap(({ checks }) => checks.map(({ check, passed }) => [check, passed]))),
    );
    const tasks = new Map();
    for (const check of checksOf(this.bar.panel)) {
      const key = checkKey(check);
      const task = aboutCell(check).task;
      const passed = this.bar.checks.passes(check) ? (this.bar.checks.times[key] ?? saved) : null;
      tasks.set(task, [...(tasks.get(task) ?? []), { check: key, passed: before.get(key) ?? passed }]);
    }
    const now = { track, unit, version, saved, tasks: [...tasks].map(([task, checks]) => ({ task, checks })) };
    return { passerelle_progress: SCHEMA, saved, units: [...units.filter((one) => !same(one)), now] };
  }

  download(content) {
    const href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    const link = document.createElement("a");
    Object.assign(link, { href, download: FILE });
    link.click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }
}
