"""How an agent is, told to whoever asks: metrics, health and readiness over HTTP."""
