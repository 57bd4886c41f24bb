"""Time limits inside a step: signals, timers, cancelled coroutines."""
