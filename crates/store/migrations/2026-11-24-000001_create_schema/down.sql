DROP TABLE IF EXISTS dead_letters, abnormalities, endorsements, cancellations, insured_persons, policies, payments,
    proposals, reissue_links, reissue_outbox, holds, notices, proposal_locks;
