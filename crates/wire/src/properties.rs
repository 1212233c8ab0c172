//! Encodes the properties of a message (AMQP 0-9-1, sections 4.2.5 and 4.2.6.1).

use amq_protocol::frame::WriteContext;
use lapin::BasicProperties;
use lapin::protocol::basic::gen_properties;

/// `delivery_mode` of a message that the broker writes to disk.
const PERSISTENT: u8 = 2;

/// The encoded properties of a persistent message.
#[derive(Debug)]
pub(crate) struct Properties {
    /// Identifies the message if the broker returns it.
    pub correlation_id: u64,
    pub bytes: Vec<u8>,
}

impl Properties {
    /// Encodes the properties with the delivery mode "persistent" and the correlation id.
    ///
    /// # Errors
    /// When a text is longer than 255 bytes.
    pub fn with_correlation_id(
        correlation_id: u64,
        properties: BasicProperties,
    ) -> Result<Self, lapin::Error> {
        let properties = properties
            .with_delivery_mode(PERSISTENT)
            .with_correlation_id(correlation_id.to_string().into());
        let written = gen_properties(&properties)(WriteContext::from(Vec::new()));
        let written = written.map_err(|error| lapin::ErrorKind::SerialisationError(error.into()))?;
        let bytes = written.into_inner().0;
        Ok(Self {
            correlation_id,
            bytes,
        })
    }
}
