-- Bodies that were emptied because of their age say so. One statement a migration from here on: the servers commit each change
-- of a table by itself, so that one which ends half way could not be run again. At once, whatever the table has grown to.

ALTER TABLE notices
    ADD COLUMN pruned_at DATETIME(6) NULL
    COMMENT 'UTC: when raw was emptied because of its age (xiebao prune); NULL, or raw is not empty: raw is whole',
    ALGORITHM = INSTANT;
