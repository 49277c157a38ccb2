/* Which checks pass, and only what is true: a check passes when, in this life of the kernel, its last run
 * ended without an error (and with all its points, where it says points), after every answer of its task
 * had run as it reads now. Editing an answer takes its checks out of the count until they run again.
 */
import { aboutCell, cellsOf, checkKey, checkPoints, checksOf, isAnswer, isCheck, isCode, source } from "./cells.js";

const KERNEL_ENDS = ["restarting", "autorestarting", "terminating", "dead"];

/** A short fingerprint (cyrb53): sources are compared, not kept. */
function print(text) {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}

/** The points a check states by its last line (`expect.points()`), or null where it states none. */
function statedPoints(cell) {
  const outputs = cell.model.outputs.toJSON().filter((output) => output.output_type === "execute_result");
  const text = [outputs.at(-1)?.data?.["text/plain"] ?? ""].flat().join("");
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : null;
}

export class Checks {
  /**
   * @param panel the notebook
   * @param actions Lab's NotebookActions, whose signals tell of every run
   * @param changed called when the count may have changed
   */
  constructor(panel, actions, changed) {
    this.panel = panel;
    this.changed = changed;
    this.scheduled = new Map();
    this.forget();
    this.recall();
    actions.executionScheduled.connect(this.onScheduled, this);
    actions.executed.connect(this.onExecuted, this);
    panel.sessionContext.statusChanged.connect(this.onStatus, this);
    panel.sessionContext.kernelChanged.connect(this.onKernel, this);
    panel.context.model.contentChanged.connect(changed);
    panel.disposed.connect(() => {
      actions.executionScheduled.disconnect(this.onScheduled, this);
      actions.executed.disconnect(this.onExecuted, this);
    });
  }

  get total() {
    return checksOf(this.panel).length;
  }

  get passed() {
    return checksOf(this.panel).filter((check) => this.passes(check)).length;
  }

  passes(check) {
    const proof = this.proofs[checkKey(check)];
    return proof !== undefined && proof === this.answers(check, (cell) => print(source(cell)));
  }

  /** Whether every check of a task passes; a task without checks has nothing to pass. */
  taskPasses(task) {
    return checksOf(this.panel).every((check) => aboutCell(check).task !== task || this.passes(check));
  }

  answers(check, fingerprint) {
    const task = aboutCell(check).task;
    const mine = cellsOf(this.panel).filter((cell) => isAnswer(cell) && task && aboutCell(cell).task === task);
    return mine.map((cell) => `${cell.model.id}:${fingerprint(cell)}`).join(" ");
  }

  onScheduled(_, { notebook, cell }) {
    if (notebook === this.panel.content) {
      this.scheduled.set(cell.model.id, print(source(cell)));
    }
  }

  onExecuted(_, { notebook, cell, success, error }) {
    // No error name: put off by the kernel after another cell's error. No count: there was no kernel. It did not run.
    const ran = success ? cell.model.executionCount !== null : Boolean(error?.errorName);
    if (notebook !== this.panel.content || !isCode(cell) || !ran) {
      return;
    }
    this.ran[cell.model.id] = this.scheduled.get(cell.model.id) ?? print(source(cell));
    if (isCheck(cell)) {
      const points = statedPoints(cell);
      if (success && (points === null || points >= checkPoints(cell))) {
        this.times[checkKey(cell)] = new Date().toISOString();
        this.proofs[checkKey(cell)] = this.answers(cell, (answer) => this.ran[answer.model.id] ?? "");
      } else {
        delete this.proofs[checkKey(cell)];
      }
    }
    this.remember();
    this.changed();
  }

  onStatus(_, status) {
    if (KERNEL_ENDS.includes(status)) {
      this.forget();
      this.remember();
      this.changed();
    }
  }

  onKernel(_, { oldValue, newValue }) {
    if (oldValue && oldValue.id !== newValue?.id) {
      this.forget();
    }
    this.recall();
    this.changed();
  }

  forget() {
    this.ran = {};
    this.proofs = {};
    this.times = {};
  }

  // A reload of the page keeps the kernel, so what was proven in it still stands.
  get place() {
    const kernel = this.panel.sessionContext.session?.kernel?.id;
    return kernel ? `passerelle:checks:${kernel}` : null;
  }

  remember() {
    if (this.place) {
      sessionStorage.setItem(this.place, JSON.stringify({ ran: this.ran, proofs: this.proofs, times: this.times }));
    }
  }

  recall() {
    const kept = this.place && sessionStorage.getItem(this.place);
    if (kept) {
      Object.assign(this, JSON.parse(kept));
    }
  }
}
