-- Instant: no row is rewritten. Workers of the last release go on meanwhile.

ALTER TABLE proposal_locks
    ADD COLUMN version BIGINT NOT NULL DEFAULT 0 COMMENT 'grows with every transaction where several nodes take writes',
    ALGORITHM = INSTANT;
