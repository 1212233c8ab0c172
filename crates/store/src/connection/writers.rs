//! Finds out whether several servers take writes. Nodes behind one balanced address look alike, so each connection asks.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use thiserror::Error;

/// The servers that may write to this database at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writers {
    /// The connected server only: its row locks keep transactions apart.
    One,
    /// Every node of a Galera cluster. A row lock is known to its own node only. Two transactions are kept apart by writing
    /// the same row: the second one fails at its commit (docs/adr/0007).
    EachNode,
}

/// The group accepts writes on every member, and nothing in this program has been tried on such a group.
#[derive(Debug, Error)]
#[error(
    "the database is a MySQL group in multi-primary mode, which is not supported: two members could apply one notice \
     twice. Switch the group to a single primary (SELECT group_replication_switch_to_single_primary_mode()) and connect \
     to the primary"
)]
struct MultiPrimary;

/// Servers without the feature lack its variables; `SHOW` then returns fewer rows.
const QUESTION: &str = "SHOW VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_provider', 'group_replication_group_name', \
     'group_replication_single_primary_mode')";

/// A read then waits until the node has applied every earlier commit of the cluster. Inside a transaction only its begin
/// waits.
const READ_ALL_COMMITS: &str = "SET SESSION wsrep_sync_wait = 1";

pub(super) async fn ask(conn: &mut Conn) -> Result<Writers, Error> {
    let variables: Vec<(String, String)> = conn.query(QUESTION).await?;
    if is_multi_primary(&variables) {
        return Err(Error::Other(Box::new(MultiPrimary)));
    }
    if !is_galera(&variables) {
        return Ok(Writers::One);
    }
    conn.query_drop(READ_ALL_COMMITS).await?;
    Ok(Writers::EachNode)
}

fn value<'v>(variables: &'v [(String, String)], name: &str) -> Option<&'v str> {
    let mut found = variables.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim())
}

/// MariaDB Galera Cluster and Percona XtraDB Cluster. A server without a provider has the variables and no cluster.
fn is_galera(variables: &[(String, String)]) -> bool {
    let on = value(variables, "wsrep_on").is_some_and(|on| on.eq_ignore_ascii_case("ON") || on == "1");
    let provider = value(variables, "wsrep_provider").unwrap_or_default();
    on && !provider.is_empty() && !provider.eq_ignore_ascii_case("none")
}

/// The variables exist as soon as the plugin is loaded; a server that belongs to no group has no group name.
fn is_multi_primary(variables: &[(String, String)]) -> bool {
    let single = value(variables, "group_replication_single_primary_mode");
    let group = value(variables, "group_replication_group_name").unwrap_or_default();
    !group.is_empty() && single.is_some_and(|single| single.eq_ignore_ascii_case("OFF") || single == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(of: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        of.iter().map(owned).collect()
    }

    #[test]
    fn only_a_server_with_a_provider_is_a_node() {
        let node = [
            ("wsrep_on", "ON"),
            ("wsrep_provider", "/usr/lib/galera/libgalera_smm.so"),
        ];
        assert!(is_galera(&variables(&node)));
        let alone = [
            &[("wsrep_on", "OFF"), ("wsrep_provider", "none")][..],
            &[("wsrep_on", "ON"), ("wsrep_provider", "none")],
            &[("wsrep_on", "ON"), ("wsrep_provider", "")],
            &[
                ("wsrep_on", "OFF"),
                ("wsrep_provider", "/usr/lib/galera/libgalera_smm.so"),
            ],
            &[],
        ];
        for server in alone {
            assert!(!is_galera(&variables(server)), "{server:?}");
        }
    }

    #[test]
    fn only_a_group_without_a_single_primary_is_refused() {
        let name = (
            "group_replication_group_name",
            "3e11fa47-71ca-11e1-9e33-c80aa9429562",
        );
        let mode = |mode| ("group_replication_single_primary_mode", mode);
        assert!(is_multi_primary(&variables(&[name, mode("OFF")])));
        let fine = [
            &[name, mode("ON")][..],
            &[("group_replication_group_name", ""), mode("OFF")],
            &[],
        ];
        for server in fine {
            assert!(!is_multi_primary(&variables(server)), "{server:?}");
        }
        assert!(MultiPrimary.to_string().contains("multi-primary"));
    }
}
