use crate::sql::notices::BYTES_PER_STATEMENT;

/// The variables that each session sets for itself, on MySQL and MariaDB. Each ignores the comments of the other.
pub(super) const SESSION: &str = "\
    SESSION autocommit = ON, \
    SESSION completion_type = NO_CHAIN, \
    SESSION time_zone = '+00:00', \
    SESSION character_set_client = utf8mb4, \
    SESSION character_set_connection = utf8mb4, \
    SESSION character_set_results = utf8mb4, \
    SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
    SESSION sql_safe_updates = OFF, \
    SESSION sql_select_limit = 18446744073709551615, \
    SESSION sql_big_selects = ON, \
    SESSION group_concat_max_len = 1048576, \
    SESSION unique_checks = ON, \
    SESSION foreign_key_checks = ON, \
    SESSION innodb_lock_wait_timeout = 10, \
    /*M! SESSION max_statement_time = 0, */ \
    /*!80000 SESSION max_execution_time = 0, */ \
    SESSION wait_timeout = 30";

/// A variable that only the server's administrator can set.
pub(super) struct Checked {
    pub name: &'static str,
    pub wanted: Wanted,
    /// It matters only while this variable is ON.
    pub only_with: Option<&'static str>,
    pub grade: Grade,
    pub why: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grade {
    /// Without it the work fails: no session is used until it is right.
    Needed,
    /// The work goes on and something may be lost: `xiebao doctor` and the log of each worker say so.
    Advised,
}

pub(super) enum Wanted {
    /// One of these; the first is the advice.
    Is(&'static [&'static str]),
    /// Anything but these; the first is the advice.
    Not(&'static str, &'static [&'static str]),
    /// Room for the largest statement with bodies of notices.
    RoomForBodies,
}

pub(super) const CHECKED: &[Checked] = &[
    Checked {
        name: "binlog_format",
        wanted: Wanted::Not("ROW", &["STATEMENT"]),
        only_with: Some("log_bin"),
        grade: Grade::Needed,
        why: "the server refuses every write",
    },
    Checked {
        name: "innodb_flush_log_at_trx_commit",
        wanted: Wanted::Is(&["1"]),
        only_with: None,
        grade: Grade::Advised,
        why: "a crash loses commits",
    },
    Checked {
        name: "sync_binlog",
        wanted: Wanted::Is(&["1"]),
        only_with: Some("log_bin"),
        grade: Grade::Advised,
        why: "a crash loses commits of the binary log",
    },
    Checked {
        name: "innodb_doublewrite",
        wanted: Wanted::Not("ON", &["OFF", "0", "DETECT_ONLY"]),
        only_with: None,
        grade: Grade::Advised,
        why: "a crash destroys pages",
    },
    Checked {
        name: "innodb_flush_method",
        wanted: Wanted::Not("O_DIRECT", &["NOSYNC", "LITTLESYNC"]),
        only_with: None,
        grade: Grade::Advised,
        why: "a crash loses commits",
    },
    Checked {
        name: "read_only",
        wanted: Wanted::Is(&["OFF", "0", "NO_READ_ONLY"]),
        only_with: None,
        grade: Grade::Advised,
        why: "no notice is stored",
    },
    Checked {
        name: "innodb_read_only",
        wanted: Wanted::Is(&["OFF", "0"]),
        only_with: None,
        grade: Grade::Advised,
        why: "no notice is stored",
    },
    Checked {
        name: "innodb_force_recovery",
        wanted: Wanted::Is(&["0"]),
        only_with: None,
        grade: Grade::Advised,
        why: "no notice is stored",
    },
    Checked {
        name: "max_allowed_packet",
        wanted: Wanted::RoomForBodies,
        only_with: None,
        grade: Grade::Advised,
        why: "large notices become dead letters",
    },
    Checked {
        name: "innodb_default_row_format",
        wanted: Wanted::Is(&["DYNAMIC"]),
        only_with: None,
        grade: Grade::Advised,
        why: "`xiebao migrate` cannot create the tables",
    },
    Checked {
        name: "alter_algorithm",
        wanted: Wanted::Not("DEFAULT", &["INSTANT"]),
        only_with: None,
        grade: Grade::Advised,
        why: "`xiebao migrate` cannot add indexes",
    },
    Checked {
        name: "enforce_storage_engine",
        wanted: Wanted::Is(&["InnoDB", ""]),
        only_with: None,
        grade: Grade::Advised,
        why: "`xiebao migrate` cannot create the tables",
    },
];

/// Bytes of a statement with bodies besides the bodies.
const AROUND_BODIES: usize = 1 << 20;

impl Wanted {
    /// The value to set instead of this one; `None` if it is right.
    pub fn instead_of(&self, is: &str, largest_body: usize) -> Option<String> {
        let among = |values: &[&str]| values.iter().any(|value| value.eq_ignore_ascii_case(is.trim()));
        let (right, advice) = match self {
            Self::Is(values) => (among(values), values.first().map(ToString::to_string)),
            Self::Not(advice, values) => (!among(values), Some((*advice).to_owned())),
            Self::RoomForBodies => {
                let needed = BYTES_PER_STATEMENT.max(largest_body) + AROUND_BODIES;
                let enough = is.trim().parse::<usize>().is_ok_and(|is| is >= needed);
                (enough, Some(needed.to_string()))
            }
        };
        if right { None } else { advice }
    }
}
