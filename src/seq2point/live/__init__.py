"""Live: a meter's readings in, the appliances out, as time passes; no torch beside a meter."""
