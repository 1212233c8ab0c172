-- Every table is keyed by, or starts with, insure_num, so that the schema can be sharded by it. No foreign keys.
-- MySQL 8+ and MariaDB 10.6+ alike.

CREATE TABLE proposal_locks (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    PRIMARY KEY (insure_num)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='one row a proposal; a worker locks it before it reads or writes anything of that proposal';

CREATE TABLE notices (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number; empty for an ignored notice that names none',
    notify_type BIGINT NOT NULL COMMENT 'notifyType of the platform',
    digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'SHA-256 over partner, type and data as a JSON value; the message_id on the queue',
    occurrence INT NOT NULL COMMENT '1; 2, 3... for endorsements and abnormalities that came again after sequencing.repeat_window',
    partner_id BIGINT NOT NULL COMMENT 'partnerId of the platform',
    outcome VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'applied, held or ignored',
    seq BIGINT NULL COMMENT '1, 2, 3... in the order of applying within the proposal; NULL while not applied',
    out_of_order BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'applied though a predecessor had not come: its wait ended, or a person released it',
    raw MEDIUMBLOB NOT NULL COMMENT 'HTTP body, byte for byte',
    received_at DATETIME(6) NOT NULL COMMENT 'UTC: receipt of its earliest delivery',
    last_received_at DATETIME(6) NOT NULL COMMENT 'UTC: receipt of its latest delivery',
    deliveries BIGINT NOT NULL COMMENT 'how often it came',
    held_at DATETIME(6) NULL COMMENT 'UTC: when a worker first held it; NULL if it never waited',
    hold_until DATETIME(6) NULL COMMENT 'UTC: when its waiting ends at the latest; NULL if it never waited',
    applied_at DATETIME(6) NULL COMMENT 'UTC; NULL while not applied',
    PRIMARY KEY (insure_num, notify_type, digest, occurrence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='the inbox: every authentic notice once; what the business rows are made from';

CREATE TABLE holds (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    due_at DATETIME(6) NOT NULL COMMENT 'UTC: the earliest hold_until of its held notices',
    PRIMARY KEY (insure_num),
    KEY holds_due_at (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='proposals with held notices: what the sweeper looks through';

CREATE TABLE reissue_outbox (
    insure_num VARCHAR(64) NOT NULL COMMENT 'the cancelled proposal',
    new_insure_num VARCHAR(64) NOT NULL COMMENT 'the proposal issued in its stead',
    partner_id BIGINT NOT NULL COMMENT 'partner of the notice that states the link',
    PRIMARY KEY (insure_num, new_insure_num)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='reissue links that the new proposal has not been told of yet; normally empty';

CREATE TABLE reissue_links (
    insure_num VARCHAR(64) NOT NULL COMMENT 'the new proposal',
    reissued_from VARCHAR(64) NOT NULL COMMENT 'the cancelled proposal',
    partner_id BIGINT NOT NULL COMMENT 'partner of the notice that states the link',
    PRIMARY KEY (insure_num, reissued_from)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='reissue links as the new proposal knows them';

CREATE TABLE proposals (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number (投保单号)',
    partner_id BIGINT NOT NULL COMMENT 'partnerId of the platform',
    partner_unique_key VARCHAR(128) NULL COMMENT 'the user at the channel; from the lowest notice type that states one',
    case_code VARCHAR(128) NULL COMMENT 'product code; from the lowest notice type that states one',
    status VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'reissued, cancelled, partially_cancelled, issued, issue_failed, paid, pay_failed, insured, insure_failed: the first that holds; NULL: none yet',
    e_policy_ready BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'the e-policy can be fetched from the platform',
    abnormal BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'an abnormality was reported; never cleared',
    reissued_from VARCHAR(64) NULL COMMENT 'the cancelled proposal that this one replaces',
    reissued_to VARCHAR(64) NULL COMMENT 'the proposal that replaces this one',
    PRIMARY KEY (insure_num),
    KEY proposals_partner_unique_key (partner_unique_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='proposals (投保单)';

CREATE TABLE payments (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    fact CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'identity: hash over outcome, time, price and gateway',
    success BOOLEAN NOT NULL COMMENT 'paid or failed',
    price_fen BIGINT NULL COMMENT 'amount in fen (1/100 yuan)',
    gateway BIGINT NULL COMMENT 'onlinePaymentId: 1 Alipay, 3 UnionPay, 14 Tenpay, 21 WeChat, -11 bank withholding; others as they came',
    pay_time DATETIME NULL COMMENT 'as the platform stated it: Beijing wall-clock time',
    fail_msg VARCHAR(4000) NULL COMMENT 'reason of a failure',
    new_money BOOLEAN NOT NULL COMMENT 'false for the gateways -3 and -12: a reissue is paid by the cancelled proposal',
    PRIMARY KEY (insure_num, fact)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='payments, failed ones too; one row a payment however often it was reported';

CREATE TABLE policies (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    policy_num VARCHAR(64) NOT NULL COMMENT 'policy number of the insurer (保单号)',
    product_id BIGINT NULL COMMENT 'product id of the platform',
    product_name VARCHAR(255) NULL COMMENT 'product name',
    plan_id BIGINT NULL COMMENT 'plan id of the platform',
    plan_name VARCHAR(255) NULL COMMENT 'plan name',
    applicant VARCHAR(255) NULL COMMENT 'name of the applicant (投保人)',
    start_date DATE NULL COMMENT 'first day of cover, as the platform stated it (Beijing)',
    end_date DATE NULL COMMENT 'last day of cover, as the platform stated it (Beijing)',
    cancelled BOOLEAN NOT NULL COMMENT 'the whole proposal was cancelled, or cancelled and reissued',
    PRIMARY KEY (insure_num, policy_num),
    KEY policies_policy_num (policy_num),
    KEY policies_applicant (applicant)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='policies (保单) of issued proposals';

CREATE TABLE insured_persons (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    policy_num VARCHAR(64) NOT NULL COMMENT 'policy number of the insurer',
    name VARCHAR(128) NOT NULL COMMENT 'name of the insured person (被保人), trimmed',
    cancelled BOOLEAN NOT NULL COMMENT 'a successful cancellation names this person',
    PRIMARY KEY (insure_num, policy_num, name),
    KEY insured_persons_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='insured persons, one row a distinct name in a policy';

CREATE TABLE cancellations (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    fact CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'identity: hash over type, outcome, persons and new number',
    notify_type BIGINT NOT NULL COMMENT '4 cancelled, 5 cancelled and reissued',
    success BOOLEAN NOT NULL COMMENT 'cancelled or refused',
    insurants TEXT NULL COMMENT 'sorted JSON array of the persons who leave; NULL: the whole proposal',
    new_insure_num VARCHAR(64) NULL COMMENT 'the proposal issued in its stead (type 5)',
    cancel_msg VARCHAR(4000) NULL COMMENT 'reason of the cancellation',
    fail_msg VARCHAR(4000) NULL COMMENT 'reason of a failure',
    PRIMARY KEY (insure_num, fact)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='cancellations, failed ones too; one row a cancellation however often it was reported';

CREATE TABLE endorsements (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'digest of the notice',
    occurrence INT NOT NULL COMMENT 'occurrence of the notice',
    status BIGINT NOT NULL COMMENT '1 approved, 2 refused, 3 submitted, 4 endorsed, 5 failed',
    success BOOLEAN NOT NULL COMMENT 'state of the notice',
    msg VARCHAR(4000) NULL COMMENT 'message about the endorsement',
    remark VARCHAR(4000) NULL COMMENT 'remark',
    PRIMARY KEY (insure_num, digest, occurrence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='log of endorsement notices (批改)';

CREATE TABLE abnormalities (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'digest of the notice',
    occurrence INT NOT NULL COMMENT 'occurrence of the notice',
    fail_msg VARCHAR(4000) NULL COMMENT 'what is abnormal',
    PRIMARY KEY (insure_num, digest, occurrence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='log of abnormality notices (异常单)';

CREATE TABLE dead_letters (
    id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'what the command line calls it by',
    digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'digest of the notice; of a body that is none: SHA-256 over its bytes',
    insure_num VARCHAR(64) NULL COMMENT 'proposal number; NULL if the notice names none that can be stored',
    partner_id BIGINT NULL COMMENT 'partnerId of the platform; NULL if the body is no notice',
    notify_type BIGINT NULL COMMENT 'notifyType of the platform; NULL if the body is no notice',
    reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'group of causes',
    detail VARCHAR(1000) NOT NULL COMMENT 'the cause in words',
    body MEDIUMBLOB NOT NULL COMMENT 'HTTP body, byte for byte',
    received_at DATETIME(6) NOT NULL COMMENT 'UTC: receipt of its earliest delivery',
    signature_form VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'which text of data was signed; kept for requeuing',
    attempts BIGINT NOT NULL COMMENT 'how often it became a dead letter',
    status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'open, requeued or discarded',
    requeue_count BIGINT NOT NULL DEFAULT 0 COMMENT 'how often it was put back on the queue',
    discard_reason VARCHAR(1000) NULL COMMENT 'why a person gave it up',
    first_dead_at DATETIME(6) NOT NULL COMMENT 'UTC',
    last_dead_at DATETIME(6) NOT NULL COMMENT 'UTC',
    PRIMARY KEY (id),
    UNIQUE KEY dead_letters_digest (digest),
    KEY dead_letters_insure_num (insure_num),
    KEY dead_letters_status (status, reason)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='notices that could not be applied, until a person decides';
