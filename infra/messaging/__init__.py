"""Events to the bus, messages to the queue, and schedules at EventBridge Scheduler."""
