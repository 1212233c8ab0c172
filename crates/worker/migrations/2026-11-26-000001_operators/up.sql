-- What operators keep the store small with: bodies that were emptied because of their age say so.
-- MySQL 8+ and MariaDB 10.6+ alike; columns are added without copying the table.

ALTER TABLE notices
    ADD COLUMN pruned_at DATETIME(6) NULL
    COMMENT 'UTC: when raw was emptied because of its age (xiebao prune); NULL: raw is whole';

ALTER TABLE dead_letters
    ADD COLUMN pruned_at DATETIME(6) NULL
    COMMENT 'UTC: when body was emptied because of its age (xiebao prune); NULL: body is whole';

ALTER TABLE operations
    MODIFY COLUMN action VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'dead.requeue, dead.discard, held.release, notice.void, notice.restore, rebuild, reprocess, prune';
