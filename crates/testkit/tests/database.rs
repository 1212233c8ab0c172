//! The private database.

use diesel_async::RunQueryDsl as _;
use xiebao_testkit::Database;

#[tokio::test]
async fn a_database_is_private_and_gone_after_its_test() {
    let (database, other) = (Database::new().await, Database::new().await);
    assert_ne!(database.name(), other.name());
    let mut connection = database.connect().await;
    let create = diesel::sql_query("CREATE TABLE t (id INT PRIMARY KEY)");
    create.execute(&mut connection).await.expect("tables can be made");
    let name = database.name().to_owned();
    drop(database);
    let mut connection = other.connect().await;
    let gone = diesel::sql_query(format!("DROP DATABASE {name}"))
        .execute(&mut connection)
        .await;
    assert!(gone.is_err(), "{name} is still there");
}
