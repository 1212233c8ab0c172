//! A private MariaDB for a test that changes the server's settings.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel_async::{AsyncConnection as _, AsyncMysqlConnection, SimpleAsyncConnection as _};
use tempfile::TempDir;

use crate::ports::free_address;

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with its own data, killed and deleted when dropped.
#[derive(Debug)]
pub struct PrivateDatabase {
    folder: TempDir,
    server: Child,
    administrator: String,
    /// `mysql://…` of an account with all rights to the databases of tests, and none to the server.
    pub url: String,
}

/// The names of test databases begin like this.
const GRANT: &str =
    "CREATE USER xiebao@'127.0.0.1' IDENTIFIED BY 'k'; GRANT ALL ON `xb\\_%`.* TO xiebao@'127.0.0.1'";

impl PrivateDatabase {
    /// Starts a server with these options, for example `--log-bin`. `None` where MariaDB is not installed.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(options: &[&str]) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a folder");
        create(folder.path());
        let address = free_address();
        let url = |account: &str, database: &str| format!("mysql://{account}@{address}/{database}");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log file");
        let server = Command::new(program)
            .args(common(folder.path()))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--server-id=1"])
            .arg(format!("--port={}", address.port()))
            .arg(format!("--socket={}", folder.path().join("s.sock").display()))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mariadbd starts");
        let mut database = Self {
            folder,
            server,
            administrator: url("root", "mysql"),
            url: url("xiebao:k", ""),
        };
        database.wait().await;
        database.execute(GRANT).await;
        Some(database)
    }

    /// Runs statements as an account that may do everything.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn execute(&self, sql: &str) {
        let conn = AsyncMysqlConnection::establish(&self.administrator).await;
        let mut conn = conn.expect("the server takes connections");
        conn.batch_execute(sql).await.expect(sql);
    }

    /// Ends every connection of [`url`](Self::url).
    pub async fn end_connections(&self) {
        self.execute("KILL USER xiebao@'127.0.0.1'").await;
    }

    async fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while AsyncMysqlConnection::establish(&self.administrator)
            .await
            .is_err()
        {
            let ended = self.server.try_wait().expect("it can be asked");
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < deadline, "{}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for PrivateDatabase {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn program() -> Option<PathBuf> {
    let places = [
        "/usr/sbin/mariadbd",
        "/usr/bin/mariadbd",
        "/usr/local/sbin/mariadbd",
    ];
    places.into_iter().map(PathBuf::from).find(|place| place.exists())
}

fn create(folder: &Path) {
    let created = Command::new("mariadb-install-db")
        .args(common(folder))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .output();
    let created = created.expect("mariadb-install-db runs");
    assert!(
        created.status.success(),
        "{}",
        String::from_utf8_lossy(&created.stderr)
    );
}

/// A server that starts deletes the temporary tables in its folder, so it is not shared.
fn common(folder: &Path) -> Vec<String> {
    let path = folder.display();
    let mut options = vec![
        "--no-defaults".to_owned(),
        format!("--datadir={path}/data"),
        format!("--tmpdir={path}"),
    ];
    // Root must say that it means to be root.
    if folder.metadata().is_ok_and(|folder| folder.uid() == 0) {
        options.push("--user=root".to_owned());
    }
    options
}
