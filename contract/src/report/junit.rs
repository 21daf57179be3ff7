//! A report as JUnit XML.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{CaseReport, Exchange, Outcome, Problem, Report};

impl Report {
    /// The report as JUnit XML: a test suite for each operation. Cases that were not covered are skipped tests.
    pub fn to_junit(&self) -> String {
        let mut report = quick_junit::Report::new(format!("{} at {}", self.document, self.server));
        let mut suites: Vec<(&str, TestSuite)> = Vec::new();
        for case in &self.cases {
            if suites.last().is_none_or(|(operation, _)| *operation != case.operation) {
                suites.push((case.operation, TestSuite::new(case.operation)));
            }
            if let Some((_, suite)) = suites.last_mut() {
                suite.add_test_case(test_case(case));
            }
        }
        report.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
        report.to_string().expect("a report is written to memory")
    }
}

fn test_case(case: &CaseReport) -> TestCase {
    let status = match &case.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::NotCovered { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
        Outcome::Failed { problems, exchanges } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            status.set_message(format!("{} {}", case.rule, problems.join("; ")));
            let exchanges: Vec<String> = exchanges.iter().map(Exchange::to_string).collect();
            status.set_description(exchanges.join("\n\n"));
            status
        }
    };
    let mut test = TestCase::new(&case.name, status);
    test.set_classname(case.operation).set_time(case.duration);
    test
}
