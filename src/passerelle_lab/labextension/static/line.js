/* The line to her server. Lab's own dialogs about it are replaced (plugins.js): the bar says what happened. */

const LOOK_AGAIN_S = [1, 2, 3, 5, 8, 10, 15, 20, 30];
const LOOK_MS = 8000;

export class Line {
  constructor(lab, services) {
    this.lab = lab;
    this.services = services;
    /** `up`; `asleep`: something answered, and it was not her server; `dropped`: nothing answered. */
    this.state = "up";
    this.followers = new Set();
    this.looking = false;
    this.reviving = new WeakMap();
    window.addEventListener("online", () => this.lost());
  }

  follow(follower) {
    this.followers.add(follower);
    return () => this.followers.delete(follower);
  }

  /** Somebody found the line dead: look until it is up again. */
  async lost() {
    if (this.looking) {
      return;
    }
    this.looking = true;
    for (let tries = 0; ; tries += 1) {
      this.become(await this.look());
      if (this.state === "up") {
        break;
      }
      const wait = LOOK_AGAIN_S[Math.min(tries, LOOK_AGAIN_S.length - 1)];
      await new Promise((awake) => setTimeout(awake, wait * 1000));
    }
    this.looking = false;
  }

  become(state) {
    const before = this.state;
    this.state = state;
    if (state !== before) {
      this.followers.forEach((follower) => follower(state, before));
    }
  }

  async look() {
    const { baseUrl } = this.lab.ServerConnection.makeSettings();
    try {
      // Her own server sends nobody elsewhere: a redirect is the hub's, which has no server of hers to show.
      const url = this.lab.URLExt.join(baseUrl, "passerelle/notice") + `?${Date.now()}`;
      const options = { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(LOOK_MS) };
      const reply = await fetch(url, { ...options, headers: this.headers() });
      if (reply.ok) {
        return "up";
      }
      return reply.type === "opaqueredirect" || [403, 404, 424].includes(reply.status) ? "asleep" : "dropped";
    } catch {
      return "dropped";
    }
  }

  headers() {
    const { token } = this.lab.ServerConnection.makeSettings();
    return token ? { Authorization: `token ${token}` } : {};
  }

  /** Where her server is started again, and this unit opened. */
  wakeUrl({ track, unit }) {
    const option = (name) => this.lab.PageConfig.getOption(name);
    const open = `passerelle/open/${encodeURIComponent(track)}/${encodeURIComponent(unit)}`;
    const prefix = option("hubPrefix");
    return prefix
      ? `${option("hubHost")}${prefix}user-redirect/${open}`
      : this.lab.URLExt.join(this.lab.PageConfig.getBaseUrl(), open);
  }

  /** Give a notebook its Python again, where it ended while the line was down; asked twice, it is done once. */
  revive(session) {
    if (!this.reviving.has(session)) {
      const done = this.reconnect(session).finally(() => this.reviving.delete(session));
      this.reviving.set(session, done);
    }
    return this.reviving.get(session);
  }

  async reconnect(session) {
    if (session.session?.kernel?.connectionStatus === "connected") {
      return;
    }
    // What is not among the running ones any more, Lab lets go of by this; it would look by itself minutes later.
    await this.services.sessions.refreshRunning().catch(() => {});
    const { kernel } = session.session ?? {};
    if (kernel && !kernel.isDisposed) {
      // Not awaited: it waits as long as the line is down.
      kernel.reconnect().catch(() => {});
    } else {
      await session.changeKernel({ name: session.kernelPreference.name ?? "python3" });
    }
  }
}
