DROP TABLE refused_requests;

ALTER TABLE proposals DROP KEY proposals_status;

ALTER TABLE operations
    MODIFY COLUMN action VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'dead.requeue, dead.discard, held.release, notice.void, notice.restore, rebuild, reprocess';

ALTER TABLE dead_letters DROP COLUMN pruned_at;

ALTER TABLE notices DROP COLUMN pruned_at;
