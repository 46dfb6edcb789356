// recommendations (Node): started with --require @opentelemetry/auto-instrumentations-node/register.
// node recommendations.cjs SETTINGS
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const { SpanStatusCode, trace } = require("@opentelemetry/api");
const { logs, SeverityNumber } = require("@opentelemetry/api-logs");

const settings = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const log = logs.getLogger("shop.recommendations");
const profiles = { nobody: { taste: "tea" } };
let noted = 0;

// The same lines as the Python services write: what the shop itself knows of its errors and of what it planted.
function note(error) {
  noted += 1;
  const key = `recommendations-${String(noted).padStart(4, "0")}`;
  const span = trace.getActiveSpan();
  const { traceId, spanId } = span.spanContext();
  const line = { key, service: "recommendations", type: error.name, trace_id: traceId, span_id: spanId, time: Date.now() / 1000 };
  fs.appendFileSync(settings.ledger, JSON.stringify(line) + "\n");
  span.addEvent("shop.ledger", { "shop.error.key": key });
}

function plant(entity, value, place) {
  fs.appendFileSync(settings.planted, JSON.stringify({ entity, value, place }) + "\n");
  return value;
}

// The bug: not everybody has a profile.
function recommend(user) {
  return { user, buy: profiles[user].taste };
}

function answer(request, response) {
  const url = new URL(request.url, "http://shop");
  try {
    const found = url.pathname === "/healthz" ? "ok" : recommend(url.searchParams.get("user"));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(found));
  } catch (error) {
    note(error);
    const secret = crypto.createHash("sha256").update(`${settings.seed}/${noted}`).digest("hex").slice(0, 40);
    const token = plant("BEARER_TOKEN", secret, "log line of another language");
    log.emit({ severityNumber: SeverityNumber.WARN, severityText: "WARN", body: `no profile, Authorization: Bearer ${token}` });
    const span = trace.getActiveSpan();
    span.recordException(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    response.writeHead(500, { "content-type": "application/json" }).end('{"error":"internal"}');
  }
}

const server = http.createServer(answer).listen(settings.ports.recommendations, "127.0.0.1");
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
