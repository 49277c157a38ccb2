/* Submitting from the bar: warning, receipt, marking result, in the bar and in her words. */
import { unitOf } from "./cells.js";
import { element } from "./dom.js";
import { Refusal } from "./server.js";
import { moment, number } from "./words.js";

export class Submission {
  constructor(bar) {
    this.bar = bar;
    this.shown = null;
    this.say = (text, values) => bar.say(text, values);
    /** What the bar tells: a function of the language, so that it follows the switch. */
    this.tell = () => [];
    this.questions = [];
    this.sending = false;
    // One token a submission she means: a repeated click or a lost answer makes no second attempt.
    this.token = null;
    this.latest = null;
  }

  draw() {
    this.bar.submit.setAttribute("aria-disabled", String(this.sending));
    const parts = this.tell();
    const key = JSON.stringify([this.bar.language, parts.map((part) => part.textContent ?? part), this.questions.length]);
    if (key !== this.shown) {
      this.shown = key;
      this.bar.news.replaceChildren(...parts);
      this.bar.asking.replaceChildren(...this.questions.map((question) => question()));
    }
  }

  show(tell, questions = []) {
    this.tell = tell;
    this.questions = questions;
    this.shown = null;
    this.bar.redraw();
  }

  async send(confirmed = false) {
    if (this.sending) {
      return;
    }
    const { panel, server } = this.bar;
    this.sending = true;
    this.token ??= this.bar.lab.UUID.uuid4();
    this.show(() => [this.say("Saving and sending…")]);
    try {
      await panel.context.save();
      const body = { token: this.token, path: panel.context.localPath, confirmed, language: this.bar.language };
      const receipt = await server.submit(unitOf(panel), body);
      this.token = null;
      this.follow(receipt);
    } catch (error) {
      this.explain(error);
    } finally {
      this.sending = false;
      this.bar.redraw();
    }
  }

  explain(error) {
    // After a no, what she sends next is new; after silence it may be the same, received already.
    if (error instanceof Refusal && error.body.id !== "confirm") {
      this.token = null;
    }
    if (error instanceof Refusal && error.body.id === "confirm") {
      const answer = (text, onclick) => () => element("button", { type: "button", onclick }, this.say(text));
      this.show(
        () => [error.message],
        [answer("Submit as it is", () => this.send(true)), answer("Go back to my work", () => this.show(() => []))],
      );
    } else if (error instanceof Refusal) {
      this.show(() => [this.say("Nothing was sent yet."), " ", error.message]);
    } else {
      console.warn("passerelle-lab: not sent", error);
      this.show(() => [
        this.say("Nothing was sent yet: the server does not answer. Your work is safe here; try again in a moment."),
      ]);
    }
  }

  async follow(receipt) {
    const { panel, server } = this.bar;
    this.latest = receipt.receipt;
    const when = () => {
      const values = { when: moment(this.bar.language, receipt.received), hash: receipt.sha256.slice(0, 8) };
      return this.say("Received {when} · {hash}", values);
    };
    this.show(() => [when(), " · ", this.say("It is being marked.")]);
    const wanted = () => !panel.isDisposed && this.latest === receipt.receipt;
    const result = await server.result(receipt.receipt, wanted);
    if (wanted()) {
      const link = () => this.link(receipt.receipt);
      this.show(() => [when(), " · ", ...this.outcome(result), ...link()]);
    }
  }

  outcome(result) {
    if (result?.state === "marked") {
      const shown = (value) => number(this.bar.language, value);
      const values = { points: shown(result.points ?? 0), max: shown(result.max ?? 0) };
      const said = [this.say("Points so far: {points} of {max}.", values)];
      if (result.waits_for_person) {
        said.push(" ", this.say("A trainer reads the rest."));
      }
      return [...said, ...(result.notices ?? []).flatMap((notice) => [" ", notice.text])];
    }
    if (result?.state === "ours") {
      return [this.say("Waiting for us: your work is safe, you have nothing to do.")];
    }
    return [this.say("Marking takes longer than usual. Your work is safe. The result will be on My path.")];
  }

  link(receipt) {
    const href = this.bar.server.attemptPage(receipt);
    if (!href) {
      return [];
    }
    const name = `${this.say("See the feedback")} (${this.say("new tab")})`;
    return [" ", element("a", { href, target: "_blank", rel: "noopener" }, name)];
  }
}
