-- A name in a cancellation that is in no policy marks nobody: a person must look. The table is small, so that it can be counted.

CREATE TABLE unmatched_persons (
    insure_num VARCHAR(64) NOT NULL COMMENT 'proposal number',
    fact CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the cancellation: its fact in cancellations',
    names TEXT NOT NULL COMMENT 'sorted JSON array of the persons it names who are in no policy',
    PRIMARY KEY (insure_num, fact)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
  COMMENT='successful cancellations of persons who are in no policy, unless the whole proposal is cancelled';
