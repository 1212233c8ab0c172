use mysql_async::{Conn, Error, Opts, OptsBuilder};

use crate::settings;

pub(super) async fn open(url: &str) -> Result<Conn, Error> {
    let mut options = OptsBuilder::from_opts(Opts::from_url(url)?)
        // The connection has a cache of its own.
        .stmt_cache_size(0)
        // An update counts the rows it matches, changed or not.
        .client_found_rows(true);
    if !url.contains("prefer_socket=") {
        // By default the driver leaves a loopback address for the server's Unix socket.
        options = options.prefer_socket(false);
    }
    let mut conn = Conn::new(options).await?;
    settings::set(&mut conn).await?;
    Ok(conn)
}
