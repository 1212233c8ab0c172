//! Reads why the broker closes a channel or a connection, as the error that lapin would return.

use amq_protocol::frame::{AMQPFrame, parse_frame};
use lapin::ErrorKind;
use lapin::protocol::{AMQPClass, AMQPError, channel, connection};

use crate::frame::Frame;

pub(crate) fn on_closing_channel(frame: Frame<'_>) -> lapin::Error {
    match parse_frame(frame.bytes) {
        Ok((_, AMQPFrame::Method(_, AMQPClass::Channel(channel::AMQPMethod::Close(close))))) => {
            error(close.reply_code, close.reply_text.as_str())
        }
        _ => error(0, "the channel was closed"),
    }
}

pub(crate) fn on_closing_connection(frame: Frame<'_>) -> lapin::Error {
    match parse_frame(frame.bytes) {
        Ok((_, AMQPFrame::Method(_, AMQPClass::Connection(connection::AMQPMethod::Close(close))))) => {
            error(close.reply_code, close.reply_text.as_str())
        }
        _ => error(0, "the connection was closed"),
    }
}

fn error(code: u16, text: &str) -> lapin::Error {
    match AMQPError::from_id(code, text.into()) {
        Some(error) => ErrorKind::ProtocolError(error).into(),
        None => std::io::Error::other(text.to_owned()).into(),
    }
}
