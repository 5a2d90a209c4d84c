"""Training: engines, the loop of events, and the session that owns the thread."""
