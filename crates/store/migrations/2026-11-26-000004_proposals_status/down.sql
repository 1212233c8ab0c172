ALTER TABLE proposals DROP KEY proposals_status, ALGORITHM = INPLACE, LOCK = NONE;
