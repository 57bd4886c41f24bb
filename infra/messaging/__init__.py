"""What Conduit sends: events to the bus, messages to the queue, schedules to EventBridge Scheduler."""
