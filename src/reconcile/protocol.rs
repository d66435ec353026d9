//! The protocol of lease, intent, request, outcome and settling, checked in all interleavings of two processes and two
//! contacts: processes that stand still for any time, crash, are stopped, and start again; requests and responses that are
//! late or lost.
//!
//! Its decisions are those of the program: the fence and the end of sending (`store/lease.rs`), and the settle time
//! (`doubt.rs`). What it assumes is what no store can enforce: a request that has passed the check arrives within the settle
//! time, or never.

use super::attempt::Doubt;
use super::doubt::Times;
use crate::change::StepKind;
use crate::outcome::Failure;
use crate::store::{LeaseRow, may_send};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::time::Duration;

/// The unit of time.
const TICK: Duration = Duration::from_secs(1);

/// How long a lease is valid: requests leave in its first two ticks.
const VALID: u64 = 3;

/// How long a request may be on its way, and the settle time.
const SETTLE: u64 = 2;

/// When the world ends: long enough for both processes to take the account, one after the other, and to settle.
const END: u64 = 7;

/// Requests that create a contact, at most.
const SENT_MAX: u8 = 2;

/// The rules of the protocol. Each can be broken, which must be found.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// A write under an old or ended lease is refused.
    fence: bool,
    /// Nothing is sent in the last third of a lease.
    stops_sending: bool,
    /// The intent is stored before the request leaves.
    intent_first: bool,
    /// A process that is stopped withdraws the intents of requests that were held back, and no others.
    keeps_sent: bool,
    settle: u64,
}

const RULES: Rules = Rules { fence: true, stops_sending: true, intent_first: true, keeps_sent: true, settle: SETTLE };

/// How far a process is with a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// It has to be located.
    Locate,
    Announced,
    /// A request was sent at this time, and its response has not come.
    Sent(u64),
    Answered,
    Ended,
}

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Process {
    /// The token of its lease; none before it has one.
    token: Option<u64>,
    /// When the last confirmed renewal was asked for.
    renewed: u64,
    /// When the lease before its own had ended: what it finds open was sent by then.
    found_ended: u64,
    phases: [Phase; 2],
}

const NEW: Process = Process { token: None, renewed: 0, found_ended: 0, phases: [Phase::Locate; 2] };

/// What the store knows of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Stored {
    /// The token under which it was announced.
    intent: Option<u64>,
    has_outcome: bool,
}

/// A request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flying {
    by: u8,
    contact: u8,
    /// It arrives before that, or never.
    until: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: u64,
    lease: LeaseRow,
    stored: [Stored; 2],
    /// How often the platform has created each contact.
    created: [u8; 2],
    sent: [u8; 2],
    flying: Vec<Flying>,
    processes: [Process; 2],
    /// How often a process may still crash, or be stopped.
    ends_left: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Tick,
    Take(usize),
    Crash(usize),
    /// The process is told to stop, and ends in order.
    Stop(usize),
    /// Locates a contact and decides.
    Locate(usize, usize),
    Send(usize, usize),
    /// The process stores its outcome.
    Settle(usize, usize),
    /// The request arrives; whether its response does.
    Arrive(usize, bool),
    Lose(usize),
}

fn ticks(ticks: u64) -> Duration {
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// How long the settle time of a request that was sent at the latest at this time still lasts: the program's own decision.
fn left(rules: Rules, sent_by: u64, now: u64) -> bool {
    let ms = |at: u64| u64::try_from(ticks(at).as_millis()).unwrap_or(u64::MAX);
    let why = Failure::failed("lost");
    let doubt = Doubt { kind: StepKind::Create, since_ms: ms(sent_by), at_ms: ms(sent_by), why };
    !Times { settle: ticks(rules.settle), now_ms: ms(now) }.left(&doubt).is_zero()
}

impl World {
    /// A write of a process: refused when its lease is not the latest or has ended; then the process ends.
    fn write(&mut self, rules: Rules, nth: usize) -> bool {
        let Some(token) = self.processes[nth].token else { return false };
        let now = ticks(self.now);
        let holds = self.lease.fence(token, now, ticks(VALID)) || !rules.fence;
        match holds {
            true => self.processes[nth].renewed = self.now,
            false => self.processes[nth] = NEW,
        }
        holds
    }

    /// Locates a contact: there, absent, or not to be said yet.
    fn locate(&mut self, rules: Rules, nth: usize, contact: usize) -> Option<()> {
        let process = self.processes[nth];
        let token = process.token?;
        if self.stored[contact].has_outcome || self.created[contact] > 0 {
            if self.write(rules, nth) {
                self.stored[contact] = Stored { intent: None, has_outcome: true };
                self.processes[nth].phases[contact] = Phase::Ended;
            }
            return Some(());
        }
        let sent_by = match (process.phases[contact], self.stored[contact].intent) {
            (Phase::Sent(at), _) => Some(at),
            (_, Some(by)) if by != token => Some(process.found_ended),
            _ => None,
        };
        if sent_by.is_some_and(|at| left(rules, at, self.now)) || self.sent[contact] >= SENT_MAX {
            return None;
        }
        if !rules.intent_first {
            self.processes[nth].phases[contact] = Phase::Announced;
        } else if self.write(rules, nth) {
            self.stored[contact].intent = Some(token);
            self.processes[nth].phases[contact] = Phase::Announced;
        }
        Some(())
    }

    fn send(&mut self, rules: Rules, nth: usize, contact: usize) -> Option<()> {
        let process = self.processes[nth];
        if rules.stops_sending && !may_send(ticks(self.now - process.renewed), ticks(VALID)) {
            return None;
        }
        self.processes[nth].phases[contact] = Phase::Sent(self.now);
        self.sent[contact] += 1;
        let (by, contact) = (nth as u8, contact as u8);
        self.flying.push(Flying { by, contact, until: self.now + SETTLE });
        self.flying.sort_by_key(|flying| (flying.by, flying.contact, flying.until));
        Some(())
    }

    /// The last group of a process: what was held back is not open any more.
    fn stop(&mut self, rules: Rules, nth: usize) {
        let phases = self.processes[nth].phases;
        let goes = |phase: &Phase| match phase {
            Phase::Announced => true,
            Phase::Sent(_) => !rules.keeps_sent,
            _ => false,
        };
        if phases.iter().any(goes) && self.write(rules, nth) {
            let held_back = self.stored.iter_mut().zip(&phases).filter(|(_, phase)| goes(phase));
            held_back.for_each(|(stored, _)| stored.intent = None);
        }
        self.processes[nth] = NEW;
    }

    fn arrive(&mut self, place: usize, is_answered: bool) {
        let Flying { by, contact, .. } = self.flying.remove(place);
        self.created[usize::from(contact)] += 1;
        let phase = &mut self.processes[usize::from(by)].phases[usize::from(contact)];
        if is_answered && matches!(phase, Phase::Sent(_)) {
            *phase = Phase::Answered;
        }
    }

    fn apply(&mut self, rules: Rules, action: Action) -> Option<()> {
        match action {
            Action::Tick => {
                self.now += 1;
                // What has not arrived by now never does.
                let now = self.now;
                self.flying.retain(|flying| flying.until > now);
            }
            Action::Take(nth) => {
                let ended = self.lease.until.map_or(0, |until| until.as_secs());
                let token = self.lease.take(ticks(self.now), ticks(VALID))?;
                self.processes[nth] = Process { token: Some(token), renewed: self.now, found_ended: ended, ..NEW };
            }
            Action::Crash(nth) => {
                self.ends_left -= 1;
                self.processes[nth] = NEW;
            }
            Action::Stop(nth) => {
                self.ends_left -= 1;
                self.stop(rules, nth);
            }
            Action::Locate(nth, contact) => self.locate(rules, nth, contact)?,
            Action::Send(nth, contact) => self.send(rules, nth, contact)?,
            Action::Settle(nth, contact) => {
                if self.write(rules, nth) {
                    self.stored[contact] = Stored { intent: None, has_outcome: true };
                    self.processes[nth].phases[contact] = Phase::Ended;
                }
            }
            Action::Arrive(place, is_answered) => self.arrive(place, is_answered),
            Action::Lose(place) => drop(self.flying.remove(place)),
        }
        Some(())
    }
}

impl Model for Rules {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            lease: LeaseRow::default(),
            stored: [Stored::default(); 2],
            created: [0; 2],
            sent: [0; 2],
            flying: Vec::new(),
            processes: [NEW; 2],
            ends_left: 1,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.now < END {
            actions.push(Action::Tick);
        }
        for (nth, process) in world.processes.iter().enumerate() {
            if process.token.is_none() {
                // The processes are alike: the first one begins.
                if nth == 0 || world.lease.token > 0 {
                    actions.push(Action::Take(nth));
                }
                continue;
            }
            if world.ends_left > 0 {
                actions.extend([Action::Crash(nth), Action::Stop(nth)]);
            }
            for (contact, phase) in process.phases.iter().enumerate() {
                match phase {
                    Phase::Locate | Phase::Sent(_) => actions.push(Action::Locate(nth, contact)),
                    Phase::Announced => actions.push(Action::Send(nth, contact)),
                    Phase::Answered => actions.push(Action::Settle(nth, contact)),
                    Phase::Ended => {}
                }
            }
        }
        for place in 0..world.flying.len() {
            actions.extend([Action::Arrive(place, true), Action::Arrive(place, false), Action::Lose(place)]);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        next.apply(*self, action)?;
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Rules>> {
        vec![
            Property::always("created at most once", |_, world: &World| world.created.iter().all(|times| *times <= 1)),
            // What is at the platform, or may still get there, is known to the store; what it says is there is there.
            Property::always("nothing lost", |_, world: &World| {
                let is_flying =
                    |contact: usize| world.flying.iter().any(|flying| usize::from(flying.contact) == contact);
                world.stored.iter().enumerate().all(|(contact, stored)| {
                    let may_be_there = world.created[contact] > 0 || is_flying(contact);
                    let is_known = stored.has_outcome || stored.intent.is_some();
                    (is_known || !may_be_there) && (!stored.has_outcome || world.created[contact] > 0)
                })
            }),
            Property::sometimes("a second process finishes", |_, world: &World| {
                world.lease.token > 1 && world.stored.iter().all(|stored| stored.has_outcome)
            }),
        ]
    }
}

/// The properties that do not hold, with the way that shows it.
fn broken(rules: Rules) -> Vec<&'static str> {
    let checker = rules.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    let mut broken: Vec<&str> = checker.discoveries().into_keys().filter(|name| *name != FINISHES).collect();
    broken.sort_unstable();
    broken
}

const FINISHES: &str = "a second process finishes";

#[test]
fn every_contact_is_created_at_most_once_and_none_is_lost_in_any_interleaving() {
    let checker = RULES.checker().threads(2).spawn_dfs().join();
    eprintln!("{} states, {} of them different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() > 10_000, "{}", checker.unique_state_count());
}

#[test]
fn a_broken_rule_is_found() {
    let twice = "created at most once";
    let lost = "nothing lost";
    assert!(broken(Rules { fence: false, ..RULES }).contains(&twice), "no fence");
    assert!(broken(Rules { stops_sending: false, ..RULES }).contains(&twice), "sending to the end and after it");
    assert!(broken(Rules { settle: 0, ..RULES }).contains(&twice), "no settle time");
    assert!(broken(Rules { intent_first: false, ..RULES }).contains(&lost), "the request before its intent");
    assert!(broken(Rules { keeps_sent: false, ..RULES }).contains(&lost), "the intent of a request in doubt withdrawn");
}
