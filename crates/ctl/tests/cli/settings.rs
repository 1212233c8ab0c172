//! Settings of the database server that an operator may have chosen.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use serde_json::json;
use xiebao_testkit::{Database, PrivateDatabase};

use crate::cli::{Cli, issued};

/// Defaults of sessions. Each would break something or is dangerous; all together they must change nothing.
const HOSTILE: [(&str, &str); 20] = [
    ("tx_isolation", "'SERIALIZABLE'"),
    ("tx_read_only", "ON"),
    ("autocommit", "OFF"),
    ("completion_type", "'RELEASE'"),
    ("time_zone", "'+08:00'"),
    ("character_set_client", "latin1"),
    ("character_set_connection", "latin1"),
    ("character_set_results", "latin1"),
    (
        "sql_mode",
        "'ORACLE,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,EMPTY_STRING_IS_NULL'",
    ),
    ("sql_safe_updates", "ON"),
    ("sql_select_limit", "1"),
    ("max_join_size", "1"),
    ("group_concat_max_len", "4"),
    ("unique_checks", "OFF"),
    ("foreign_key_checks", "OFF"),
    ("innodb_lock_wait_timeout", "1"),
    ("max_statement_time", "0.002"),
    ("wait_timeout", "1"),
    (
        "init_connect",
        "'SET autocommit = 0, sql_safe_updates = 1, unique_checks = 0'",
    ),
    ("div_precision_increment", "0"),
];

/// Settings of the server that no session may change, or needs to.
const UNUSUAL: [(&str, &str); 18] = [
    ("character_set_server", "latin1"),
    ("collation_server", "latin1_german1_ci"),
    ("collation_connection", "latin1_german1_ci"),
    ("default_storage_engine", "MyISAM"),
    ("innodb_strict_mode", "OFF"),
    ("innodb_deadlock_detect", "OFF"),
    ("idle_transaction_timeout", "1"),
    ("idle_write_transaction_timeout", "1"),
    ("net_read_timeout", "1"),
    ("net_write_timeout", "1"),
    ("query_cache_size", "1048576"),
    ("query_cache_type", "ON"),
    ("tmp_table_size", "1024"),
    ("max_heap_table_size", "16384"),
    ("big_tables", "ON"),
    ("low_priority_updates", "ON"),
    ("explicit_defaults_for_timestamp", "OFF"),
    ("max_error_count", "0"),
];

async fn works_with(settings: &[(&str, &str)]) {
    let Some(server) = PrivateDatabase::start(&[]).await else {
        return eprintln!("SKIP: MariaDB is not installed");
    };
    let usual = session(&Database::on(&server.url).await).await;
    let cli = Cli::on(Database::on(&server.url).await);
    for (name, value) in settings {
        server.execute(&format!("SET GLOBAL {name} = {value}")).await;
    }
    migrates_and_works(&cli).await;
    assert_eq!(session(&cli.database).await, usual);
    for (name, _) in settings {
        server.execute(&format!("SET GLOBAL {name} = DEFAULT")).await;
    }
}

/// Migrates, lives a life and a wait, and compares every row with the notices.
async fn migrates_and_works(cli: &Cli) {
    let migrated = cli.xiebao(&["migrate"]).await;
    assert_eq!(migrated.code, 0, "{migrated:?}");
    let (old, new) = ("20260906000001", "20260906000002");
    cli.issue(old).await;
    cli.deliver(26, old, json!({ "status": 1, "remark": "备注" }))
        .await;
    cli.deliver(9, new, json!({})).await;
    cli.xiebao(&["held", "list"]).await.says(&[new]);
    cli.deliver(5, old, json!({ "newInsureNum": new })).await;
    cli.deliver(3, new, issued(new)).await;
    cli.xiebao(&["trace", old])
        .await
        .says(&["cancelled and reissued", "张三"]);
    cli.xiebao(&["trace", new]).await.says(&["issued"]);
    cli.xiebao(&["find", "--name", "李四"]).await.says(&[old, new]);
    let compared = cli.xiebao(&["rebuild", "--all", "--check"]).await;
    assert_eq!(compared.code, 0, "{compared:?}");
    let doctor = cli.xiebao(&["doctor"]).await;
    doctor.says(&["the tables are as the migrations made them"]);
}

#[derive(Debug, PartialEq, QueryableByName)]
struct Variable {
    #[diesel(sql_type = Text, column_name = "Variable_name")]
    name: String,
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// The hostile variables as a session of the product has them.
async fn session(database: &Database) -> Vec<Variable> {
    let mut conn = xiebao_store::connect(database.url())
        .await
        .expect("the database is there");
    let unset = ["max_join_size", "div_precision_increment", "init_connect"];
    let names = HOSTILE.iter().filter(|(name, _)| !unset.contains(name));
    let names: Vec<String> = names.map(|(name, _)| format!("'{name}'")).collect();
    let show = format!(
        "SHOW SESSION VARIABLES WHERE Variable_name IN ({})",
        names.join(", ")
    );
    let variables = diesel_async::RunQueryDsl::load(diesel::sql_query(show), &mut conn).await;
    variables.expect("variables")
}

#[tokio::test]
async fn the_servers_defaults_for_sessions_change_nothing() {
    works_with(&HOSTILE).await;
}

#[tokio::test]
async fn unusual_settings_of_the_server_change_nothing() {
    works_with(&UNUSUAL).await;
}

#[tokio::test]
async fn a_setting_without_which_nothing_can_be_written_is_refused_before_the_first_table() {
    let Some(server) = PrivateDatabase::start(&["--log-bin", "--binlog-format=STATEMENT"]).await else {
        return eprintln!("SKIP: MariaDB is not installed");
    };
    let cli = Cli::on(Database::on(&server.url).await);
    let refused = cli.xiebao(&["migrate"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    let said = "its setting binlog_format is STATEMENT and must be ROW";
    assert!(refused.err.contains(said), "{refused:?}");
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()";
    assert_eq!(
        xiebao_testkit::number(&cli.database.url(), tables)
            .await
            .expect("a number"),
        0
    );
    // A receiver needs no database, and its Pod waits by this command.
    assert_eq!(cli.xiebao(&["migrate", "--check"]).await.code, 1);
    cli.xiebao(&["doctor"])
        .await
        .says(&["✗ database: binlog_format is STATEMENT, should be ROW"]);
    server.execute("SET GLOBAL binlog_format = 'ROW'").await;
    let migrated = cli.xiebao(&["migrate"]).await;
    assert_eq!(migrated.code, 0, "{migrated:?}");
}
