//! 中文

mod desk;
mod story;
mod terms;

pub struct Chinese;
