//! English

mod desk;
mod repair;
mod story;
mod terms;

pub struct English;
