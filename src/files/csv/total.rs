//! Whether a row of a table is a total: by its words, or because a cell is the sum of its column. Pure.

use super::kind::{Kind, amount_of};
use super::look::{Framing, Looked, cells, framings};
use super::options::CsvOptions;

/// How a total is called, in lower case; what may stand around it is in [`BESIDE`].
const TOTAL_WORDS: [&str; 21] = [
    "total",
    "totals",
    "totales",
    "totais",
    "totale",
    "totali",
    "totaux",
    "subtotal",
    "subtotales",
    "sum",
    "suma",
    "sumas",
    "soma",
    "somme",
    "somma",
    "summe",
    "gesamt",
    "gesamtsumme",
    "insgesamt",
    "итого",
    "всего",
];

/// Words beside one of those that leave it a total.
const BESIDE: [&str; 38] = [
    "grand",
    "general",
    "gran",
    "geral",
    "général",
    "generale",
    "complessivo",
    "overall",
    "de",
    "del",
    "dos",
    "des",
    "di",
    "der",
    "of",
    "von",
    "по",
    "count",
    "contacts",
    "contactos",
    "contatos",
    "contatti",
    "kontakte",
    "контактов",
    "records",
    "registros",
    "registri",
    "rows",
    "filas",
    "linhas",
    "clientes",
    "clients",
    "clienti",
    "kunden",
    "customers",
    "записей",
    "строк",
    "сумма",
];

/// The letters that a total begins with.
const FIRST_LETTERS: &str = "tsgiивсTSGIИВС";

/// How many letters of a cell are compared with those words, and how many bytes have them for sure.
const LETTERS_COMPARED: usize = 3;
const BYTES_COMPARED: usize = 16;

/// Whether a row is worth asking [`is_total`]: cheap, for every row.
pub(super) fn may_be_total(first_filled: &str) -> bool {
    first_filled.trim_start().chars().next().is_some_and(|c| FIRST_LETTERS.contains(c))
}

/// Whether a row whose first filled cell begins with these bytes may be a total: cheaper, for every row that is not split.
pub(super) fn may_begin_total(cell: &[u8]) -> bool {
    // The bytes that those letters begin with.
    if !matches!(cell.first(), Some(b't' | b's' | b'g' | b'i' | b'T' | b'S' | b'G' | b'I' | 0xD0 | 0xD1)) {
        return false;
    }
    let letters = first_chars(cell).flat_map(char::to_lowercase).take(LETTERS_COMPARED);
    let is_begun = |word: &&str| word.chars().take(LETTERS_COMPARED).eq(letters.clone());
    first_chars(cell).next().is_some_and(|c| FIRST_LETTERS.contains(c))
        && TOTAL_WORDS.iter().chain(&BESIDE).any(is_begun)
}

/// The first characters of some bytes, as far as they are text.
pub(super) fn first_chars(bytes: &[u8]) -> std::str::Chars<'_> {
    let head = bytes.get(..BYTES_COMPARED).unwrap_or(bytes);
    let len = std::str::from_utf8(head).map_or_else(|error| error.valid_up_to(), str::len);
    head.get(..len).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or_default().chars()
}

/// Whether the cells of a row are those of a total: its first word is one, and it holds no phone, e-mail or date.
pub(super) fn is_total<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> bool {
    let mut filled = cells.clone().filter(|cell| !cell.trim().is_empty());
    filled.next().is_some_and(is_total_text) && !cells.into_iter().any(holds_value)
}

/// Whether a cell is what only a contact has: an e-mail address, or a phone that is no sum.
pub(super) fn is_of_contact(cell: &str) -> bool {
    Kind::of(cell) == Some(Kind::Email) || is_written_phone(cell)
}

fn holds_value(cell: &str) -> bool {
    Kind::of(cell) == Some(Kind::Date) || is_of_contact(cell)
}

/// A sum has as many digits as a phone; a phone has a `+`, a zero first, or signs between its digits.
fn is_written_phone(cell: &str) -> bool {
    let cell = cell.trim();
    Kind::of(cell) == Some(Kind::Phone) && (cell.starts_with(['+', '0', '(', '\'']) || amount_of(cell).is_none())
}

fn is_total_text(cell: &str) -> bool {
    let words = cell.to_lowercase();
    let is_letter = |c: char| c.is_alphabetic();
    let mut words = words.split(|c: char| !is_letter(c)).filter(|word| !word.is_empty()).peekable();
    let mut has_total = false;
    words.peek().is_some()
        && words.all(|word| {
            has_total |= TOTAL_WORDS.contains(&word) || word == "сумма";
            TOTAL_WORDS.contains(&word) || BESIDE.contains(&word)
        })
        && has_total
}

/// The line of the last row of a whole table (behind its header), where it holds nothing but sums of its columns.
pub(super) fn line_of_sums(data: &[u8], csv: CsvOptions, line: u64, columns: usize) -> Option<u64> {
    let delimiter = csv.delimiter;
    let rows = || framings(data, csv, true, line);
    let is_blank = |row: &Framing<'_>| row.raw.iter().all(|byte| byte.is_ascii_whitespace() || *byte == delimiter);
    let last = rows().filter(|row| !is_blank(row)).last()?;
    let sums = Looked { at: last.at, line: last.line, cells: cells(last.raw, delimiter) };
    let amounts: Vec<(usize, f64)> =
        sums.cells.iter().enumerate().filter_map(|(column, cell)| Some((column, amount_of(cell)?))).collect();
    if amounts.is_empty() || amounts.len() != sums.filled() || amounts.len() * 2 > columns {
        return None;
    }
    let mut added = vec![0.0; amounts.len()];
    let mut count = 0;
    for row in rows().filter(|row| row.at < last.at && !is_blank(row)) {
        let cells = cells(row.raw, delimiter);
        count += 1;
        for ((column, _), sum) in amounts.iter().zip(&mut added) {
            *sum += cells.get(*column).and_then(|cell| amount_of(cell)).unwrap_or_default();
        }
    }
    let is_sum = |amount: f64, sum: f64| sum != 0.0 && (amount - sum).abs() <= sum.abs() * 0.005;
    let agrees = amounts.iter().zip(&added).any(|((_, amount), sum)| is_sum(*amount, *sum));
    (count >= 2 && agrees).then_some(last.line)
}

#[cfg(test)]
mod tests {
    use super::{CsvOptions, is_total, line_of_sums};

    #[test]
    fn totals_are_told_by_their_words() {
        let cases: [(&[&str], bool); 12] = [
            (&["TOTAL", "", "9"], true),
            (&["", "Total:", "45.230,50"], true),
            (&["Grand Totals (5 records)"], true),
            (&["Total de registros: 9"], true),
            (&["Итого", "9"], true),
            (&["Gesamtsumme", "1.234,50"], true),
            (&["TOTAL", "", "12345678"], true),
            (&["Total Wine", "", ""], false),
            (&["Total", "Ruiz", "+593991234567"], false),
            (&["Total", "", "ana@example.com"], false),
            (&["Ana", "Total", "9"], false),
            (&["", "", ""], false),
        ];
        for (cells, expected) in cases {
            assert_eq!(is_total(cells.iter().copied()), expected, "{cells:?}");
        }
    }

    #[test]
    fn a_last_row_of_sums_is_told_by_its_arithmetic() {
        let cases: [(&str, Option<u64>); 6] = [
            ("Ana,1,x\nBo,2.5,y\n,3.5,\n", Some(4)),
            ("Ana,\"1.000,50\",x\nBo,\"2,5\",y\n\n,\"1.003,00\",\n,,\n", Some(5)),
            ("Ana,1,x\nBo,2.5,y\n,4.5,\n", None),
            ("Ana,1,x\nBo,2.5,y\nCy,3.5,\n", None),
            ("Ana,1,x\n,1,\n", None),
            ("", None),
        ];
        let csv = CsvOptions { delimiter: b',', raw_cells: false, is_sheet: false };
        for (text, expected) in cases {
            assert_eq!(line_of_sums(text.as_bytes(), csv, 2, 3), expected, "{text}");
        }
    }
}
