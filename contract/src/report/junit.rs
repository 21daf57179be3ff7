//! A report as JUnit XML.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{CaseReport, CauseReport, Exchange, Outcome, Problem, Report};

impl Report {
    /// The report as JUnit XML: a test suite for each operation. Cases that were not covered are skipped tests. The type of a
    /// failure is its first cause, and the output of each suite lists all causes.
    pub fn to_junit(&self) -> String {
        let mut report = quick_junit::Report::new(format!("{} at {}", self.document, self.server));
        let mut suites: Vec<(&str, TestSuite)> = Vec::new();
        for case in &self.cases {
            if suites.last().is_none_or(|(operation, _)| *operation != case.operation) {
                suites.push((case.operation, TestSuite::new(case.operation)));
            }
            if let Some((_, suite)) = suites.last_mut() {
                suite.add_test_case(test_case(case, &self.causes));
            }
        }
        let causes = self.causes.iter().map(|cause| format!("{}: {} cases\n", cause.text, cause.cases.len()));
        let causes: String = causes.collect();
        for (_, mut suite) in suites {
            if !causes.is_empty() {
                suite.set_system_out(&causes);
            }
            report.add_test_suite(suite);
        }
        report.to_string().expect("a report is written to memory")
    }
}

fn test_case(case: &CaseReport, causes: &[CauseReport]) -> TestCase {
    let status = match &case.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::NotCovered { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
        Outcome::Failed { problems, exchanges } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let cause = problems.first().and_then(|problem| causes.iter().find(|it| it.cause == problem.cause));
            if let Some(cause) = cause {
                status.set_type(&cause.text);
            }
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
