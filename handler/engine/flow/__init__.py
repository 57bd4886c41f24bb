"""Steps that decide what runs next: loops, choices, tries, early ends, waits."""
