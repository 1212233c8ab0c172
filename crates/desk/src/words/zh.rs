//! 中文

mod desk;
mod doctor;
mod repair;
mod schema;
mod story;
mod terms;
mod watch;

pub struct Chinese;
