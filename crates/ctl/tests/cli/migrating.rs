//! Migrations that stopped half way, and two at once.

use std::path::Path;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::SimpleAsyncConnection as _;
use xiebao_store::Connection;

use crate::cli::Cli;

/// Name and statements of every migration, read by eyes of their own: a statement ends where a line ends with a semicolon.
fn migrations() -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations");
    let entries = std::fs::read_dir(folder).expect("the migrations");
    let mut folders: Vec<_> = entries.map(|entry| entry.expect("a folder").path()).collect();
    folders.sort();
    let read = |folder: &std::path::PathBuf| {
        let text = std::fs::read_to_string(folder.join("up.sql")).expect("its statements");
        let statements = text.split(";\n").map(|part| part.trim().to_owned());
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        (
            name,
            statements.filter(|statement| !statement.is_empty()).collect(),
        )
    };
    folders.iter().map(read).collect()
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text, column_name = "Create Table")]
    statement: String,
}

/// The statements that make the tables, as the server shows them, and the finished migrations.
async fn schema(conn: &mut Connection) -> Vec<String> {
    let tables =
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1";
    let tables: Vec<Name> = diesel_async::RunQueryDsl::load(diesel::sql_query(tables), conn)
        .await
        .expect("tables");
    let mut all = Vec::new();
    for Name { name } in tables {
        let show = diesel::sql_query(format!("SHOW CREATE TABLE {name}"));
        let table: Definition = diesel_async::RunQueryDsl::get_result(show, conn)
            .await
            .expect("a table");
        all.push(table.statement);
    }
    let finished = "SELECT version AS name FROM __diesel_schema_migrations ORDER BY 1";
    let finished: Vec<Name> = diesel_async::RunQueryDsl::load(diesel::sql_query(finished), conn)
        .await
        .expect("versions");
    all.extend(finished.into_iter().map(|version| version.name));
    all
}

/// The database as a run leaves it that ends after `statements` of the migration of this place.
async fn interrupted(nth: usize, statements: usize) -> Cli {
    let cli = Cli::unmigrated().await;
    let mut conn = cli.connect().await;
    let ledger = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
                  run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    conn.batch_execute(ledger).await.expect("a ledger");
    let all = migrations();
    for (name, finished) in &all[..nth] {
        for statement in finished {
            conn.batch_execute(statement).await.expect(statement);
        }
        let version = name.split('_').next().expect("a version").replace('-', "");
        let record = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')");
        conn.batch_execute(&record).await.expect("recorded");
    }
    for statement in &all[nth].1[..statements] {
        conn.batch_execute(statement).await.expect(statement);
    }
    cli
}

#[tokio::test]
async fn a_migration_that_stopped_after_any_statement_is_completed() {
    let whole = schema(&mut Cli::new().await.connect().await).await;
    for (nth, (name, statements)) in migrations().iter().enumerate() {
        for done in 0..=statements.len() {
            let cli = interrupted(nth, done).await;
            let answer = cli.xiebao(&["migrate"]).await;
            assert_eq!(answer.code, 0, "{name} after {done}: {answer:?}");
            answer.says(&["Done: ", name]);
            let is = schema(&mut cli.connect().await).await;
            assert_eq!(is, whole, "{name} after {done}");
        }
    }
}

/// 24 moments of the first quarter of a second.
#[tokio::test]
async fn a_migration_that_is_killed_at_any_moment_is_completed() {
    let whole = schema(&mut Cli::new().await.connect().await).await;
    let mut unfinished = 0;
    for moment in 0..24 {
        let cli = Cli::unmigrated().await;
        let running = cli.start(&["migrate"]).await;
        tokio::time::sleep(Duration::from_millis(moment * 10)).await;
        running.signal("KILL").await;
        let code = running.ended().await.code;
        unfinished += usize::from(code == -1);
        let answer = cli.xiebao(&["migrate"]).await;
        assert_eq!(answer.code, 0, "killed after {moment}0 ms ({code}): {answer:?}");
        let is = schema(&mut cli.connect().await).await;
        assert_eq!(is, whole, "killed after {moment}0 ms");
    }
    assert!(unfinished > 0, "every run was faster than the signal");
}

#[tokio::test]
async fn several_migrations_at_once_do_not_hurt_each_other() {
    let whole = schema(&mut Cli::new().await.connect().await).await;
    for _ in 0..3 {
        let cli = Cli::unmigrated().await;
        let migrate = || async { cli.xiebao(&["migrate"]).await };
        let (a, b, c, d) = tokio::join!(migrate(), migrate(), migrate(), migrate());
        for answer in [a, b, c, d] {
            assert_eq!(answer.code, 0, "{answer:?}");
        }
        assert_eq!(schema(&mut cli.connect().await).await, whole);
    }
}

#[tokio::test]
async fn a_statement_that_fails_is_named_with_the_servers_words_and_what_to_do() {
    let all = migrations();
    let nth = all
        .iter()
        .position(|(name, _)| name.ends_with("proposals_status"))
        .expect("it is there");
    let cli = interrupted(nth, 0).await;
    cli.execute("RENAME TABLE proposals TO away").await;
    let stopped = cli.xiebao(&["migrate"]).await;
    assert_eq!(stopped.code, 2, "{stopped:?}");
    let at = format!("The migration stopped at {}, ALTER TABLE proposals: ", all[nth].0);
    let said = [
        at.as_str(),
        "proposals' doesn't exist (error 1146)",
        "run xiebao migrate again",
    ];
    for said in said {
        assert!(stopped.err.contains(said), "{said}: {stopped:?}");
    }
    assert!(!stopped.err.contains("not available"), "{stopped:?}");
    let stopped = cli.xiebao(&["migrate", "--lang", "zh"]).await;
    assert!(
        stopped.err.contains("迁移在 ") && stopped.err.contains("从中断处继续"),
        "{stopped:?}"
    );
    cli.execute("RENAME TABLE away TO proposals").await;
    assert_eq!(cli.xiebao(&["migrate"]).await.code, 0);
}

#[tokio::test]
async fn a_table_of_another_program_is_left_alone() {
    let cli = Cli::unmigrated().await;
    cli.execute("CREATE TABLE notices (text INT NULL)").await;
    for (lang, said) in [
        ("en", "table notices of another program (columns notices.text)"),
        ("zh", "其他程序的表 notices"),
    ] {
        let answer = cli.xiebao(&["migrate", "--lang", lang]).await;
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.err.contains(said), "{answer:?}");
    }
    let columns = "SELECT COUNT(*) FROM information_schema.columns \
                   WHERE table_schema = DATABASE() AND table_name = 'notices'";
    assert_eq!(cli.number(columns).await, 1);
}

#[tokio::test]
async fn a_part_that_was_made_differently_is_told_and_the_migration_stays_pending() {
    let cli = interrupted(1, 2).await;
    cli.execute("ALTER TABLE dead_letters MODIFY status INT NOT NULL")
        .await;
    let answer = cli.xiebao(&["migrate"]).await;
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(
        answer
            .err
            .contains("missing: dead_letters.status varchar(16) NO ascii_bin"),
        "{answer:?}"
    );
    cli.xiebao(&["doctor"]).await.says(&["the schema is behind"]);
    let right =
        "ALTER TABLE dead_letters MODIFY status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL";
    cli.execute(right).await;
    assert_eq!(cli.xiebao(&["migrate"]).await.code, 0);
}
