//! A transaction as text, in one packet if the server accepts its size.

use super::proposals::{Proposal, Table};

/// The server's own limit (`max_allowed_packet`) is 16 MiB or more.
pub const LARGEST: usize = 8 * 1_024 * 1_024;

/// The statements that write these proposals in one transaction: one multi-row insert for each table, all in one
/// packet, so that there is one round trip to the server. A packet larger than `largest` bytes is split.
pub fn transaction(tables: &[Table], proposals: &[Proposal], largest: usize) -> Vec<String> {
    let mut packets = Packets {
        done: Vec::new(),
        open: "BEGIN".to_owned(),
        largest,
    };
    for (number, table) in tables.iter().enumerate() {
        let head = head(table);
        let mut begun = false;
        let all = proposals.iter().map(|proposal| proposal.tuples[number].as_str());
        for tuples in all.filter(|tuples| !tuples.is_empty()) {
            begun = packets.add(&head, tuples, begun);
        }
    }
    packets.add_statement("COMMIT");
    packets.done.push(packets.open);
    packets.done
}

fn head(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|name| quoted(name)).collect();
    format!(
        "INSERT INTO {} ({}) VALUES ",
        quoted(&table.name),
        columns.join(",")
    )
}

pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

struct Packets {
    done: Vec<String>,
    open: String,
    largest: usize,
}

impl Packets {
    /// Adds rows to the last insert of the open packet if it has `begun`, or begins a new one. Returns `true`: it has
    /// begun.
    fn add(&mut self, head: &str, tuples: &str, begun: bool) -> bool {
        let more = tuples.len() + if begun { 1 } else { 1 + head.len() };
        let fits = self.open.len() + more <= self.largest;
        if begun && fits {
            self.open.push(',');
        } else {
            if !fits {
                self.done.push(std::mem::take(&mut self.open));
            }
            self.add_statement(head);
        }
        self.open.push_str(tuples);
        true
    }

    fn add_statement(&mut self, text: &str) {
        if !self.open.is_empty() {
            self.open.push(';');
        }
        self.open.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> [Table; 2] {
        let table = |name: &str, columns: &[&str]| Table {
            name: name.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            ddl: String::new(),
        };
        [table("notices", &["k", "v"]), table("odd`name", &["k"])]
    }

    fn proposal(tuples: [&str; 2]) -> Proposal {
        Proposal {
            tuples: tuples.map(str::to_owned).to_vec(),
            ..Proposal::default()
        }
    }

    #[test]
    fn a_transaction_has_one_insert_a_table_and_goes_in_one_packet() {
        let proposals = [proposal(["(1,2),(1,3)", ""]), proposal(["(2,2)", "(2)"])];
        assert_eq!(
            transaction(&tables(), &proposals, LARGEST),
            ["BEGIN;INSERT INTO `notices` (`k`,`v`) VALUES (1,2),(1,3),(2,2);\
              INSERT INTO `odd``name` (`k`) VALUES (2);COMMIT"]
        );
    }

    #[test]
    fn a_table_without_rows_gets_no_statement() {
        let proposals = [proposal(["", "(7)"])];
        assert_eq!(
            transaction(&tables(), &proposals, LARGEST),
            ["BEGIN;INSERT INTO `odd``name` (`k`) VALUES (7);COMMIT"]
        );
    }

    #[test]
    fn a_large_transaction_is_split_into_packets_without_losing_a_row() {
        let proposals: Vec<Proposal> = (10..50)
            .map(|number| proposal([&format!("({number},0)"), &format!("({number})")]))
            .collect();
        let packets = transaction(&tables(), &proposals, 100);
        assert!(packets.len() > 3);
        assert!(packets.iter().all(|packet| packet.len() <= 100 + ";COMMIT".len()));
        assert!(packets[0].starts_with("BEGIN;INSERT"));
        assert!(packets[1..].iter().all(|packet| packet.starts_with("INSERT")));
        let text = packets.join(";");
        for number in 10..50 {
            assert_eq!(text.matches(&format!("({number},0)")).count(), 1);
            assert_eq!(text.matches(&format!("({number})")).count(), 1);
        }
        assert_eq!(text.matches("COMMIT").count(), 1);
        assert!(text.ends_with("COMMIT"));
    }
}
