//! Every test of Ferry that drives it from outside: one module a part, named as in `src`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "a test stops at once, and its cases are tables"
)]

mod account;
mod apply;
mod args;
mod attributes;
mod cli;
mod config;
mod countries;
mod dry;
mod edges;
mod edit;
mod engines;
mod export;
mod files;
mod foreseen;
mod guards;
mod http;
mod init;
mod jobs;
mod json;
mod left_blank;
mod mapping;
mod memory;
mod migrate;
mod names;
mod on_finish;
mod only_changed;
mod own_files;
mod own_runs;
mod phone;
mod phones;
mod plans;
mod platforms;
mod readme;
mod receipt;
mod report;
mod repository;
mod requests;
mod resumed;
mod rows;
mod runs;
mod sandbox;
mod schedule;
mod schema;
mod scratch;
mod secrets;
mod settle;
mod shared;
mod simulation;
mod skip;
mod store;
mod stored_plan;
mod suggest;
mod support;
mod survive;
mod templates;
mod tenants;
mod tidy;
mod undo;
mod verify;
mod whole_value;
mod worker;
