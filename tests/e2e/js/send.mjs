// Sends one failing request's telemetry with stock OpenTelemetry JS; prints the trace ids as JSON.
// Usage: node send.mjs GRPC_ADDRESS HTTP_BASE_URL PLANTED_TEXT
import { createRequire } from "node:module";

// The packages are installed outside of this folder; NODE_MODULES names where.
const load = createRequire(process.env.NODE_MODULES + "/");
const { trace, SpanStatusCode } = load("@opentelemetry/api");
const { SeverityNumber } = load("@opentelemetry/api-logs");
const { resources, tracing, metrics } = load("@opentelemetry/sdk-node");
const { LoggerProvider, SimpleLogRecordProcessor } = load("@opentelemetry/sdk-logs");
const grpc = load("@opentelemetry/exporter-trace-otlp-grpc");
const proto = load("@opentelemetry/exporter-trace-otlp-proto");
const json = load("@opentelemetry/exporter-trace-otlp-http");
const logs = load("@opentelemetry/exporter-logs-otlp-http");
const metricsProto = load("@opentelemetry/exporter-metrics-otlp-proto");

const [grpcAddress, httpBase, planted] = process.argv.slice(2);
const resource = resources.resourceFromAttributes({ "service.name": "node-shop" });

class OutOfStock extends Error {
  name = "OutOfStock";
}

function reserve() {
  throw new OutOfStock(`no item left for ${planted}`);
}

async function failWith(exporter, name) {
  const provider = new tracing.BasicTracerProvider({
    resource,
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("node-shop");
  const span = tracer.startSpan(name);
  try {
    reserve();
  } catch (error) {
    span.recordException(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  return span.spanContext().traceId;
}

const ids = {
  grpc: await failWith(new grpc.OTLPTraceExporter({ url: `http://${grpcAddress}` }), "by grpc"),
  protobuf: await failWith(new proto.OTLPTraceExporter({ url: `${httpBase}/v1/traces` }), "by protobuf"),
  json: await failWith(new json.OTLPTraceExporter({ url: `${httpBase}/v1/traces`, compression: "gzip" }), "by json"),
};

const loggerProvider = new LoggerProvider({
  resource,
  processors: [new SimpleLogRecordProcessor({ exporter: new logs.OTLPLogExporter({ url: `${httpBase}/v1/logs` }) })],
});
loggerProvider
  .getLogger("node-shop")
  .emit({ severityNumber: SeverityNumber.ERROR, severityText: "ERROR", body: `node log about ${planted}` });
await loggerProvider.forceFlush();
await loggerProvider.shutdown();

const reader = new metrics.PeriodicExportingMetricReader({
  exporter: new metricsProto.OTLPMetricExporter({ url: `${httpBase}/v1/metrics` }),
  exportIntervalMillis: 60000,
});
const meterProvider = new metrics.MeterProvider({ resource, readers: [reader] });
meterProvider.getMeter("node-shop").createCounter("node.orders").add(3, { note: planted });
await meterProvider.forceFlush();
await meterProvider.shutdown();

console.log(JSON.stringify(ids));
