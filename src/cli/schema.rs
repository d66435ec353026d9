//! `ferry schema`: the JSON Schemas of the files that users write. Where such a schema lies for an editor is decided in
//! `beside`.

use super::args::{Schema, SchemaOf};
use super::context::Context;
use super::run::command_words;
use crate::files::write_whole;
use crate::outcome::{Exit, Failure};
use crate::platforms::Registry;
use crate::run::active::folder::make_private;
use crate::{mapping, plan};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(super) fn run(typed: &Schema, context: &Context) -> Result<Exit, Failure> {
    context.console.result_line(text_of(typed.of, &context.platforms)?.trim_end());
    Ok(Exit::Done)
}

fn text_of(of: SchemaOf, platforms: &Registry) -> Result<String, Failure> {
    let schema: Value = match of {
        SchemaOf::Mapping => mapping::schema::schema(),
        SchemaOf::Config => plan::schema::schema(platforms, &command_words()),
    };
    let text = serde_json::to_string_pretty(&schema);
    text.map(|text| text + "\n").map_err(|error| Failure::failed("the schema cannot be printed").cause(error))
}

/// The name of a schema's file in the state folder.
fn name_of(of: SchemaOf) -> &'static str {
    match of {
        SchemaOf::Mapping => "mapping.schema.json",
        SchemaOf::Config => "ferry.schema.json",
    }
}

/// The first line of a file that an editor checks, and the schema that it names, written to the state folder. `file`: where
/// the file will stand.
///
/// # Errors
/// Exit 1 when the schema cannot be written.
pub(super) fn line_for(of: SchemaOf, file: &Path, context: &Context) -> Result<String, Failure> {
    let path = context.state.join(name_of(of));
    let text = text_of(of, &context.platforms)?;
    if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
        make_private(&context.state)?;
        write_whole(&path, text.as_bytes())
            .map_err(|error| Failure::failed(format!("`{}` cannot be written", path.display())).cause(error))?;
    }
    Ok(format!("# yaml-language-server: $schema={}", from_folder_of(file, &path)))
}

/// A path as seen from the folder of a file: relative where it lies below, whole elsewhere.
fn from_folder_of(file: &Path, path: &Path) -> String {
    let whole = |path: &Path| -> PathBuf {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.canonicalize().unwrap_or(path)
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (folder, path) = (whole(folder), whole(path));
    path.strip_prefix(&folder).unwrap_or(&path).display().to_string()
}
