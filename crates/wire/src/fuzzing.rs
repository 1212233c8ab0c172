//! Properties that hold for any bytes a broker sends. The fuzz targets in `fuzz/` and the tests of this crate check them
//! with the same functions.

mod confirms;
mod framing;

pub use confirms::handle_frames;
pub use framing::read_frames;

#[cfg(test)]
mod tests;
