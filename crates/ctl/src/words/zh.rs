//! 中文

mod desk;
mod repair;
mod story;
mod terms;

pub struct Chinese;
