// Loaded before the proxy (node --require): lets it listen on the sockets that the supervisor has bound; see sockets.py.
const net = require("node:net");
const held = JSON.parse(process.env.PASSERELLE_SOCKETS || "{}");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const descriptor = held[port];
  if (descriptor === undefined) return listen.call(this, port, ...rest);
  return listen.call(this, { fd: descriptor }, ...rest.filter((one) => typeof one === "function"));
};
