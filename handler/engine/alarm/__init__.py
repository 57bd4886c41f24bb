"""Time limits inside a step: signals, timers and cancelled coroutines."""
