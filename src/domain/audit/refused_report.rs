//! Reports that were refused with 401, by what to do about it.

/// Why an agent's report was refused, and how it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusedReport {
    /// It was sent, without a token that opens `/v1`.
    Sent,
    /// The SDK uploaded it, without a token that opens `/observability`.
    Uploaded,
    /// Its token names a key that is known, and is signed with another secret.
    WrongSecret,
}

impl RefusedReport {
    /// Every value.
    pub const ALL: [RefusedReport; 3] = [
        RefusedReport::Sent,
        RefusedReport::Uploaded,
        RefusedReport::WrongSecret,
    ];

    /// The detail in the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusedReport::Sent => "",
            RefusedReport::Uploaded => "upload",
            RefusedReport::WrongSecret => "wrong secret",
        }
    }

    /// Reads the detail; earlier versions wrote none.
    pub fn read(detail: &str) -> RefusedReport {
        let mut all = RefusedReport::ALL.into_iter();
        let known = all.find(|it| it.as_str() == detail);
        known.unwrap_or(RefusedReport::Sent)
    }
}
