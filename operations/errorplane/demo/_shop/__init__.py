"""The demo's shop: small real services that fail on purpose. They know nothing of errorplane, only of OpenTelemetry."""
