//! The messages to publish: bodies of notices, with the properties that the receiver sets.

use std::path::Path;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde_json::Value;

use crate::Failure;

const PERSISTENT: u8 = 2;

/// The messages in turn, over and over.
#[derive(Debug)]
pub struct Messages {
    notices: Vec<Notice>,
    /// The part of the message ids that differs from run to run.
    run: u64,
}

#[derive(Debug)]
pub struct Notice {
    pub body: Vec<u8>,
    pub routing_key: ShortString,
    /// All properties except the message id.
    properties: BasicProperties,
}

impl Messages {
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let text =
            std::fs::read_to_string(file).map_err(|e| Failure::Usage(format!("{}: {e}", file.display())))?;
        Self::of(&text).map_err(|fault| Failure::Usage(format!("{}: {fault}", file.display())))
    }

    fn of(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
        let notices = lines
            .map(|(number, line)| Notice::of(line).map_err(|e| format!("line {}: {e}", number + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if notices.is_empty() {
            return Err("it holds no notice".to_owned());
        }
        Ok(Self {
            notices,
            run: rand::random(),
        })
    }

    /// The message with this number, and its properties.
    pub fn get(&self, number: u64) -> (&Notice, BasicProperties) {
        let notice = &self.notices[number as usize % self.notices.len()];
        let id = format!("{:016x}{number:048x}", self.run);
        (notice, notice.properties.clone().with_message_id(id.into()))
    }
}

impl Notice {
    fn of(line: &str) -> Result<Self, String> {
        let read: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let member = |pointer: &str| match read.pointer(pointer) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let notify_type = member("/notifyType");
        let headers = [
            ("x-envelope-version", "1".to_owned()),
            ("x-notify-type", notify_type.clone()),
            ("x-partner-id", member("/data/partnerId")),
            ("x-insure-num", member("/data/insureNum")),
            ("x-received-at", "2026-03-01T04:00:00.000000Z".to_owned()),
            ("x-signature-form", "raw".to_owned()),
            (
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            ),
        ];
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        Ok(Self {
            body: line.as_bytes().to_vec(),
            routing_key: ShortString::from(format!("notice.{notify_type}")),
            properties: BasicProperties::default()
                .with_delivery_mode(PERSISTENT)
                .with_content_type("application/json".into())
                .with_timestamp(1_772_366_400)
                .with_headers(table),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"notifyType":3,"sign":"aa","data":{"partnerId":7,"insureNum":"A"}}"#;

    #[test]
    fn a_message_is_persistent_and_has_the_headers_of_its_notice() {
        let messages = Messages::of(LINE).expect("a notice");
        let (notice, properties) = messages.get(0);
        assert_eq!(notice.body, LINE.as_bytes());
        assert_eq!(notice.routing_key.as_str(), "notice.3");
        assert_eq!(*properties.delivery_mode(), Some(2));
        let headers = properties.headers().clone().expect("headers");
        let header = |name: &str| headers.inner().get(name).cloned();
        assert_eq!(headers.inner().len(), 7);
        assert_eq!(header("x-insure-num"), Some(AMQPValue::LongString("A".into())));
        assert_eq!(header("x-partner-id"), Some(AMQPValue::LongString("7".into())));
    }

    #[test]
    fn every_message_has_its_own_id_of_64_digits() {
        let messages = Messages::of(LINE).expect("a notice");
        let id = |number| {
            let (_, properties) = messages.get(number);
            properties.message_id().clone().expect("an id").to_string()
        };
        assert_eq!(id(0).len(), 64);
        assert_ne!(id(0), id(1));
    }

    #[test]
    fn a_malformed_body_is_refused_with_its_line() {
        assert!(Messages::of("\n").is_err());
        let fault = Messages::of(&format!("{LINE}\n{{")).expect_err("half a body");
        assert!(fault.starts_with("line 2"), "{fault}");
    }
}
