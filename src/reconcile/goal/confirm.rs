//! A contact is compared with what an earlier run meant it to be: what would be written is what differs. Pure.

use super::decision::Ruling;
use super::upsert::{Terms, conclude, propose};
use crate::contact::Wanted;
use crate::reconcile::attempt::Attempt;
use crate::reconcile::view::View;

/// What remains to be done. `is_created`: the run created the contact, so that every value is compared, also those that
/// the policy would leave as they are.
pub(crate) fn decide((wanted, is_created): (&Wanted, bool), view: &View<'_>, attempt: &Attempt) -> Ruling {
    match propose(Terms { wanted, is_created, is_exact: false }, view, attempt) {
        Ok(proposal) => conclude(proposal, view, attempt),
        Err(ruling) => *ruling,
    }
}
