//! Merging the statements of several notices about one policy, column by column.

use std::fmt::Display;

/// A value that a notice may leave open.
pub(crate) trait Statement {
    /// Takes over `later`, where it is stated.
    fn take_over(&mut self, later: &Self);
    /// The text of the value; `None` if it is left open.
    fn stated(&self) -> Option<String>;
}

impl<T: Clone + Display> Statement for Option<T> {
    fn take_over(&mut self, later: &Self) {
        if later.is_some() {
            self.clone_from(later);
        }
    }

    fn stated(&self) -> Option<String> {
        self.as_ref().map(T::to_string)
    }
}

/// No notice states a flag: it is derived from all of them.
impl Statement for bool {
    fn take_over(&mut self, _: &Self) {}

    fn stated(&self) -> Option<String> {
        None
    }
}

/// Merges rows of `policies`, the only table whose rows several notices state in part.
macro_rules! statement {
    (policies $Row:ident { $($column:ident)+ }) => {
        impl $Row {
            /// Takes over every column that `later` states; the others stay.
            pub(crate) fn take_over(&mut self, later: &Self) {
                $(self.$column.take_over(&later.$column);)+
            }

            /// The columns that are stated, with their text.
            pub(crate) fn stated(&self) -> impl Iterator<Item = (&'static str, String)> {
                let columns = [$((stringify!($column), self.$column.stated())),+];
                columns.into_iter().filter_map(|(column, text)| Some((column, text?)))
            }
        }
    };
    ($other:ident $Row:ident $columns:tt) => {};
}
pub(super) use statement;
