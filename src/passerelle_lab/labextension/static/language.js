/* The notebook's language: prose switched in place, the kernel told. */
import { aboutCell, cellsOf, source, unitOf } from "./cells.js";

/**
 * Put the prose into a language. A cell is replaced where it reads as one of its translations; what she
 * changed, added or answered stays as it is.
 */
export function switchProse(panel, language) {
  const shared = panel.context.model.sharedModel;
  shared.transact(() => {
    for (const cell of cellsOf(panel)) {
      const texts = aboutCell(cell).text;
      const wanted = texts?.[language];
      const known = Object.values(texts ?? {}).some((text) => text.trimEnd() === source(cell).trimEnd());
      if (wanted !== undefined && known && wanted.trimEnd() !== source(cell).trimEnd()) {
        cell.model.sharedModel.setSource(wanted);
        cell.update();
      }
    }
    panel.context.model.setMetadata("passerelle", { ...unitOf(panel), language });
  });
}

// One expression in a try, by dunder import: it leaves no name among hers, and a kernel without the package stays silent.
const tell = (language) => `try:
    __import__("autograders").set_language(${JSON.stringify(language)})
    __import__("autograders.explained").explained.watch()
except ImportError:
    pass`;

// Her kernel may not have run the cell that imports `hints`.
const OFFER_HINTS = `try:
    globals().setdefault("hints", __import__("autograders").hints)
except ImportError:
    pass`;

async function silently(panel, code) {
  const kernel = panel.sessionContext.session?.kernel;
  if (kernel) {
    await kernel.requestExecute({ code, silent: true, store_history: false, stop_on_error: false }).done;
  }
}

export const offerHints = (panel) => silently(panel, OFFER_HINTS);

/** Keeps a notebook's kernel told of its language, each time it starts. */
export class KernelLanguage {
  constructor(panel) {
    this.panel = panel;
    this.untold = true;
    panel.sessionContext.statusChanged.connect(this.onStatus, this);
    panel.sessionContext.kernelChanged.connect(() => {
      this.untold = true;
    });
    this.onStatus(null, panel.sessionContext.session?.kernel?.status);
    // Not only when it is idle: the first to be so may be after her first cell, and what is said before waits its turn.
    panel.sessionContext.ready.then(() => this.untold && this.tell()).catch(() => {});
  }

  onStatus(_, status) {
    if (status === "restarting" || status === "autorestarting") {
      this.untold = true;
    } else if (status === "idle" && this.untold) {
      this.tell();
    }
  }

  async tell() {
    this.untold = !this.panel.sessionContext.session?.kernel;
    await silently(this.panel, tell(unitOf(this.panel)?.language ?? "en"));
  }
}
