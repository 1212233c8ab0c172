//! 中文

mod desk;
mod doctor;
mod repair;
mod story;
mod terms;
mod watch;

pub struct Chinese;
