use std::error::Error;
use std::iter::successors;

/// The message of an error, followed by those of its sources.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let causes = successors(error.source(), |&error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the file")]
    struct Failed(#[source] std::io::Error);

    #[test]
    fn the_message_of_every_source_appears_once() {
        assert_eq!(with_causes(&StoreError::Busy), StoreError::Busy.to_string());
        let failed = StoreError::unavailable(Failed(std::io::Error::other("no such disk")));
        assert_eq!(with_causes(&failed), "the token store is unavailable: cannot open the file: no such disk");
    }
}
