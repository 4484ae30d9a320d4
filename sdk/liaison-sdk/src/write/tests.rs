use super::{Action, Outcome, Report, Stored, Verdict, WriteItem};
use crate::fault::{Fault, FaultCode};

fn outcomes(answers: Vec<Result<Outcome, FaultCode>>) -> Result<Vec<Outcome>, Fault> {
    let items: Vec<_> =
        answers.iter().map(|_| WriteItem::new(Action::Update, Some("7"), ())).collect();
    let mut answers = answers.into_iter();
    let report = Report::of_each(&items, |_| answers.next().unwrap().map_err(Fault::new))?;
    match report.verdict {
        Verdict::Items(outcomes) => Ok(outcomes),
        Verdict::Aggregate(..) => panic!("outcomes were expected"),
    }
}

#[test]
fn a_fault_of_one_item_leaves_the_others() {
    let found =
        outcomes(vec![Err(FaultCode::NotFound), Err(FaultCode::Rejected), Ok(Outcome::Unchanged)]);
    let rejected = Outcome::Rejected(Fault::new(FaultCode::Rejected));
    assert_eq!(found, Ok(vec![Outcome::Conflict, rejected, Outcome::Unchanged]));
}

#[test]
fn a_fault_of_all_is_the_calls_while_nothing_was_written() {
    let auth = Fault::new(FaultCode::Auth);
    for before in [Ok(Outcome::Unchanged), Err(FaultCode::Rejected)] {
        let found = outcomes(vec![before, Err(FaultCode::Auth), Ok(Outcome::Deleted)]);
        assert_eq!(found, Err(auth.clone()));
    }
    let created = || Outcome::Created(Stored::key("1"));
    let found = outcomes(vec![Ok(created()), Err(FaultCode::Auth), Ok(Outcome::Deleted)]);
    let later = || Outcome::Retry(None, auth.clone());
    assert_eq!(found, Ok(vec![created(), later(), later()]));
}

#[test]
fn what_nobody_knows_is_unknown_and_ends_the_batch() {
    for code in [FaultCode::Timeout, FaultCode::SchemaDrift, FaultCode::Bug] {
        let found = outcomes(vec![Err(code), Ok(Outcome::Deleted)]);
        let later = Outcome::Retry(None, Fault::new(code));
        assert_eq!(found, Ok(vec![Outcome::Unknown, later]));
    }
}
