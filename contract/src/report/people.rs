//! A report for people.

use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{CaseReport, Exchange, Outcome, Report};

const FAILED: Style = AnsiColor::Red.on_default().bold();
const NOT_COVERED: Style = AnsiColor::Yellow.on_default();
const PASSED: Style = AnsiColor::Green.on_default();
const QUIET: Style = Style::new().dimmed();

impl Report {
    /// Writes the report for people: each case that failed or was not covered, then a summary. The text contains escape
    /// sequences for colours, which the caller removes unless it writes to a terminal.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        for case in &self.cases {
            write_case(case, &mut out)?;
        }
        let count = |is: fn(&Outcome) -> bool| self.cases.iter().filter(|case| is(&case.outcome)).count();
        let failed = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
        let not_covered = count(|outcome| matches!(outcome, Outcome::NotCovered { .. }));
        let passed = self.cases.len() - failed - not_covered;
        let style = if failed > 0 { FAILED } else { PASSED };
        writeln!(out, "{} against {}", self.server, self.document)?;
        writeln!(out, "{style}{passed} passed, {failed} failed, {not_covered} not covered{style:#}")?;
        self.write_responses(&mut out)?;
        if !self.left_behind.is_empty() {
            let ids = self.left_behind.join(", ");
            writeln!(out, "{NOT_COVERED}left behind: the tokens with the IDs {ids}{NOT_COVERED:#}")?;
        }
        Ok(())
    }

    fn write_responses(&self, out: &mut impl Write) -> io::Result<()> {
        let reached = self.responses.iter().filter(|response| response.reached).count();
        let share = if self.responses.is_empty() { 100 } else { 100 * reached / self.responses.len() };
        writeln!(out, "reached {reached} of {} declared responses ({share} %)", self.responses.len())?;
        for response in self.responses.iter().filter(|response| !response.reached) {
            writeln!(out, "{NOT_COVERED}not reached: {} {}{NOT_COVERED:#}", response.operation, response.status)?;
        }
        Ok(())
    }
}

fn write_case(case: &CaseReport, out: &mut impl Write) -> io::Result<()> {
    let CaseReport { operation, name, rule, .. } = case;
    match &case.outcome {
        Outcome::Passed => Ok(()),
        Outcome::NotCovered { reason } => {
            writeln!(out, "{NOT_COVERED}not covered{NOT_COVERED:#} {operation}/{name}: {reason}\n")
        }
        Outcome::Failed { problems, exchanges } => {
            writeln!(out, "{FAILED}failed{FAILED:#} {operation}/{name}: {rule}")?;
            for problem in problems {
                writeln!(out, "  {FAILED}{problem}{FAILED:#}")?;
            }
            for exchange in exchanges {
                writeln!(out, "{QUIET}{exchange}{QUIET:#}")?;
            }
            writeln!(out)
        }
    }
}

/// The request after `>`, the response after `<`, and the command that repeats the request.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  > {}", self.request)?;
        self.request_headers.iter().try_for_each(|header| writeln!(f, "  > {header}"))?;
        writeln!(f, "  < {}", self.response)?;
        self.response_headers.iter().try_for_each(|header| writeln!(f, "  < {header}"))?;
        self.response_body.lines().try_for_each(|line| writeln!(f, "  < {line}"))?;
        write!(f, "  {}", self.curl)
    }
}
