use crate::finding::concern::Concern;

/// What `doctor` says of what works today and need not tomorrow.
pub trait DoctorWords {
    fn concern(&self, concern: &Concern) -> String;
    /// What to do about it.
    fn remedy(&self, concern: &Concern) -> Option<&'static str>;
}
