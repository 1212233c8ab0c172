use crate::finding::concern::Concern;

/// The sentences of `doctor` about concerns.
pub trait DoctorWords {
    fn concern(&self, concern: &Concern) -> String;
    /// How to repair it; `None` if there is nothing to repair.
    fn remedy(&self, concern: &Concern) -> Option<&'static str>;
}
