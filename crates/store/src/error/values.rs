//! The server's messages without the values they quote: they are logged, and a value may be a person's name.

/// The message with `…` in the place of its quotations, unless a message with this number quotes names only: of the
/// schema, of accounts, of files.
pub(super) fn without_values(number: u16, message: &str) -> String {
    if NAMES_ONLY.contains(&number) {
        return message.to_owned();
    }
    let (Some(first), Some(last)) = (message.find(QUOTES), message.rfind(QUOTES)) else {
        return message.to_owned();
    };
    let balanced = message.matches(QUOTES).count().is_multiple_of(2);
    let behind = name_behind(number, message).or(balanced.then(|| &message[last..]));
    format!("{}…{}", &message[..=first], behind.unwrap_or_default())
}

/// A text without a number, which may quote anything.
pub(super) fn without_any_value(text: &str) -> String {
    without_values(0, text)
}

const NAMES_ONLY: [u16; 36] = [
    // Files, the disk, the storage engine.
    3, 20, 1021, 1026, 1030, 1114, //
    // Accounts and privileges.
    1044, 1045, 1698, 1142, 1143, 1203, 1226, 1227, //
    // Databases, tables, columns, variables, options.
    1032, 1020, 1049, 1051, 1054, 1146, 1193, 1290, //
    // A column whose value is missing, too long, out of range or cut off.
    1048, 1364, 1406, 1264, 1265, //
    // Foreign keys and checks: 1216, 1217 name nothing.
    1451, 1452, 3819, 4025, //
    // A packet that is too large names the variable.
    1153, //
    // Limits and formats that name variables.
    1461, 1665, //
    1036, 1877,
];

/// Messages that quote a value and then a name, with the words between them: duplicate key, incorrect value.
const VALUE_THEN_NAME: [(u16, &str); 3] = [
    (1062, "' for key '"),
    (1366, "' for column "),
    (1292, "' for column "),
];

/// A value may itself hold quotes, and even these words; the server's own words come last.
fn name_behind(number: u16, message: &str) -> Option<&str> {
    let (_, words) = VALUE_THEN_NAME.iter().find(|(known, _)| *known == number)?;
    let behind = &message[message.rfind(words)?..];
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "'`._$ -".contains(c);
    behind.chars().all(is_of_a_name).then_some(behind)
}

const QUOTES: [char; 2] = ['\'', '"'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_quoted_is_taken_out() {
        let cases = [
            (
                1062,
                "Duplicate entry 'N1-李四' for key 'PRIMARY'",
                "Duplicate entry '…' for key 'PRIMARY'",
            ),
            (
                1062,
                "Duplicate entry 'O'Example' for key 'a.b'",
                "Duplicate entry '…' for key 'a.b'",
            ),
            (
                1062,
                "Duplicate entry '' for key 'x' for key 'y'",
                "Duplicate entry '…' for key 'y'",
            ),
            (
                1062,
                "Doppelter Eintrag '张三' für Schlüssel 'PRIMARY'",
                "Doppelter Eintrag '…'",
            ),
            (
                1366,
                "Incorrect string value: '\\xE5' for column `a`.`b` at row 1",
                "Incorrect string value: '…' for column `a`.`b` at row 1",
            ),
            (
                1366,
                "Incorrect integer value: '张三' for column 'n' at row 1",
                "Incorrect integer value: '…' for column 'n' at row 1",
            ),
            (
                1292,
                "Incorrect datetime value: '张三' for column 'n' at row 1",
                "Incorrect datetime value: '…' for column 'n' at row 1",
            ),
            (
                1366,
                "Incorrect DECIMAL value: '张三'",
                "Incorrect DECIMAL value: '…'",
            ),
            (
                1292,
                "Truncated incorrect DOUBLE value: '张三''",
                "Truncated incorrect DOUBLE value: '…",
            ),
            (
                1064,
                "You have an error in your SQL syntax; check the manual for the right syntax to use near '张三' at line 1",
                "You have an error in your SQL syntax; check the manual for the right syntax to use near '…' at line 1",
            ),
            (
                3140,
                "Invalid JSON text: \"张三\" at position 1 in 'x'.",
                "Invalid JSON text: \"…'.",
            ),
            (
                9999,
                "a text that nobody knows about '张三' and 'others'",
                "a text that nobody knows about '…'",
            ),
            (
                1366,
                "Incorrect DECIMAL value: 'x' for column 张三'",
                "Incorrect DECIMAL value: '…",
            ),
            (
                9999,
                "a message that is cut off at '张三",
                "a message that is cut off at '…",
            ),
        ];
        for (number, message, safe) in cases {
            assert_eq!(without_values(number, message), safe);
        }
    }

    #[test]
    fn names_of_columns_tables_and_accounts_stay() {
        let texts = [
            (1406, "Data too long for column 'applicant' at row 1"),
            (1264, "Out of range value for column 'price_fen' at row 1"),
            (1146, "Table 'xiebao.proposals' doesn't exist"),
            (1054, "Unknown column 'raw' in 'field list'"),
            (1044, "Access denied for user 'xiebao'@'%' to database 'xiebao'"),
            (
                1142,
                "INSERT command denied to user 'xiebao'@'localhost' for table `xiebao`.`notices`",
            ),
            (
                1030,
                "Got error 28 \"No space left on device\" from storage engine InnoDB",
            ),
            (
                1213,
                "Deadlock found when trying to get lock; try restarting transaction",
            ),
            (
                4025,
                "CONSTRAINT `payments.success` failed for `xiebao`.`payments`",
            ),
        ];
        for (number, text) in texts {
            assert_eq!(without_values(number, text), text);
        }
    }
}
