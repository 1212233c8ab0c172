ALTER TABLE notices DROP COLUMN pruned_at;
