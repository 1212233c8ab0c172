//! What is published: bodies of notices, in messages that look like the receiver's.

use std::path::Path;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde_json::Value;

use crate::Failure;

const PERSISTENT: u8 = 2;

/// All there are, and over and over again.
#[derive(Debug)]
pub struct Messages {
    notices: Vec<Notice>,
    /// Makes the ids of this run its own.
    run: u64,
}

#[derive(Debug)]
pub struct Notice {
    pub body: Vec<u8>,
    pub routing_key: ShortString,
    /// All but the id.
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
            return Err("there is no notice in it".to_owned());
        }
        Ok(Self {
            notices,
            run: rand::random(),
        })
    }

    /// The one that is published as number `number`, with its properties.
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
    fn a_message_is_persistent_and_says_whose_notice_it_is() {
        let messages = Messages::of(LINE).expect("a notice");
        let (notice, properties) = messages.get(0);
        assert_eq!(notice.body, LINE.as_bytes());
        assert_eq!(notice.routing_key.as_str(), "notice.3");
        assert_eq!(*properties.delivery_mode(), Some(2));
        let headers = properties.headers().clone().expect("headers");
        let stated = |name: &str| headers.inner().get(name).cloned();
        assert_eq!(headers.inner().len(), 7);
        assert_eq!(stated("x-insure-num"), Some(AMQPValue::LongString("A".into())));
        assert_eq!(stated("x-partner-id"), Some(AMQPValue::LongString("7".into())));
    }

    #[test]
    fn every_message_has_an_id_of_64_digits_of_its_own() {
        let messages = Messages::of(LINE).expect("a notice");
        let id = |number| {
            let (_, properties) = messages.get(number);
            properties.message_id().clone().expect("an id").to_string()
        };
        assert_eq!(id(0).len(), 64);
        assert_ne!(id(0), id(1));
    }

    #[test]
    fn a_file_that_is_no_bodies_is_refused_by_its_line() {
        assert!(Messages::of("\n").is_err());
        let fault = Messages::of(&format!("{LINE}\n{{")).expect_err("half a body");
        assert!(fault.starts_with("line 2"), "{fault}");
    }
}
