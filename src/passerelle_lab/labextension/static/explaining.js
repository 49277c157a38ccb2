/* Whether errors are explained in plain words: her choice, kept in her home; every kernel asks for it there. */
import { element, setText } from "./dom.js";

export class Explaining {
  constructor(bar) {
    this.bar = bar;
    /** Not known until her server has said so. */
    this.on = null;
    this.button = element("button", { type: "button", onclick: () => this.turn() });
    if (bar.server.here || bar.server.alone) {
      this.keep(() => bar.server.explaining());
    }
  }

  turn() {
    return this.keep(() => this.bar.server.explain(!this.on));
  }

  async keep(ask) {
    try {
      this.on = (await ask()).on;
    } catch (error) {
      // The button goes on saying what holds.
      console.warn("passerelle-lab: explaining errors was not asked or kept", error);
    }
    this.bar.redraw();
  }

  draw() {
    this.button.hidden = this.on === null;
    setText(this.button, this.on ? this.bar.say("Explain errors: on") : this.bar.say("Explain errors: off"));
  }
}
