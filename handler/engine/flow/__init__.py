"""Steps that determine the next step: loops, choices, tries, early ends, waits."""
