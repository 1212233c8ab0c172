-- Refused requests are on record.

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
