DROP TABLE unmatched_persons;
