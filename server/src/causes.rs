use std::error::Error;
use std::iter::successors;

/// The text of an error, followed by those of its causes.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let causes = successors(error.source(), |&error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
