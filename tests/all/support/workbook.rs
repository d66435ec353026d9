//! Workbooks for tests, made of the XML of their parts.

use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The styles of [`Workbook`], by number: general, date, date with time, ten digits, text, time, a custom date, a
/// duration, digits behind a plus.
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\.mm\.yyyy"/>
    <numFmt numFmtId="165" formatCode="[h]:mm:ss"/><numFmt numFmtId="166" formatCode="0000000000"/>
    <numFmt numFmtId="167" formatCode="&quot;+&quot;0"/></numFmts>
    <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>
    <xf numFmtId="166"/><xf numFmtId="49"/><xf numFmtId="20"/><xf numFmtId="164"/><xf numFmtId="165"/>
    <xf numFmtId="167"/></cellXfs></styleSheet>"#;

/// A workbook whose sheets are given as the XML of their rows.
#[derive(Clone, Debug, Default)]
pub struct Workbook {
    /// The name of each sheet, its state (blank: visible), and the XML within `sheetData`.
    pub sheets: Vec<(String, &'static str, String)>,
    /// The XML within `sst`.
    pub strings: String,
    /// What stands behind the rows of every sheet.
    pub behind: String,
    pub is_1904: bool,
}

impl Workbook {
    /// A workbook with one sheet of these rows.
    pub fn of(rows: &str) -> Workbook {
        Workbook::default().sheet("Sheet1", "", rows)
    }

    /// The same with another sheet.
    pub fn sheet(mut self, name: &str, state: &'static str, rows: &str) -> Workbook {
        self.sheets.push((name.to_owned(), state, rows.to_owned()));
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut parts = vec![
            ("_rels/.rels".to_owned(), relations(&[("rId1", "officeDocument", "xl/workbook.xml")])),
            ("xl/styles.xml".to_owned(), STYLES.to_owned()),
            ("xl/sharedStrings.xml".to_owned(), format!("<sst xmlns=\"{MAIN}\">{}</sst>", self.strings)),
        ];
        let (mut sheets, mut related) = (String::new(), Vec::new());
        for (at, (name, state, rows)) in self.sheets.iter().enumerate() {
            let state = if state.is_empty() { String::new() } else { format!(" state=\"{state}\"") };
            sheets += &format!("<sheet name=\"{name}\" sheetId=\"{}\"{state} r:id=\"s{at}\"/>", at + 1);
            related.push((format!("s{at}"), "worksheet", format!("worksheets/sheet{at}.xml")));
            let behind = &self.behind;
            let xml = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData>{behind}</worksheet>");
            parts.push((format!("xl/worksheets/sheet{at}.xml"), xml));
        }
        related.push(("st".to_owned(), "styles", "styles.xml".to_owned()));
        related.push(("ss".to_owned(), "sharedStrings", "/xl/sharedStrings.xml".to_owned()));
        let related: Vec<_> = related.iter().map(|(id, kind, target)| (id.as_str(), *kind, target.as_str())).collect();
        parts.push(("xl/_rels/workbook.xml.rels".to_owned(), relations(&related)));
        let date = if self.is_1904 { "<workbookPr date1904=\"1\"/>" } else { "<workbookPr/>" };
        let xml = format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\">{date}<sheets>{sheets}</sheets></workbook>");
        parts.push(("xl/workbook.xml".to_owned(), xml));
        zipped(&parts)
    }
}

fn relations(all: &[(&str, &str, &str)]) -> String {
    let relation = |(id, kind, target): &(&str, &str, &str)| {
        format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
    };
    format!("<Relationships>{}</Relationships>", all.iter().map(relation).collect::<String>())
}

/// An archive with these entries.
pub fn zipped(parts: &[(String, String)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Rows of texts as XML.
pub fn texts(rows: &[&[&str]]) -> String {
    let cell = |text: &&str| match *text {
        "" => "<c/>".to_owned(),
        text => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            format!("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>")
        }
    };
    rows.iter().map(|row| format!("<row>{}</row>", row.iter().map(cell).collect::<String>())).collect()
}
