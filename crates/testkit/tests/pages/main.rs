//! Holds the documentation to the repository: links, paths, log events and the equality of both READMEs.

mod claims;
mod equality;
mod links;
mod markdown;
