-- The comment alone changes, which the servers do at once.

ALTER TABLE operations
    MODIFY COLUMN action VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'dead.requeue, dead.discard, held.release, notice.void, notice.restore, rebuild, reprocess, prune';
