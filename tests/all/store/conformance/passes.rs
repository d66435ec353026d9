//! What a pass finds of earlier passes and processes, and what replaces it.

use super::*;

#[test]
fn a_pass_finds_what_earlier_passes_left_and_replaces_it() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        first.apply(&[settle(run, 0, Outcome::Created), settle(run, 1, Outcome::Rejected)]);
        assert!(!first.reader.has_entries(run).unwrap());
        assert_eq!(first.entry(run, key(0)), None, "this pass is not seen");
        place.kill(first.close());

        let mut second = open(place);
        assert_eq!(second.apply(&[Op::BeginPass(run)]), [Answer::Pass { pass: 2, has_earlier: true }]);
        assert!(second.reader.has_entries(run).unwrap());
        assert_eq!(second.entry(run, key(0)), Some((Outcome::Created, 1)));
        let again = Settled { pass: 2, ..settled(1, Outcome::Updated) };
        second.apply(&[Op::CarryOver(run, key(0), 2, origin(5)), Op::Settle(run, key(1), Box::new(again))]);
        assert_eq!(second.totals(run, TallyOf::Pass(2)), Totals { created: 1, updated: 1, ..Totals::default() });
        assert_eq!(second.totals(run, TallyOf::Pass(1)), Totals::default(), "both were replaced");
        let lines: Vec<_> = second.outcomes(run, 2).iter().map(|row| row.origin.ordinal).collect();
        assert_eq!(lines, [1, 5]);

        // What is settled between the pass and its first record is found after it was counted as earlier.
        second.apply(&[Op::Settle(run, key(2), Box::new(Settled { pass: NO_PASS, ..settled(2, Outcome::Created) }))]);
        assert_eq!(second.entry(run, key(2)), None);
        assert_eq!(second.apply(&[Op::CountEarlier(run)]), [Answer::Earlier(true)]);
        assert_eq!(second.entry(run, key(2)), Some((Outcome::Created, NO_PASS)));
        second.apply(&[Op::FinishRun(run, RunStatus::Done, json!(null))]);
        assert_eq!(second.entry(run, key(1)), Some((Outcome::Updated, 2)), "a finished run is searched as a whole");
    });
}

#[test]
fn a_pass_that_is_continued_keeps_what_it_has_settled_and_finds_the_rest() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        let of_no_pass = Settled { pass: NO_PASS, ..settled(3, Outcome::Created) };
        first.apply(&[settle(run, 0, Outcome::Created), settle(run, 1, Outcome::Rejected), intend(run, 2)]);
        first.apply(&[settle(run, 2, Outcome::Unknown), Op::Settle(run, key(3), Box::new(of_no_pass))]);
        let filtered = |ordinal| Op::Note(run, 1, Box::new(note(ordinal, Outcome::Skipped(Skip::Filtered))));
        first.apply(&(10..17).map(filtered).collect::<Vec<_>>());
        place.kill(first.close());

        let mut second = open(place);
        assert_eq!(second.apply(&[Op::ContinuePass(run)]), [Answer::Pass { pass: 1, has_earlier: true }]);
        assert_eq!(second.reader.runs().unwrap()[0].pass, 1);
        let open_ones = [1, 2, 3].map(|number| second.entry(run, key(number)).unwrap());
        assert_eq!(open_ones, [(Outcome::Rejected, 1), (Outcome::Unknown, 1), (Outcome::Created, NO_PASS)]);
        let (mut notes, mut after) = (Vec::new(), Some(11));
        loop {
            let page = second.reader.note_page(run, 1, after).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.origin.ordinal);
            notes.extend(page.iter().map(|row| (row.origin.ordinal, row.outcome, row.key)));
        }
        let expected = (12..17).map(|ordinal| (ordinal, Outcome::Skipped(Skip::Filtered), None));
        assert_eq!(notes, expected.collect::<Vec<_>>());
        // Its own outcomes replace what was open, and are added to what was settled.
        let of_three = Settled { pass: 1, ..settled(3, Outcome::Created) };
        second.apply(&[settle(run, 2, Outcome::Updated), Op::Settle(run, key(3), Box::new(of_three))]);
        second.apply(&[Op::CarryOver(run, key(1), 1, origin(1)), settle(run, 4, Outcome::Created)]);
        let totals = Totals { created: 3, updated: 1, rejected: 1, skipped: 7, ..Totals::default() };
        assert_eq!(second.totals(run, TallyOf::Pass(1)), totals);
        assert_eq!(second.open_keys(), []);
        let of_reject = second.number(run, key(1));
        second.apply(&[Op::ForgetEntries(run, vec![of_reject])]);
        assert_eq!(second.apply(&[Op::ContinuePass(run)]), [Answer::Pass { pass: 1, has_earlier: false }]);
        let [Answer::Run(none)] = second.apply(&[Op::BeginRun(new_run("none", "work"))])[..] else { panic!("a run") };
        assert!(second.store.apply(&second.lease, &[Op::ContinuePass(none)]).is_err());
    });
}

#[test]
fn the_entry_of_an_earlier_pass_is_replaced_also_before_the_next_pass_begins() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        first.apply(&[settle(run, 0, Outcome::Rejected)]);
        first.apply(&[Op::BeginPass(run), intend(run, 0)]);
        place.kill(first.close());
        let mut second = open(place);
        second.apply(&[Op::Settle(run, key(0), Box::new(Settled { pass: NO_PASS, ..settled(0, Outcome::Created) }))]);
        assert_eq!(second.totals(run, TallyOf::SoFar(2)), Totals { created: 1, ..Totals::default() });
    });
}

#[test]
fn an_outcome_of_a_pass_is_not_one_of_an_earlier_pass_although_the_last_of_those_was_removed() {
    every_store(|place| {
        let mut first = open(place);
        let run = first.begin("one");
        first.apply(&[settle(run, 0, Outcome::Created), settle(run, 1, Outcome::Created)]);
        first.apply(&[Op::BeginPass(run)]);
        let last = first.number(run, key(1));
        first.apply(&[Op::ForgetEntries(run, vec![last])]);
        place.kill(first.close());

        // The next process may give the number of the entry that is gone.
        let mut second = open(place);
        let of_pass = |outcome| Op::Settle(run, key(2), Box::new(Settled { pass: 2, ..settled(2, outcome) }));
        second.apply(&[of_pass(Outcome::Updated)]);
        let found = [0, 1, 2].map(|number| second.entry(run, key(number)));
        assert_eq!(found, [Some((Outcome::Created, 1)), None, None]);
        let carried = second.store.apply(&second.lease, &[Op::CarryOver(run, key(2), 2, origin(5))]);
        assert_eq!(carried.unwrap_err().exit, Exit::Failed);
        second.apply(&[of_pass(Outcome::Rejected)]);
        let totals = Totals { updated: 1, rejected: 1, ..Totals::default() };
        assert_eq!(second.totals(run, TallyOf::Pass(2)), totals, "no outcome of a pass replaces another one of it");
    });
}
