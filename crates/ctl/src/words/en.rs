//! English

mod desk;
mod repair;
mod story;
mod terms;
mod watch;

pub struct English;
