-- What operators keep the store small with, and see what needs a person by: bodies that were emptied because of their age
-- say so, refused requests are on record, and proposals are found by their status. MySQL 8+ and MariaDB 10.6+ alike; columns are added without copying the table.

ALTER TABLE notices
    ADD COLUMN pruned_at DATETIME(6) NULL
    COMMENT 'UTC: when raw was emptied because of its age (xiebao prune); NULL: raw is whole';

ALTER TABLE dead_letters
    ADD COLUMN pruned_at DATETIME(6) NULL
    COMMENT 'UTC: when body was emptied because of its age (xiebao prune); NULL: body is whole';

ALTER TABLE operations
    MODIFY COLUMN action VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'dead.requeue, dead.discard, held.release, notice.void, notice.restore, rebuild, reprocess, prune';

ALTER TABLE proposals
    ADD KEY proposals_status (status, e_policy_ready);

CREATE TABLE refused_requests (
    id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'number of the record, given by the receiver',
    first_at DATETIME(6) NOT NULL COMMENT 'UTC: the first of these requests',
    last_at DATETIME(6) NOT NULL COMMENT 'UTC: the last of them',
    tries BIGINT NOT NULL COMMENT 'how many they are',
    verdict VARCHAR(64) NOT NULL COMMENT 'why they were refused: unavailable, bad_signature, unknown_partner, malformed, too_large, not_allowed',
    source VARCHAR(64) NULL COMMENT 'address that they came from; NULL if a proxy did not say',
    insure_num VARCHAR(64) NULL COMMENT 'proposal number that they claim; true only with a digest',
    notify_type BIGINT NULL COMMENT 'notifyType that they claim',
    partner_id BIGINT NULL COMMENT 'partnerId that they claim',
    digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'digest of an authentic notice; NULL: nothing is verified',
    PRIMARY KEY (id),
    KEY refused_requests_last_at (last_at),
    KEY refused_requests_insure_num (insure_num)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='requests that the receiver refused, of the last weeks; a record for people, from which nothing is computed';
