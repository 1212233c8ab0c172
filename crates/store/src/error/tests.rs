use diesel::result::DatabaseErrorKind;

use super::*;

fn answered(number: u16, message: &str) -> StoreError {
    sorted(Box::new(ServerError::new(number, message)))
}

#[test]
fn a_lost_race_is_known_by_its_number() {
    let errors = [
        (
            1213,
            "Deadlock found when trying to get lock; try restarting transaction",
        ),
        (1205, "Lock wait timeout exceeded; try restarting transaction"),
        (1020, "Record has changed since last read in table 'locks'"),
        (1213, "Versuch, Lock zu erhalten, ergab ein Deadlock"),
    ];
    for (number, text) in errors {
        assert!(
            matches!(answered(number, text), StoreError::Conflict(_)),
            "{text}"
        );
    }
}

#[test]
fn a_server_that_accepts_nothing_is_waited_for() {
    let errors = [
        (
            1290,
            "The MariaDB server is running with the --read-only option so it cannot execute this statement",
        ),
        (
            1290,
            "The MySQL server is running with the --read-only option so it cannot execute this statement",
        ),
        (
            1290,
            "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
        ),
        (1290, "Der MariaDB-Server läuft mit der Option --read-only"),
        (1792, "Cannot execute statement in a READ ONLY transaction"),
        (1836, "Running in read-only mode"),
        (1874, "InnoDB is in read only mode."),
        (1881, "Operation not allowed when innodb_forced_recovery > 0."),
        (1053, "Server shutdown in progress"),
        (1317, "Query execution was interrupted"),
        (1927, "Connection was killed"),
        (3169, "Session was killed"),
        (
            4031,
            "The client was disconnected by the server because of inactivity. See wait_timeout.",
        ),
        (1040, "Too many connections"),
        (
            1203,
            "User xiebao already has more than 'max_user_connections' active connections",
        ),
        (
            1226,
            "User 'xiebao' has exceeded the 'max_queries_per_hour' resource (current value: 10)",
        ),
        (
            1021,
            "Disk full (/tmp/#sql1); waiting for someone to free some space... (errno: 28 \"No space left on device\")",
        ),
        (
            20,
            "Disk is full writing './binlog.000003' (OS errno 28 - No space left on device).",
        ),
        (
            1026,
            "Error writing file './x/proposals.MAD' (errno: 28 \"No space left on device\")",
        ),
        (
            3,
            "Error writing file './binlog.000003' (Errcode: 28 \"No space left on device\")",
        ),
        (
            3,
            "Error writing file '/data/binlog.000003' (OS errno 28 - No space left on device)",
        ),
        (
            1030,
            "Got error 28 \"No space left on device\" from storage engine InnoDB",
        ),
        (
            1030,
            "Got error 122 - 'Internal (unspecified) error in handler' from storage engine",
        ),
        (1114, "The table 'notices' is full"),
        (
            1037,
            "Out of memory; restart server and try again (needed 65536 bytes)",
        ),
        (1041, "Out of memory."),
        (5, "Out of memory (Needed 65536 bytes)"),
        (1044, "Access denied for user 'xiebao'@'%' to database 'xiebao'"),
        (1045, "Access denied for user 'xiebao'@'%' (using password: YES)"),
        (
            1227,
            "Access denied; you need (at least one of) the SUPER privilege(s) for this operation",
        ),
        (
            1142,
            "INSERT command denied to user 'xiebao'@'localhost' for table `xiebao`.`notices`",
        ),
        (
            1143,
            "SELECT command denied to user 'xiebao'@'localhost' for column 'raw' in table 'notices'",
        ),
        (
            1665,
            "Cannot execute statement: impossible to write to binary log since BINLOG_FORMAT = STATEMENT and at least \
             one table uses a storage engine limited to row-based logging.",
        ),
        (
            1461,
            "Can't create more than max_prepared_stmt_count statements (current value: 16382)",
        ),
        (1047, "WSREP has not yet prepared node for application use"),
    ];
    for (number, text) in errors {
        let error = answered(number, text);
        assert!(matches!(error, StoreError::Unavailable(_)), "{number} {text}");
    }
}

#[test]
fn a_connection_that_breaks_is_waited_for() {
    let broken: [mysql_async::Error; 2] = [
        std::io::Error::other("can't parse: buf doesn't have enough data").into(),
        DriverError::ConnectionClosed.into(),
    ];
    for error in broken {
        let error = StoreError::from(error);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
}

#[test]
fn every_other_error_goes_to_the_rehearsal_and_no_value_makes_it_an_outage() {
    let errors = [
        (1406, "Data too long for column 'applicant' at row 1"),
        (1264, "Out of range value for column 'price_fen' at row 1"),
        (1062, "Duplicate entry 'The table 'x' is full' for key 'PRIMARY'"),
        (
            1366,
            "Incorrect string value: 'INSERT command denied to user '' for column `a`.`b`",
        ),
        (1146, "Table 'xiebao.proposals' doesn't exist"),
        (1054, "Unknown column 'raw' in 'field list'"),
        (
            3024,
            "Query execution was interrupted, maximum statement execution time exceeded",
        ),
        (
            1969,
            "Query execution was interrupted (max_statement_time exceeded)",
        ),
        (1153, "Got a packet bigger than 'max_allowed_packet' bytes"),
        (
            1290,
            "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement",
        ),
        (1030, "Got error 139 \"Too big row\" from storage engine InnoDB"),
        (1406, "Deadlock found"),
    ];
    for (number, text) in errors {
        let error = answered(number, text);
        assert!(matches!(error, StoreError::Refused(_)), "{number} {text}");
    }
    let error = StoreError::from(mysql_async::Error::from(DriverError::PacketTooLarge));
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
}

#[test]
fn the_servers_error_is_the_source_and_quotes_no_value() {
    let error = answered(1062, "Duplicate entry '张三' for key 'PRIMARY'");
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<ServerError>());
    assert_eq!(source.map(ServerError::number), Some(1062));
    assert_eq!(
        error.to_string(),
        "the database refuses: Duplicate entry '…' for key 'PRIMARY' (error 1062)"
    );
    assert!(!format!("{error:?}").contains("张三"), "{error:?}");
}

#[test]
fn a_missing_table_or_column_means_that_the_schema_is_not_migrated() {
    assert!(answered(1146, "Table 'xiebao.proposals' doesn't exist").is_not_migrated());
    assert!(answered(1054, "Unknown column 'raw' in 'field list'").is_not_migrated());
    assert!(!answered(1406, "Data too long for column 'applicant' at row 1").is_not_migrated());
}

/// Only a connection that is not the store's makes these; their number is lost.
#[test]
fn an_error_of_diesel_itself_is_waited_for() {
    let text = Box::new("Deadlock found".to_owned());
    let error = StoreError::from(DieselError::DatabaseError(DatabaseErrorKind::Unknown, text));
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[test]
fn only_work_that_began_and_got_no_answer_of_the_servers_own_is_suspicious() {
    let lost = StoreError::Unavailable("the connection was closed".into());
    let unconnected = StoreError::Unavailable(Box::new(NoConnection("refused".into())));
    assert!(lost.is_lost_answer());
    assert!(!unconnected.is_lost_answer());
    assert!(answered(1317, "Query execution was interrupted").is_lost_answer());
    for number in [1040, 1114, 1290, 1213, 1153] {
        assert!(!answered(number, "read-only").is_lost_answer(), "{number}");
    }
}
