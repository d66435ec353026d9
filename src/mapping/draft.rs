//! A draft: a record after its mapping was applied. Its values are still in the record where nothing had to be changed in
//! them; [`Draft::to_wanted`] makes them owned, for contacts that outlive their record.

use crate::contact::{
    Attribute, Contact, ContactView, FIELDS, Field, FieldSet, LIST_COUNT, LeftBlank, Overwrite, TEXT_COUNT, TagMode,
    Wanted,
};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// A contact whose values are borrowed from its record where they are unchanged, with what each may overwrite.
#[derive(Clone, Debug, Default)]
pub struct Draft<'b> {
    /// The values.
    pub contact: DraftContact<'b>,
    /// What they may overwrite, and what was left out.
    pub marks: Marks,
}

/// What the values of a draft may overwrite, and what was left out; see the fields of [`Wanted`].
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Marks {
    pub fill: FieldSet,
    pub defaults: FieldSet,
    pub clear: FieldSet,
    pub force: FieldSet,
    pub attribute_overwrite: Vec<(Arc<str>, Overwrite)>,
    pub default_attributes: Vec<Arc<str>>,
    pub tag_mode: TagMode,
    pub left_blank: Vec<LeftBlank>,
    pub not_carried: Vec<String>,
}

impl Marks {
    /// Names a value that the mapping could not put into the contact, once.
    pub(super) fn left_out(&mut self, name: String) {
        if !self.not_carried.contains(&name) {
            self.not_carried.push(name);
        }
    }
}

/// The values of a draft. They are kept as those of a [`Contact`].
#[derive(Clone, Debug, Default)]
pub struct DraftContact<'b> {
    texts: [Option<Cow<'b, str>>; TEXT_COUNT],
    lists: [Vec<Cow<'b, str>>; LIST_COUNT],
    /// Custom fields in the order met; no name twice.
    pub(super) attributes: Vec<DraftAttribute<'b>>,
    /// What else the source platform sent.
    pub(super) native: Option<Box<Map<String, Value>>>,
}

/// A custom field of a draft.
#[derive(Clone, Debug)]
pub(super) struct DraftAttribute<'b> {
    pub name: Cow<'b, Arc<str>>,
    pub value: Cow<'b, str>,
}

impl<'b> Draft<'b> {
    /// The draft of a contact that is carried as it is.
    pub(super) fn of(contact: Contact) -> Draft<'static> {
        Draft { contact: DraftContact::of(contact), marks: Marks::default() }
    }

    /// The contact with values of its own.
    pub fn to_wanted(self) -> Wanted {
        let Marks { fill, defaults, clear, force, tag_mode, left_blank, not_carried, .. } = self.marks;
        Wanted {
            contact: self.contact.into_contact(),
            fill,
            defaults,
            clear,
            force,
            attribute_overwrite: self.marks.attribute_overwrite,
            default_attributes: self.marks.default_attributes,
            tag_mode,
            made_name: None,
            left_blank,
            not_carried,
        }
    }

    /// Sets a text of the record, which updates what the target has.
    pub(super) fn set_unmarked(&mut self, field: Field, text: Cow<'b, str>) {
        self.contact.set_text(field, text);
        self.unmark(field);
    }

    /// The value of the field is the record's, and updates what the target has.
    pub(super) fn unmark(&mut self, field: Field) {
        self.marks.clear.remove(field);
        self.marks.fill.remove(field);
        self.marks.defaults.remove(field);
    }
}

impl<'b> DraftContact<'b> {
    fn of(mut contact: Contact) -> DraftContact<'static> {
        let native = Some(std::mem::take(&mut contact.native)).filter(|native| !native.is_empty());
        let mut draft = DraftContact { native: native.map(Box::new), ..DraftContact::default() };
        for (field, _) in FIELDS {
            if field.is_list() {
                let items = std::mem::take(contact.list_mut(field));
                draft.set_list(field, items.into_iter().map(Cow::Owned).collect());
            } else if let Some(text) = contact.text(field) {
                draft.set_text(field, Cow::Owned(text.to_owned()));
            }
        }
        let attributes = contact.attributes.into_iter();
        draft.attributes = attributes
            .map(|Attribute { name, value }| DraftAttribute { name: Cow::Owned(name), value: Cow::Owned(value) })
            .collect();
        draft
    }

    fn into_contact(self) -> Contact {
        let mut contact = Contact::default();
        contact.native = self.native.map(|native| *native).unwrap_or_default();
        let (mut texts, mut lists) = (self.texts, self.lists);
        for (field, _) in FIELDS {
            if let Some(text) = texts.get_mut(field as usize).and_then(Option::take) {
                contact.set_text(field, text);
            }
            if let Some(items) = (field as usize).checked_sub(TEXT_COUNT).and_then(|index| lists.get_mut(index)) {
                *contact.list_mut(field) = std::mem::take(items).into_iter().map(Cow::into_owned).collect();
            }
        }
        let attributes = self.attributes.into_iter();
        contact.attributes = attributes
            .map(|DraftAttribute { name, value }| Attribute { name: name.into_owned(), value: value.into_owned() })
            .collect();
        contact
    }

    /// Whether the field has a value.
    pub fn has(&self, field: Field) -> bool {
        if field.is_list() { !self.list(field).is_empty() } else { self.text(field).is_some() }
    }

    /// The items of a list field; empty for texts.
    pub(super) fn list(&self, field: Field) -> &[Cow<'b, str>] {
        (field as usize).checked_sub(TEXT_COUNT).and_then(|index| self.lists.get(index)).map_or(&[], |list| list)
    }

    /// The items of a list field, to be changed; `None` for texts.
    pub(super) fn list_mut(&mut self, field: Field) -> Option<&mut Vec<Cow<'b, str>>> {
        (field as usize).checked_sub(TEXT_COUNT).and_then(|index| self.lists.get_mut(index))
    }

    fn set_list(&mut self, field: Field, items: Vec<Cow<'b, str>>) {
        if let Some(list) = self.list_mut(field) {
            *list = items;
        }
    }

    /// Sets a text. A blank one removes the field; on a list field it does nothing.
    pub(super) fn set_text(&mut self, field: Field, value: Cow<'b, str>) {
        if let Some(slot) = self.texts.get_mut(field as usize) {
            *slot = (!value.is_empty()).then_some(value);
        }
    }

    /// Removes a field, text or list.
    pub fn remove(&mut self, field: Field) {
        if let Some(slot) = self.texts.get_mut(field as usize) {
            *slot = None;
        }
        self.set_list(field, Vec::new());
    }

    /// The value of a custom field.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| &**attribute.name == name).map(|attribute| &*attribute.value)
    }

    /// Sets a custom field, in its place when it is there already.
    pub(super) fn set_attribute(&mut self, name: impl Into<Arc<str>>, value: Cow<'b, str>) {
        let name: Arc<str> = name.into();
        match self.attributes.iter_mut().find(|attribute| *attribute.name == name) {
            Some(attribute) => attribute.value = value,
            None => self.attributes.push(DraftAttribute { name: Cow::Owned(name), value }),
        }
    }
}

impl ContactView for DraftContact<'_> {
    fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(field as usize)?.as_deref()
    }

    fn item(&self, field: Field, index: usize) -> Option<&str> {
        self.list(field).get(index).map(|item| &**item)
    }

    fn attribute_at(&self, index: usize) -> Option<(&str, &str)> {
        self.attributes.get(index).map(|attribute| (&**attribute.name, &*attribute.value))
    }

    fn native(&self) -> Option<&Map<String, Value>> {
        self.native.as_deref().filter(|native| !native.is_empty())
    }
}

/// A value that another one hides: `column` is where it was read, `name` what it would have been.
pub(super) struct Hidden<'a> {
    pub line: u64,
    pub column: &'a str,
    pub name: String,
    pub value: String,
}

impl Hidden<'_> {
    /// Names it among what is not carried, and lists its value.
    pub fn list(self, draft: &mut Draft<'_>) {
        draft.marks.left_out(self.name);
        draft.marks.left_blank.push(LeftBlank {
            line: self.line,
            column: Some(self.column.to_owned()),
            code: "value.hidden".into(),
            value: self.value,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{BindOptions, Drafted, Mapping};
    use crate::record::{Fields, Header, Origin, Record, Row};
    use std::path::Path;

    #[test]
    fn a_draft_borrows_its_values_and_is_the_contact_that_it_becomes() {
        let page = "contact: { first_name: Name, phone: Phone, tags: { from: Tags, split: \";\" }, attributes: { Plan: Plan } }";
        let Ok(mapping) = Mapping::parse(page, Path::new("m.yaml")) else { panic!("the mapping is sound") };
        let names = ["Name", "Phone", "Tags", "Plan"];
        let header = Header::Columns(names.map(str::to_owned).to_vec());
        let Ok(program) = mapping.bind(&header, &BindOptions::default()) else { panic!("the columns are there") };
        let fields = Fields::Row(Row::from_cells([" Ana ", "+593987654321", "vip;new", "gold"]));
        let record = Record { origin: Origin::default(), fields, raw: Box::default() };
        let Drafted::Contact(draft) = program.draft(&record) else { panic!("it is a contact") };
        let is_borrowed = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        assert!(draft.contact.texts.iter().flatten().all(is_borrowed));
        assert!(draft.contact.list(Field::Tags).iter().all(is_borrowed));
        assert!(draft.contact.attributes.iter().all(|attribute| is_borrowed(&attribute.value)));
        let (mut drafted, mut owned) = (Vec::new(), Vec::new());
        (&draft.contact as &dyn ContactView).write_json(&mut drafted);
        let wanted = draft.to_wanted();
        wanted.contact.write_json(&mut owned);
        assert_eq!(String::from_utf8_lossy(&drafted), String::from_utf8_lossy(&owned));
        assert_eq!(Draft::of(wanted.contact.clone()).to_wanted().contact, wanted.contact);
    }
}
