-- What operations staff repair with: the story of a dead letter's attempts, notices taken out of the facts, and who did
-- what when. MySQL 8+ and MariaDB 10.6+ alike.

ALTER TABLE notices
    ADD COLUMN voided BOOLEAN NOT NULL DEFAULT FALSE
    COMMENT 'a person has taken this applied notice out of the facts; it still counts as known';

ALTER TABLE reissue_outbox
    ADD COLUMN withdrawn BOOLEAN NOT NULL DEFAULT FALSE
    COMMENT 'the new proposal is to forget the link, because the notice that states it was voided';

ALTER TABLE dead_letters
    ADD KEY dead_letters_page (status, id),
    ADD KEY dead_letters_last_dead_at (last_dead_at);

CREATE TABLE dead_letter_attempts (
    digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'digest of the dead letter',
    at DATETIME(6) NOT NULL COMMENT 'UTC: when the attempt failed',
    worker VARCHAR(255) NOT NULL COMMENT 'host and process that tried',
    error VARCHAR(1000) NOT NULL COMMENT 'how it failed, in words that name no person',
    PRIMARY KEY (digest, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='every failed attempt at a notice that became a dead letter';

CREATE TABLE operations (
    id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'in the order of doing',
    at DATETIME(6) NOT NULL COMMENT 'UTC: when it was done',
    actor VARCHAR(255) NOT NULL COMMENT 'who did it: user and host of the command line, or who --as names',
    action VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'dead.requeue, dead.discard, held.release, notice.void, notice.restore, rebuild, reprocess',
    insure_num VARCHAR(64) NULL COMMENT 'proposal number; NULL if it concerns none or all',
    notify_type BIGINT NULL COMMENT 'notifyType of the notice; NULL if it concerns none',
    digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'digest of the notice; NULL if it concerns none',
    dead_letter_id BIGINT NULL COMMENT 'id of the dead letter; NULL if it concerns none',
    reason VARCHAR(1000) NULL COMMENT 'why, in the words of who did it',
    detail VARCHAR(1000) NULL COMMENT 'what came of it',
    PRIMARY KEY (id),
    KEY operations_insure_num (insure_num),
    KEY operations_digest (digest),
    KEY operations_dead_letter_id (dead_letter_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='who did what when, by the command line';
