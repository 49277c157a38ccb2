/* «I'm stuck»: a question to the trainers, with the unit and the check that does not pass; her words are optional. */
import { checkKey, checksOf, unitOf } from "./cells.js";
import { element } from "./dom.js";
import { Refusal } from "./server.js";
import { answer, Topic } from "./topic.js";

// A minute and a half in all: after that she decides.
const TRY_AGAIN_S = [1, 2, 4, 8, 15, 30, 30];

export class Stuck {
  constructor(bar) {
    this.bar = bar;
    this.topic = new Topic(bar, "stuck");
    this.say = (text, values) => bar.say(text, values);
    this.button = element("button", { type: "button", onclick: () => this.open() });
    this.sending = false;
    /** What she has not sent yet; its token stays the same until there is an answer, so it is sent once. */
    this.draft = null;
  }

  draw() {
    this.button.textContent = this.say("I’m stuck");
    this.button.hidden = !this.bar.server.here;
    this.topic.draw();
    this.drawForm();
  }

  /** The check that was run and does not pass; else the first one that does not; else none. */
  suggested() {
    const { checks, panel } = this.bar;
    const open = checksOf(panel).filter((check) => !checks.passes(check));
    const tried = open.find((check) => checks.ran[check.model.id] !== undefined);
    return (tried ?? open[0]) ? checkKey(tried ?? open[0]) : "";
  }

  title(key) {
    const titles = this.bar.folder.titles[key];
    return titles?.[this.bar.language] ?? titles?.en ?? key;
  }

  open() {
    if (this.sending) {
      return;
    }
    this.draft ??= { token: this.bar.lab.UUID.uuid4(), check: this.suggested(), words: "" };
    const { language } = this.bar;
    const unit = () => unitOf(this.bar.panel);
    this.ask(() => [
      this.say("Your question goes to the trainers, with this unit: {unit}.", {
        unit: unit()?.title?.[language] ?? unit()?.title?.en ?? unit()?.unit ?? "",
      }),
    ]);
  }

  /** Show the form below a sentence; what she has written is still in it. */
  ask(tell) {
    this.check = element("select", { onchange: () => (this.draft.check = this.check.value) });
    this.words = element("textarea", { rows: "3", maxlength: "4000", oninput: () => (this.draft.words = this.words.value) });
    this.words.value = this.draft.words;
    this.labels = [element("span"), element("span")];
    const form = element(
      "div",
      { class: "passerelle-bar-form" },
      element("label", {}, this.labels[0], this.check),
      element("label", {}, this.labels[1], this.words),
    );
    this.rest();
    this.topic.show(tell, [answer("Ask for help", () => this.send()), answer("Go back to my work", () => this.close(), true)], true);
    this.form = form;
    this.topic.add(form);
    this.drawForm();
    this.words.focus();
    this.topic.reveal();
    this.bar.redraw();
  }

  drawForm() {
    if (!this.form?.isConnected || this.form.lang === this.bar.language) {
      return;
    }
    this.form.lang = this.bar.language;
    this.labels[0].textContent = this.say("The check");
    this.labels[1].textContent = this.say("In your words (you may leave this empty)");
    const keys = ["", ...checksOf(this.bar.panel).map(checkKey)];
    const option = (key) => element("option", { value: key }, key ? this.title(key) : this.say("No check in particular"));
    this.check.replaceChildren(...keys.map(option));
    this.check.value = this.draft.check;
  }

  close() {
    this.topic.clear();
    this.rest();
    this.bar.redraw();
  }

  /** What she pressed goes: the keyboard goes on from where she asked, and not from Submit. */
  rest() {
    (this.bar.moreActs.hidden ? this.bar.more : this.button).focus();
  }

  /** Send until there is an answer, a no, or nothing for a while; the same token each time. */
  async send() {
    if (this.sending) {
      return;
    }
    this.sending = true;
    const { server, panel } = this.bar;
    const stopped = { yes: false };
    this.topic.show(() => [this.say("Sending…")]);
    this.bar.redraw();
    try {
      for (const wait of [...TRY_AGAIN_S, null]) {
        try {
          const { days } = await server.askHelp(unitOf(panel), { ...this.draft, language: this.bar.language });
          this.draft = null;
          this.told(days);
          return;
        } catch (error) {
          if (error instanceof Refusal && error.body.id !== "unreachable") {
            this.ask(() => [this.say("Your question was not sent."), " ", error.message]);
            return;
          }
          console.debug("passerelle-lab: the question is not sent yet", error);
        }
        if (wait === null || stopped.yes) {
          break;
        }
        await this.pause(wait, stopped);
        if (stopped.yes) {
          break;
        }
      }
      this.ask(() => [
        this.say("We do not know yet whether your question arrived: the server does not answer. Your words are kept here; sending them again makes no second question."),
      ]);
    } finally {
      this.sending = false;
      this.bar.redraw();
    }
  }

  /** Wait, or less where she stops it or the line is up again. */
  pause(seconds, stopped) {
    return new Promise((awake) => {
      const unfollow = this.bar.line.follow((state) => state === "up" && end());
      const timer = setTimeout(() => end(), seconds * 1000);
      function end() {
        clearTimeout(timer);
        unfollow();
        awake();
      }
      const stop = () => {
        stopped.yes = true;
        end();
      };
      this.topic.show(() => [this.say("The line dropped; trying again…")], [answer("Stop trying", stop)]);
    });
  }

  told(days) {
    this.topic.show(
      () => [
        this.say("Your question is with the trainers. You get an answer by {day}, on My path.", {
          day: days[this.bar.language] ?? days.en,
        }),
      ],
      [answer("Go back to my work", () => this.close(), true)],
    );
  }
}
