-- Proposals are found by where they stand. Workers write on meanwhile.

ALTER TABLE proposals
    ADD KEY proposals_status (status, e_policy_ready),
    ALGORITHM = INPLACE, LOCK = NONE;
