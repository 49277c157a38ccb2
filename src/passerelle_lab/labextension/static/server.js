/* What the bar asks of her own server (passerelle_lab.extension). */

// Growing waits: marking takes seconds when all is well, and a page left open must not ask for ever.
const RESULT_WAITS_S = [0.5, 0.5, 1, 1, 1, 2, 2, 3, 3, 5, 5, 8, 8, 15, 15, 30, 30, 60];

/** What the server said no with: its words are for her. */
export class Refusal extends Error {
  constructor(body) {
    super(body.error);
    this.body = body;
  }
}

/** The page could not reach the server at all. */
export class Unreachable extends Error {}

const place = ({ track, unit }) => `${encodeURIComponent(track)}/${encodeURIComponent(unit)}`;

export class Server {
  constructor(lab, line) {
    this.lab = lab;
    this.line = line;
    this.settings = lab.ServerConnection.makeSettings();
    /** Whether this Lab runs with Passerelle's server extension; without it the bar neither submits nor stores. */
    this.here = lab.PageConfig.getOption("passerelleServer") === "true";
    /** Whether it runs with the extension and without an exchange: nothing is submitted, she can save a file. */
    this.alone = lab.PageConfig.getOption("passerelleServer") === "false";
    this.pages = lab.PageConfig.getOption("passerellePages");
  }

  async ask(method, path, body) {
    const url = this.lab.URLExt.join(this.settings.baseUrl, "passerelle", path);
    const request = { method, headers: { Accept: "application/json" } };
    if (body !== undefined) {
      request.body = JSON.stringify(body);
      request.headers["Content-Type"] = "application/json";
    }
    let answer;
    let json;
    try {
      answer = await this.lab.ServerConnection.makeRequest(url, request, this.settings);
      json = await answer.json();
    } catch (cause) {
      this.line.lost();
      throw new Unreachable("", { cause });
    }
    if (!answer.ok) {
      // Only our handlers speak to her; another answer (a proxy's, a log-in's) is as good as none.
      if (typeof json?.error === "string") {
        throw new Refusal(json);
      }
      this.line.lost();
      throw new Unreachable();
    }
    return json;
  }

  language() {
    return this.ask("GET", "language");
  }

  storeLanguage(language) {
    return this.ask("PUT", "language", { language });
  }

  /** Whether errors are explained in her notebooks. */
  explaining() {
    return this.ask("GET", "explaining");
  }

  explain(on) {
    return this.ask("PUT", "explaining", { on });
  }

  submit(unit, body) {
    return this.ask("POST", `submit/${place(unit)}`, body);
  }

  /** Ask the trainers for help: the answer says by when she gets one. */
  askHelp(unit, body) {
    return this.ask("POST", `help/${place(unit)}`, body);
  }

  /** What her unit's folder holds; it says that this tab has the notebook open. */
  state(unit, tab) {
    return this.ask("GET", `state/${place(unit)}?tab=${tab}`);
  }

  /** Say that a tab closes, as the page goes. */
  leave(unit, tab) {
    const url = this.lab.URLExt.join(this.settings.baseUrl, `passerelle/state/${place(unit)}?tab=${tab}`);
    const request = { method: "DELETE", keepalive: true };
    this.lab.ServerConnection.makeRequest(url, request, this.settings).catch(() => {});
  }

  /** Renew, start over, or bring the last submission back: `kept` is the copy, `beside` her own data. */
  change(act, unit) {
    return this.ask("POST", `${act}/${place(unit)}`, {});
  }

  /** Keep a notebook as a copy: one that is sent, or the one that is saved. */
  keepCopy(unit, notebook = null) {
    return this.ask("POST", `copies/${place(unit)}`, { notebook });
  }

  dismissNote() {
    return this.ask("DELETE", "notice");
  }

  /** The result of a receipt once there is one; null where it takes too long or nobody waits any more. */
  async result(receipt, stillWanted) {
    for (const wait of RESULT_WAITS_S) {
      await new Promise((awake) => setTimeout(awake, wait * 1000));
      if (!stillWanted()) {
        return null;
      }
      try {
        const result = await this.ask("GET", `results/${encodeURIComponent(receipt)}`);
        if (result.state !== "waiting") {
          return result;
        }
      } catch (error) {
        if (error instanceof Refusal) {
          return null;
        }
      }
    }
    return null;
  }

  attemptPage(receipt) {
    return this.pages ? `${this.pages}attempt/${encodeURIComponent(receipt)}` : null;
  }
}
