ALTER TABLE dead_letters
    ADD COLUMN pruned_at DATETIME(6) NULL
    COMMENT 'UTC: when body was emptied because of its age (xiebao prune); NULL, or body is not empty: body is whole',
    ALGORITHM = INSTANT;
