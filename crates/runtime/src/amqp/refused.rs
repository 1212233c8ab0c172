//! What was refused, on its way to where people look it up.

use lapin::BasicProperties;

use super::publisher::{Publisher, Unavailable};
use super::topology::REFUSED;
use xiebao_core::refused::{self, Refused};

impl Publisher {
    /// Publishes records to `xiebao.refused`. To be done by a publisher of [`Publisher::start_record`].
    ///
    /// # Errors
    /// When the broker did not confirm in time. Whether it has the message is not known; a record that comes twice is
    /// filed once.
    pub async fn publish_refused(&self, records: &[Refused]) -> Result<(), Unavailable> {
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let message = refused::write(records);
        self.publish_as_it_is(REFUSED, "", &message, properties).await
    }
}
