//! A report for people.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use openapi_stub_runtime::Printable;

use super::{CaseReport, CauseReport, Exchange, Outcome, Problem, Report};

const FAILED: Style = AnsiColor::Red.on_default().bold();
const NOT_COVERED: Style = AnsiColor::Yellow.on_default();
const PASSED: Style = AnsiColor::Green.on_default();
const QUIET: Style = Style::new().dimmed();

/// The width of a list of names, in characters.
const WIDTH: usize = 118;

/// Which failed cases a report for people shows whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// One for each cause. The others are named.
    OneOfEachCause,
    /// Each one.
    EachCase,
}

impl Report {
    /// Writes the report for people: a summary, in which the causes come first that most cases have, and then the failed
    /// cases. The text contains escape sequences for colours, which the caller removes unless it writes to a terminal.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, mut out: impl Write, detail: Detail) -> io::Result<()> {
        self.write_summary(&mut out)?;
        match detail {
            Detail::OneOfEachCause => self.write_one_of_each_cause(&mut out),
            Detail::EachCase => self.failed().try_for_each(|case| {
                writeln!(out)?;
                write_case(case, Detail::EachCase, &mut out)
            }),
        }
    }

    fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
        let not_covered = self.not_covered();
        let failed = self.failed().count();
        let skipped: usize = not_covered.iter().map(|(_, cases)| cases.len()).sum();
        let passed = self.cases.len() - failed - skipped;
        let style = if failed > 0 { FAILED } else { PASSED };
        writeln!(out, "{} against {}", self.server, self.document)?;
        writeln!(out, "{style}{passed} passed, {failed} failed, {skipped} not covered{style:#}")?;
        self.write_responses(out)?;
        if !self.left_behind.is_empty() {
            let tokens = self.left_behind.join(", ");
            let tokens = Printable(&tokens);
            writeln!(out, "{NOT_COVERED}left behind, because the server did not delete them: {tokens}{NOT_COVERED:#}")?;
        }
        if !self.causes.is_empty() {
            writeln!(out, "\nCauses of failures (a case can have several):")?;
            for CauseReport { text, cases, .. } in &self.causes {
                writeln!(out, "  {FAILED}{text}{FAILED:#}: {}", counted(cases.len()))?;
            }
        }
        if !not_covered.is_empty() {
            writeln!(out, "\nNot covered:")?;
            for (reason, cases) in not_covered {
                let reason = Printable(reason);
                writeln!(out, "  {NOT_COVERED}{reason}{NOT_COVERED:#}: {}", counted(cases.len()))?;
                write_names(&cases, "    ", out)?;
            }
        }
        Ok(())
    }

    /// The reasons why cases were not covered, each with its cases.
    fn not_covered(&self) -> Vec<(&str, Vec<String>)> {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for case in &self.cases {
            if let Outcome::NotCovered { reason } = &case.outcome {
                match reasons.iter_mut().find(|(other, _)| other == reason) {
                    Some((_, cases)) => cases.push(case.full_name()),
                    None => reasons.push((reason, vec![case.full_name()])),
                }
            }
        }
        reasons
    }

    fn write_responses(&self, out: &mut impl Write) -> io::Result<()> {
        let expected = self.responses.iter().filter(|response| response.expected);
        let reached = expected.clone().filter(|response| response.reached).count();
        let all = expected.count();
        let share = (100 * reached).checked_div(all).unwrap_or(100);
        writeln!(out, "reached {reached} of {all} declared responses ({share} %)")?;
        for response in self.responses.iter().filter(|response| !response.reached) {
            let why = if response.expected { "not reached" } else { "not tried" };
            writeln!(out, "{NOT_COVERED}{why}: {} {}{NOT_COVERED:#}", response.operation, response.status)?;
        }
        Ok(())
    }

    /// For each cause, a case that is shown whole and not shown before, and the names of the others.
    fn write_one_of_each_cause(&self, out: &mut impl Write) -> io::Result<()> {
        let mut shown = HashSet::new();
        for CauseReport { cause, text, cases, .. } in &self.causes {
            writeln!(out, "\n{FAILED}{text}{FAILED:#}: {}", counted(cases.len()))?;
            let of_cause = |case: &&CaseReport| case.problems().iter().any(|problem| problem.cause == *cause);
            let first = self.failed().filter(of_cause).find(|case| !shown.contains(&case.full_name()));
            let first = first.map(|case| (case, case.full_name()));
            let others: Vec<String> =
                cases.iter().filter(|name| first.as_ref().is_none_or(|(_, first)| first != *name)).cloned().collect();
            if let Some((case, name)) = first {
                write_case(case, Detail::OneOfEachCause, out)?;
                shown.insert(name);
            }
            write_names(&others, "  also: ", out)?;
        }
        Ok(())
    }
}

fn counted(cases: usize) -> String {
    if cases == 1 { "1 case".to_owned() } else { format!("{cases} cases") }
}

/// Names in lines, those with the same beginning in braces.
fn write_names(names: &[String], start: &str, out: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    let groups = in_braces(names);
    for (at, group) in groups.iter().enumerate() {
        for word in group.split_inclusive(' ').chain((at + 1 < groups.len()).then_some(", ")) {
            if start.len() + line.len() + word.trim_end().len() > WIDTH && word != ", " {
                writeln!(out, "{start}{}", line.trim_end())?;
                line.clear();
            }
            line.push_str(word);
        }
    }
    if line.is_empty() { Ok(()) } else { writeln!(out, "{start}{}", line.trim_end()) }
}

/// Consecutive names that differ after their last slash only, as in `paths/{below, cut}`.
fn in_braces(names: &[String]) -> Vec<String> {
    let parts = names.iter().map(|name| name.rsplit_once('/').unwrap_or(("", name)));
    let parts: Vec<(&str, &str)> = parts.collect();
    let groups = parts.chunk_by(|(one, _), (other, _)| one == other);
    let text = |group: &[(&str, &str)]| match group {
        [(parent, last)] => format!("{parent}/{last}"),
        _ => format!("{}/{{{}}}", group[0].0, group.iter().map(|(_, last)| *last).collect::<Vec<_>>().join(", ")),
    };
    groups.map(text).collect()
}

/// A failed case, with the exchanges that show its problems.
fn write_case(case: &CaseReport, detail: Detail, out: &mut impl Write) -> io::Result<()> {
    let Outcome::Failed { problems, exchanges } = &case.outcome else { return Ok(()) };
    writeln!(out, "{FAILED}failed{FAILED:#} {}: {}", case.full_name(), case.rule)?;
    for problem in problems {
        writeln!(out, "  {FAILED}{problem}{FAILED:#}")?;
    }
    let shown: Vec<&Exchange> = match detail {
        Detail::EachCase => exchanges.iter().collect(),
        Detail::OneOfEachCause => distinct(exchanges, problems),
    };
    shown.into_iter().try_for_each(|exchange| writeln!(out, "{QUIET}{exchange}{QUIET:#}"))
}

/// The exchanges that show a problem, without those that repeat one before.
fn distinct<'e>(exchanges: &'e [Exchange], problems: &[Problem]) -> Vec<&'e Exchange> {
    let mut shown: Vec<&Exchange> = Vec::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        let key = |it: &Exchange| (it.curl.clone(), it.response.clone(), it.response_body.clone());
        if shows_a_problem(at, problems) && shown.iter().all(|other| key(other) != key(exchange)) {
            shown.push(exchange);
        }
    }
    shown
}

/// Whether an exchange is the one of a problem. A problem that only all exchanges show needs each of them.
fn shows_a_problem(at: usize, problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.exchange.is_none_or(|exchange| exchange == at))
}

/// The request after `>`, the response after `<`, and the command that repeats the request.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  > {}", self.request)?;
        self.request_headers.iter().try_for_each(|header| writeln!(f, "  > {header}"))?;
        self.request_body.lines().try_for_each(|line| writeln!(f, "  > {line}"))?;
        writeln!(f, "  < {}", self.response)?;
        self.response_headers.iter().try_for_each(|header| writeln!(f, "  < {header}"))?;
        self.response_body.lines().try_for_each(|line| writeln!(f, "  < {line}"))?;
        write!(f, "  {}", self.curl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_a_source_of_tokens_do_not_act_on_the_terminal() {
        let hostile = "a\u{1b}[2J\u{9b}\n\u{202e}";
        let case = CaseReport {
            operation: "Delete",
            name: "case".to_owned(),
            rule: "rule".into(),
            outcome: Outcome::NotCovered { reason: hostile.to_owned() },
            duration: std::time::Duration::ZERO,
        };
        let report = Report {
            server: String::new(),
            document: String::new(),
            causes: Vec::new(),
            cases: vec![case],
            responses: Vec::new(),
            left_behind: vec![hostile.to_owned()],
        };
        let mut shown = Vec::new();
        report.write(&mut shown, Detail::EachCase).expect("a buffer");
        let shown = String::from_utf8(shown).expect("text");
        assert_eq!(shown.matches(r"a\u{1b}[2J\u{9b}\n\u{202e}").count(), 2, "{shown}");
        assert!(!shown.contains("[2J\u{9b}"), "{shown}");
    }
}
