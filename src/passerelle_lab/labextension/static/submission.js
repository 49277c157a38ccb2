/* Submitting from the bar: everything run from the top, warning, receipt, marking result, in her words. */
import { checkKey, checksOf, unitOf } from "./cells.js";
import { element } from "./dom.js";
import { Refusal } from "./server.js";
import { answer, Topic } from "./topic.js";
import { moment, number } from "./words.js";

// Growing waits, two minutes in all: after that she decides.
const TRY_AGAIN_S = [1, 2, 4, 8, 15, 30, 30, 30];
const NAMED_CHECKS = 3;

export class Submission {
  constructor(bar) {
    this.bar = bar;
    this.topic = new Topic(bar, "news");
    this.say = (text, values) => bar.say(text, values);
    this.busy = false;
    this.stopped = null;
    this.latest = null;
  }

  draw() {
    this.bar.submit.setAttribute("aria-disabled", String(this.busy));
    this.topic.draw();
  }

  show(tell, answers = [], asks = false) {
    this.topic.show(tell, answers, asks);
    this.bar.redraw();
  }

  // One token a submission she means: a repeated click, a lost answer or a reload makes no second attempt.
  get token() {
    const place = `passerelle:token:${this.bar.panel.context.path}`;
    const kept = sessionStorage.getItem(place) ?? this.bar.lab.UUID.uuid4();
    sessionStorage.setItem(place, kept);
    return kept;
  }

  forgetToken() {
    sessionStorage.removeItem(`passerelle:token:${this.bar.panel.context.path}`);
  }

  /** Submit: save, run everything from a fresh start, show what the checks say, send. */
  start() {
    return this.alone(async () => {
      this.show(() => [this.say("Saving…")]);
      if (!(await this.bar.saving.save())) {
        // Drawn anew when it is saved after all, or when she has chosen between two tabs.
        const then = () =>
          this.bar.saving.done
            ? this.say("Your text is saved now: you can submit it.")
            : this.say("Your text has to be saved first.");
        this.show(() => [this.say("Nothing was sent yet."), " ", then()]);
        return;
      }
      if (await this.checked()) {
        await this.deliver(false);
      }
    });
  }

  send(confirmed) {
    return this.alone(async () => {
      if (await this.bar.saving.save()) {
        await this.deliver(confirmed);
      }
    });
  }

  async alone(work) {
    if (this.busy) {
      return;
    }
    this.busy = true;
    this.bar.redraw();
    try {
      await work();
    } finally {
      this.busy = false;
      this.bar.redraw();
    }
  }

  /** Run everything from the top; say whether to send now. What is not green is hers to decide. */
  async checked() {
    let choice = null;
    const choose = (what) => () => {
      choice ??= what;
      this.bar.stopRun();
    };
    this.show(
      () => [this.say("Before sending, every cell runs from the top, as it will when it is marked.")],
      [answer("Submit as it is", choose("send")), answer("Stop", choose("stop"))],
    );
    const ended = await this.bar.run();
    if (choice === "send") {
      return this.bar.saving.save();
    }
    if (choice === "stop" || ended === "stopped") {
      this.show(() => [this.say("Nothing was sent yet.")]);
      return false;
    }
    const { passed, total } = this.bar.checks;
    if (ended === "ran" && passed === total) {
      return this.bar.saving.save();
    }
    this.show(
      () => (ended === "ran" ? this.found() : [this.say("Python did not start, so the checks did not run.")]),
      [answer("Submit as it is", () => this.send(false)), answer("Go back to my work", () => this.topic.clear(), true)],
      true,
    );
    return false;
  }

  found() {
    const { language, checks, folder, panel } = this.bar;
    const open = checksOf(panel).filter((check) => !checks.passes(check));
    const named = open.map((check) => {
      const title = folder.titles[checkKey(check)];
      return title?.[language] ?? title?.en ?? checkKey(check);
    });
    const first = named.slice(0, NAMED_CHECKS).join(", ");
    const count = named.length - NAMED_CHECKS;
    const names = count > 0 ? this.say("{names} and {count} more", { names: first, count }) : first;
    return [
      this.say("Run from the top, {passed} of {total} checks pass. Still open: {names}. You can submit now and again later.", {
        passed: checks.passed,
        total: checks.total,
        names,
      }),
    ];
  }

  /** Send what is saved, until there is a receipt, a no, or nothing for two minutes. */
  async deliver(confirmed) {
    const { panel, server } = this.bar;
    this.show(() => [this.say("Sending…")]);
    this.stopped = false;
    for (const wait of [...TRY_AGAIN_S, null]) {
      try {
        const body = { token: this.token, path: panel.context.localPath, confirmed, language: this.bar.language };
        const receipt = await server.submit(unitOf(panel), body);
        this.forgetToken();
        this.follow(receipt);
        return;
      } catch (error) {
        if (error instanceof Refusal && error.body.id === "key-reused") {
          // The line dropped after a receipt was written, and she has changed something since: this is a new one.
          this.forgetToken();
        } else if (error instanceof Refusal && error.body.id !== "unreachable") {
          this.explain(error);
          return;
        }
        console.debug("passerelle-lab: not sent yet", error);
      }
      if (wait === null || this.stopped) {
        break;
      }
      this.show(
        () => [this.say("The line dropped; trying again…")],
        [answer("Stop trying", () => this.stopTrying())],
      );
      await this.pause(wait);
      if (this.stopped) {
        break;
      }
    }
    this.show(
      () => [
        this.say("Nothing was sent yet: the server does not answer. Your work is safe here; try again in a moment."),
      ],
      [answer("Submit again", () => this.send(confirmed))],
    );
  }

  /** Wait, or less where she stops it or the line is up again. */
  pause(seconds) {
    return new Promise((awake) => {
      const unfollow = this.bar.line.follow((state) => state === "up" && end());
      const timer = setTimeout(() => end(), seconds * 1000);
      function end() {
        clearTimeout(timer);
        unfollow();
        awake();
      }
      this.stopTrying = () => {
        this.stopped = true;
        end();
      };
    });
  }

  explain(error) {
    if (error.body.id === "confirm") {
      this.show(
        () => [error.message],
        [answer("Submit as it is", () => this.send(true)), answer("Go back to my work", () => this.topic.clear(), true)],
        true,
      );
    } else {
      // After a no, what she sends next is new.
      this.forgetToken();
      this.show(() => [this.say("Nothing was sent yet."), " ", error.message]);
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
