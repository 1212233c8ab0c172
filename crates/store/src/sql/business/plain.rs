use chrono::{NaiveDate, NaiveDateTime};
use xiebao_core::tables::{Digest, InsureNum, PartnerId, Status};

/// A value of core as its column holds it: plain, so that a row that no program of this release would write can be
/// read as well.
pub(crate) trait Plain: Sized {
    type Plain;

    fn plain(&self) -> Self::Plain;
    /// `None` if the column holds no such value.
    fn restore(plain: Self::Plain) -> Option<Self>;
}

macro_rules! plain_already {
    ($($type:ty),+) => {$(
        impl Plain for $type {
            type Plain = Self;

            fn plain(&self) -> Self {
                self.clone()
            }

            fn restore(plain: Self) -> Option<Self> {
                Some(plain)
            }
        }
    )+};
}
plain_already!(bool, i32, i64, String, NaiveDate, NaiveDateTime);

impl Plain for PartnerId {
    type Plain = i64;

    fn plain(&self) -> i64 {
        self.0
    }

    fn restore(plain: i64) -> Option<Self> {
        Some(Self(plain))
    }
}

impl Plain for InsureNum {
    type Plain = String;

    fn plain(&self) -> String {
        self.to_string()
    }

    fn restore(plain: String) -> Option<Self> {
        Self::parse(&plain).ok().flatten()
    }
}

impl Plain for Digest {
    type Plain = String;

    fn plain(&self) -> String {
        self.to_string()
    }

    fn restore(plain: String) -> Option<Self> {
        Self::parse(&plain)
    }
}

impl Plain for Status {
    type Plain = String;

    fn plain(&self) -> String {
        self.name().to_owned()
    }

    fn restore(plain: String) -> Option<Self> {
        Self::from_name(&plain)
    }
}

/// A value that cannot be read is taken as missing; it does not make its row unreadable.
impl<T: Plain> Plain for Option<T> {
    type Plain = Option<T::Plain>;

    fn plain(&self) -> Self::Plain {
        self.as_ref().map(T::plain)
    }

    fn restore(plain: Self::Plain) -> Option<Self> {
        Some(plain.and_then(T::restore))
    }
}
