//! The database server's words without what they quote: they are logged, and a value may be a person's name.

/// How messages begin whose quotes hold the server's own words and names of the schema, of accounts or of files, and
/// never a value.
const NAMES_ONLY: [&str; 27] = [
    "Data too long for column '",
    "Data truncated for column '",
    "Out of range value for column '",
    "Column '",
    "Field '",
    "Unknown column '",
    "Unknown table '",
    "Unknown database '",
    "Unknown system variable '",
    "Table '",
    "The table '",
    "Can't find record in '",
    "Record has changed since last read in table '",
    "Check constraint '",
    "Cannot add or update a child row",
    "Cannot delete or update a parent row",
    "Got a packet bigger than 'max_allowed_packet' bytes",
    "Got error 28 ",
    "Got error 30 ",
    "Got error 122 ",
    "Error writing file '",
    "Disk full ",
    "Access denied for user '",
    "User ",
    "Input/output error: ",
    "Driver error: ",
    "Other error: ",
];

/// A right that is missing: `INSERT command denied to user 'x'@'y' for table 'z'`.
const DENIED: [&str; 8] = [
    "SELECT command denied to user '",
    "INSERT command denied to user '",
    "UPDATE command denied to user '",
    "DELETE command denied to user '",
    "CREATE command denied to user '",
    "ALTER command denied to user '",
    "DROP command denied to user '",
    "INDEX command denied to user '",
];

/// Messages that quote a value, and what stands behind it: the name of a key or of a column, with nothing of the value.
const VALUE_THEN_NAME: [(&str, &str); 2] = [
    ("Duplicate entry '", "' for key '"),
    ("Incorrect ", "' for column "),
];

/// The message with `…` in the place of what it quotes, unless that is known to be a name.
pub(super) fn without_values(message: &str) -> String {
    let names_only = NAMES_ONLY.iter().chain(&DENIED);
    let (Some(first), Some(last)) = (message.find(QUOTES), message.rfind(QUOTES)) else {
        return message.to_owned();
    };
    if names_only.into_iter().any(|text| message.starts_with(text)) {
        return message.to_owned();
    }
    let balanced = message.matches(QUOTES).count().is_multiple_of(2);
    let behind = name_behind(message).or(balanced.then(|| &message[last..]));
    format!("{}…{}", &message[..=first], behind.unwrap_or_default())
}

/// A value may hold quotes itself, and the words of such a message too: what the server says behind it comes last.
fn name_behind(message: &str) -> Option<&str> {
    let (_, behind) = VALUE_THEN_NAME
        .iter()
        .find(|(start, _)| message.starts_with(start))?;
    let behind = &message[message.rfind(behind)?..];
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || "'`._$ -".contains(c);
    behind.chars().all(of_a_name).then_some(behind)
}

const QUOTES: [char; 2] = ['\'', '"'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_quoted_is_taken_out() {
        let cases = [
            (
                "Duplicate entry 'N1-李四' for key 'PRIMARY'",
                "Duplicate entry '…' for key 'PRIMARY'",
            ),
            (
                "Duplicate entry 'O'Example' for key 'a.b'",
                "Duplicate entry '…' for key 'a.b'",
            ),
            (
                "Duplicate entry '' for key 'x' for key 'y'",
                "Duplicate entry '…' for key 'y'",
            ),
            (
                "Incorrect string value: '\\xE5' for column `a`.`b` at row 1",
                "Incorrect string value: '…' for column `a`.`b` at row 1",
            ),
            (
                "Incorrect integer value: '张三' for column 'n' at row 1",
                "Incorrect integer value: '…' for column 'n' at row 1",
            ),
            ("Incorrect DECIMAL value: '张三'", "Incorrect DECIMAL value: '…'"),
            (
                "Truncated incorrect DOUBLE value: '张三''",
                "Truncated incorrect DOUBLE value: '…",
            ),
            (
                "You have an error in your SQL syntax; check the manual for the right syntax to use near '张三' at line 1",
                "You have an error in your SQL syntax; check the manual for the right syntax to use near '…' at line 1",
            ),
            (
                "Invalid JSON text: \"张三\" at position 1 in 'x'.",
                "Invalid JSON text: \"…'.",
            ),
            (
                "a text that nobody knows about '张三' and 'others'",
                "a text that nobody knows about '…'",
            ),
            (
                "Incorrect DECIMAL value: 'x' for column 张三'",
                "Incorrect DECIMAL value: '…",
            ),
            (
                "a message that is cut off at '张三",
                "a message that is cut off at '…",
            ),
        ];
        for (message, safe) in cases {
            assert_eq!(without_values(message), safe);
        }
    }

    #[test]
    fn names_of_columns_tables_and_accounts_stay() {
        let texts = [
            "Data too long for column 'applicant' at row 1",
            "Out of range value for column 'price_fen' at row 1",
            "Table 'xiebao.proposals' doesn't exist",
            "Unknown column 'raw' in 'field list'",
            "Access denied for user 'xiebao'@'%' to database 'xiebao'",
            "INSERT command denied to user 'xiebao'@'localhost' for table `xiebao`.`notices`",
            "Got error 28 \"No space left on device\" from storage engine InnoDB",
            "Deadlock found when trying to get lock; try restarting transaction",
            "CONSTRAINT `payments.success` failed for `xiebao`.`payments`",
        ];
        for text in texts {
            assert_eq!(without_values(text), text);
        }
    }
}
