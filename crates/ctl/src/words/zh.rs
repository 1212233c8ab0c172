//! 中文

mod desk;
mod repair;
mod story;
mod terms;
mod watch;

pub struct Chinese;
