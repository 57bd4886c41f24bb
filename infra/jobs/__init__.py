"""Jobs in the table: their records, and the conditional writes of the record protocol."""
