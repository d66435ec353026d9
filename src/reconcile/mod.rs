//! One contact at one target: locate it, decide what remains to be done, execute that.
//!
//! The files in reading order; each uses only those before it. From `attempt` to `subject` all is pure.

pub mod attempt;
pub mod changed;
pub mod cycle;
mod doubt;
pub mod dropped;
pub mod entries;
pub mod execute;
mod failures;
mod fate;
pub mod find;
pub mod foreseen;
mod gate;
pub mod goal;
pub mod guards;
mod locate;
pub mod locks;
pub mod matching;
mod partial;
pub mod problems;
#[cfg(test)]
mod protocol;
pub mod reconciler;
mod settle;
pub mod slot;
pub mod subject;
pub mod view;
pub mod who;

pub use attempt::Earlier;
pub use cycle::End;
pub use reconciler::{Effects, Parts, Reconciler};
pub use view::Policy;
