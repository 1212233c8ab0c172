DROP TABLE operations;
DROP TABLE dead_letter_attempts;
ALTER TABLE dead_letters DROP KEY dead_letters_last_dead_at, DROP KEY dead_letters_page;
ALTER TABLE reissue_outbox DROP COLUMN withdrawn;
ALTER TABLE notices DROP COLUMN voided;
