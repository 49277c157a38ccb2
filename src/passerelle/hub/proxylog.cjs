// Loaded before the proxy (node --require): its lines become JSON in PASSERELLE_LOG, without addresses of people's
// pages, rotated as the other logs are; see logs.py.
const fs = require("node:fs");
const path = process.env.PASSERELLE_LOG;
const LOG_BYTES = 5 * 1024 * 1024;
const KEPT = 3;

const plain = (text) =>
  text
    .replace(/\u001b\[[0-9;]*m/g, "")
    .replace(/^\S*\d\d:\d\d:\d\d\S* /, "")
    .replace(/\S*\/\S*/g, "…")
    .replace(/\b[0-9a-f]{40,}\b/g, "…");

const rotate = () => {
  for (let number = KEPT; number > 0; number -= 1) {
    const older = number > 1 ? `${path}.${number - 1}` : path;
    if (fs.existsSync(older)) fs.renameSync(older, `${path}.${number}`);
  }
};

const write = (level) => (chunk, encoding, done) => {
  const lines = String(chunk).split("\n").filter((line) => line.trim());
  try {
    for (const text of lines) {
      const said = /\[ConfigProxy\] .*?(error|warn|info)/.exec(text);
      const line = {
        time: new Date().toISOString().replace("Z", "+00:00"),
        process: "proxy",
        level: { error: "ERROR", warn: "WARNING", info: "INFO" }[said ? said[1] : ""] || level,
        logger: "configurable-http-proxy",
        event: plain(text).slice(0, 500),
      };
      if (fs.existsSync(path) && fs.statSync(path).size > LOG_BYTES) rotate();
      fs.appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    }
  } catch {
    // A full disk: the proxy goes on without a log.
  }
  const after = typeof encoding === "function" ? encoding : done;
  if (after) after();
  return true;
};

if (path) {
  process.stdout.write = write("INFO");
  process.stderr.write = write("ERROR");
}
