//! How the rows of an export are made: its mapping bound, its format known.

use super::plan::ExportPlan;
use crate::files::{Format, RowLayout};
use crate::mapping::{BindOptions, Mapping, Program, WriteHints};
use crate::outcome::Failure;
use crate::record::Header;
use crate::run::rows::{Columns, check_columns, format_of, row_layout};
use crate::run::source::account::What;
use std::sync::Arc;

/// How rows are made: the mapping bound, the format known.
pub(super) struct Form {
    pub(super) bound: Arc<Program>,
    pub(super) layout: RowLayout,
    pub(super) hints: WriteHints,
}

impl Form {
    /// Binds the mapping and finds out the format, before anything is asked for.
    pub(super) fn new(plan: &ExportPlan) -> Result<Form, Failure> {
        let mapping = match &plan.mapping {
            Some(mapping) => mapping.clone(),
            None => Mapping::by_names(&header_of(plan.what)).mapping,
        };
        let options =
            BindOptions { region: plan.region, fallback_region: plan.connection_region, ..BindOptions::default() };
        let bound = Arc::new(bind(&mapping, plan.what, plan.mapping.is_some(), &options)?);
        let format = match plan.format {
            Some(format) => format,
            None if plan.is_to_stdout() => Format::Jsonl,
            None => format_of(&plan.out)?,
        };
        if format == Format::Xlsx && Format::of_path(&plan.out) != Some(Format::Xlsx) {
            return Err(Failure::usage(format!(
                "`--format xlsx`: `{}` is not the name of a workbook",
                plan.out.display()
            ))
            .hint("end the name of `--out` with `.xlsx`"));
        }
        let hints = mapping.write_hints().clone();
        let layout = row_layout(format, &hints, plan.raw_cells)?;
        check_columns(&layout, &bound)?;
        if plan.what != What::Contacts && !format.is_of_lists() {
            return Err(Failure::usage(format!(
                "`--what {}` cannot be written as vCards, which hold contacts only",
                plan.what.name()
            ))
            .hint("write a table or JSON"));
        }
        Ok(Form { bound, layout, hints })
    }

    /// The columns of a table that are to be found out; those of the mapping are known.
    pub(super) fn columns(&self, what: What) -> Columns {
        match (self.bound.columns(), what) {
            (Some(columns), _) => Columns::Names(columns.names().to_vec()),
            (None, What::Contacts) => Columns::of_contacts_with_ids(),
            (None, What::List(_)) => Columns::Names(Vec::new()),
        }
    }
}

/// A mapping, bound for such an export.
///
/// # Errors
/// Exit 2 with everything that is wrong with it.
pub fn check_mapping(mapping: &Mapping, what: What) -> Result<Program, Failure> {
    bind(mapping, what, true, &BindOptions::default())
}

fn header_of(what: What) -> Header {
    if what == What::Contacts { Header::Contact } else { Header::Open }
}

fn bind(mapping: &Mapping, what: What, is_typed: bool, options: &BindOptions) -> Result<Program, Failure> {
    if what != What::Contacts && is_typed && !mapping.is_about_rows_only() {
        let message = format!("the mapping makes contacts, and `--what {}` are none", what.name());
        return Err(Failure::usage(message).hint("keep only `columns:` and `write:` of it"));
    }
    // No contact is looked up, so a contact without phone and e-mail is written too.
    let mut mapping = mapping.clone();
    mapping.identity = None;
    mapping.bind(&header_of(what), options).map_err(Failure::from)
}
