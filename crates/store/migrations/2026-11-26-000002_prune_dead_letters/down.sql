ALTER TABLE dead_letters DROP COLUMN pruned_at;
