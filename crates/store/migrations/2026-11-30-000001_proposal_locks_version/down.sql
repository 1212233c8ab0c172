ALTER TABLE proposal_locks DROP COLUMN version;
