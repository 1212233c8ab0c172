//! English

mod desk;
mod story;
mod terms;

pub struct English;
