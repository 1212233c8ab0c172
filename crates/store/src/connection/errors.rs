//! The driver's errors on their way through diesel.

use diesel::result::Error as DieselError;

use crate::error::Cause;
use crate::error::server::ServerError;

/// Diesel's `DatabaseError` holds texts only. `QueryBuilderError` is the variant that carries any error unchanged;
/// [`StoreError`](crate::StoreError) takes it out again.
pub(super) fn for_diesel(error: mysql_async::Error) -> DieselError {
    DieselError::QueryBuilderError(cause(error))
}

/// The error within the driver's: a [`ServerError`], or why there was no answer.
pub(crate) fn cause(error: mysql_async::Error) -> Cause {
    match error {
        mysql_async::Error::Server(error) => Box::new(ServerError::from(error)),
        mysql_async::Error::Driver(error) => Box::new(error),
        mysql_async::Error::Io(error) => Box::new(error),
        mysql_async::Error::Url(error) => Box::new(error),
        mysql_async::Error::Other(error) => error,
    }
}
