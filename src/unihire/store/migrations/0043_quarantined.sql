-- Issues about quarantined rows have the word of the quarantine.
UPDATE issue SET kind = 'rows_quarantined' WHERE kind = 'rows_set_aside';
