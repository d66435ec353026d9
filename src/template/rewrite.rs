//! Rewrites a parsed template so that every value in it is measured on its way (see [`super::measure`]), and refuses
//! what templates do not need. It renders nothing.
//!
//! `a ~ b` becomes a call of a function, the operands of `+`, of comparisons and of slices pass through a filter, and those
//! of `*` have to be numbers. The compiler finds no constants to fold in the result.

use super::measure::{MADE, NUMBER, SEEN, TEXT};
use minijinja::machinery::ast::{
    BinOp, BinOpKind, Call, CallArg, CompareOpKind, Expr, IfCond, Spanned, Stmt, UnaryOpKind,
};
use minijinja::machinery::{Span, parse, parse_expr};
use minijinja::syntax::SyntaxConfig;
use std::ops::Range;

/// How tightly an expression binds: what stands where a tighter one is due gets brackets.
const CONDITIONAL: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARED: u8 = 4;
const PRODUCT: u8 = 7;
const POWER: u8 = 8;
const FILTERED: u8 = 9;
const POSTFIX: u8 = 10;
const PRIMARY: u8 = 11;

/// Why a template is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not a template.
    Syntax(minijinja::Error),
    /// It uses what is not offered.
    NotOffered { what: String, help: String, at: Range<usize> },
}

/// A template, measured.
pub(super) fn template(source: &str) -> Result<String, Refusal> {
    let parsed = parse(source, "template", SyntaxConfig::default()).map_err(Refusal::Syntax)?;
    let mut writer = Writer { source, out: String::with_capacity(source.len() * 2) };
    writer.statement(&parsed)?;
    Ok(writer.out)
}

/// An expression, measured.
pub(super) fn expression(source: &str) -> Result<String, Refusal> {
    let parsed = parse_expr(source).map_err(Refusal::Syntax)?;
    let mut writer = Writer { source, out: String::with_capacity(source.len() * 2) };
    writer.expression(&parsed, CONDITIONAL)?;
    Ok(writer.out)
}

struct Writer<'s> {
    source: &'s str,
    out: String,
}

fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

fn refused<T>(what: &str, help: &str, span: Span) -> Result<T, Refusal> {
    let what = format!("a template cannot use {what}");
    Err(Refusal::NotOffered { what, help: help.to_owned(), at: range(span) })
}

const STATEMENTS: &str = "use `if`, `for`, `set` or `with`";

impl<'s> Writer<'s> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn statements(&mut self, statements: &[Stmt<'s>]) -> Result<(), Refusal> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'s>) -> Result<(), Refusal> {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitExpr(emit) => {
                self.put("{{ ");
                self.expression(&emit.expr, CONDITIONAL)?;
                self.put(" }}");
                Ok(())
            }
            Stmt::EmitRaw(raw) => {
                self.literal_text(raw.raw);
                Ok(())
            }
            Stmt::ForLoop(each) => {
                if each.recursive {
                    return refused("`recursive`", STATEMENTS, each.span());
                }
                self.put("{% for ");
                self.target(&each.target)?;
                self.put(" in ");
                self.expression(&each.iter, OR)?;
                if let Some(filter) = &each.filter_expr {
                    self.put(" if ");
                    self.expression(filter, CONDITIONAL)?;
                }
                self.put(" %}");
                self.statements(&each.body)?;
                if !each.else_body.is_empty() {
                    self.put("{% else %}");
                    self.statements(&each.else_body)?;
                }
                self.put("{% endfor %}");
                Ok(())
            }
            Stmt::IfCond(condition) => self.condition(condition),
            Stmt::WithBlock(with) => {
                self.put("{% with ");
                for (index, (target, value)) in with.assignments.iter().enumerate() {
                    self.put(if index > 0 { ", " } else { "" });
                    self.target(target)?;
                    self.put(" = ");
                    self.expression(value, CONDITIONAL)?;
                }
                self.put(" %}");
                self.statements(&with.body)?;
                self.put("{% endwith %}");
                Ok(())
            }
            Stmt::Set(set) => {
                self.put("{% set ");
                self.target(&set.target)?;
                self.put(" = ");
                self.expression(&set.expr, CONDITIONAL)?;
                self.put(" %}");
                Ok(())
            }
            Stmt::SetBlock(set) => {
                if set.filter.is_some() {
                    return refused("a filter on `set`", "put the filter where the variable is used", set.span());
                }
                self.put("{% set ");
                self.target(&set.target)?;
                self.put(" %}");
                self.statements(&set.body)?;
                self.put("{% endset %}");
                Ok(())
            }
            Stmt::AutoEscape(block) => refused("`autoescape`", STATEMENTS, block.span()),
            Stmt::FilterBlock(block) => refused("`filter` as a block", "put `| upper` behind a value", block.span()),
            Stmt::Do(block) => refused("`do`", STATEMENTS, block.span()),
        }
    }

    /// The branches of an `if`, as they were written: a chain of `elif` is no nesting.
    fn condition(&mut self, condition: &IfCond<'s>) -> Result<(), Refusal> {
        let (mut branch, mut word) = (condition, "if");
        loop {
            self.put("{% ");
            self.put(word);
            self.put(" ");
            self.expression(&branch.expr, OR)?;
            self.put(" %}");
            self.statements(&branch.true_body)?;
            match branch.false_body.as_slice() {
                [] => break,
                [Stmt::IfCond(next)] => (branch, word) = (next, "elif"),
                other => {
                    self.put("{% else %}");
                    self.statements(other)?;
                    break;
                }
            }
        }
        self.put("{% endif %}");
        Ok(())
    }

    /// Text beside the braces; measured, because a loop can repeat it and a `set` can capture it.
    fn literal_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.put("{{ \"");
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                self.out.push('\\');
            }
            self.out.push(c);
        }
        self.put("\" | ");
        self.put(MADE);
        self.put(" }}");
    }

    /// What a value is assigned to.
    fn target(&mut self, target: &Expr<'s>) -> Result<(), Refusal> {
        match target {
            Expr::Var(variable) => self.put(variable.id),
            Expr::List(list) => {
                self.put("(");
                for item in &list.items {
                    self.target(item)?;
                    self.put(", ");
                }
                self.put(")");
            }
            other => return refused("`set` for a part of a value", "set a variable of its own", other.span()),
        }
        Ok(())
    }

    /// An expression, in brackets if it binds less tightly than `level`.
    fn expression(&mut self, expression: &Expr<'s>, level: u8) -> Result<(), Refusal> {
        let needs_brackets = binding(expression) < level;
        self.put(if needs_brackets { "(" } else { "" });
        self.bare(expression)?;
        self.put(if needs_brackets { ")" } else { "" });
        Ok(())
    }

    /// An operand that passes through a filter; constants do not need to.
    fn through(&mut self, filter: &str, expression: &Expr<'s>) -> Result<(), Refusal> {
        self.expression(expression, FILTERED)?;
        self.put("|");
        self.put(filter);
        Ok(())
    }

    fn bare(&mut self, expression: &Expr<'s>) -> Result<(), Refusal> {
        match expression {
            Expr::Var(variable) => self.put(variable.id),
            Expr::Const(constant) => {
                let written = self.source.get(range(constant.span())).unwrap_or_default();
                self.put(written);
            }
            Expr::Slice(slice) => {
                self.put("(");
                self.through(SEEN, &slice.expr)?;
                self.put(")[");
                for (index, part) in [&slice.start, &slice.stop, &slice.step].into_iter().enumerate() {
                    self.put(if index > 0 { ":" } else { "" });
                    if let Some(part) = part {
                        self.expression(part, CONDITIONAL)?;
                    }
                }
                self.put("]");
            }
            Expr::UnaryOp(unary) => match unary.op {
                UnaryOpKind::Not => {
                    self.put("not ");
                    self.expression(&unary.expr, NOT)?;
                }
                UnaryOpKind::Neg => {
                    self.put("-");
                    self.expression(&unary.expr, POSTFIX)?;
                }
            },
            Expr::BinOp(operation) => self.operation(operation)?,
            Expr::Compare(compare) => {
                self.through(SEEN, &compare.expr)?;
                for one in &compare.ops {
                    self.put(comparison(one.op));
                    self.through(SEEN, &one.expr)?;
                }
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.true_expr, OR)?;
                self.put(" if ");
                self.expression(&choice.test_expr, OR)?;
                if let Some(other) = &choice.false_expr {
                    self.put(" else ");
                    self.expression(other, CONDITIONAL)?;
                }
            }
            Expr::Filter(filter) => {
                let Some(value) = &filter.expr else { return refused("a filter alone", STATEMENTS, filter.span()) };
                self.expression(value, FILTERED)?;
                self.put("|");
                self.put(filter.name);
                self.arguments(&filter.args, filter.span())?;
            }
            Expr::Test(test) => {
                self.expression(&test.expr, FILTERED)?;
                self.put(" is ");
                self.put(test.name);
                self.arguments(&test.args, test.span())?;
            }
            Expr::GetAttr(attribute) => {
                let level = if matches!(attribute.expr, Expr::Const(_)) { PRIMARY + 1 } else { POSTFIX };
                self.expression(&attribute.expr, level)?;
                self.put(".");
                self.put(attribute.name);
            }
            Expr::GetItem(item) => {
                self.expression(&item.expr, POSTFIX)?;
                self.put("[");
                self.key(&item.subscript_expr)?;
                self.put("]");
            }
            Expr::Call(call) => self.call(call)?,
            Expr::List(list) => {
                self.put("[");
                self.items(&list.items)?;
                self.put("]");
            }
            Expr::Tuple(tuple) => {
                self.put("(");
                self.items(&tuple.items)?;
                self.put(")");
            }
            Expr::Map(map) => {
                self.put("{");
                for (key, value) in map.keys.iter().zip(&map.values) {
                    self.key(key)?;
                    self.put(": ");
                    self.expression(value, CONDITIONAL)?;
                    self.put(", ");
                }
                self.put("}");
            }
        }
        Ok(())
    }

    fn items(&mut self, items: &[Expr<'s>]) -> Result<(), Refusal> {
        items.iter().try_for_each(|item| {
            self.expression(item, CONDITIONAL)?;
            self.put(", ");
            Ok(())
        })
    }

    /// A key is compared with others.
    fn key(&mut self, key: &Expr<'s>) -> Result<(), Refusal> {
        if matches!(key, Expr::Const(_)) { self.expression(key, CONDITIONAL) } else { self.through(SEEN, key) }
    }

    /// An operation with the operations of the same kind on its left side, which are no nesting.
    fn operation(&mut self, operation: &Spanned<BinOp<'s>>) -> Result<(), Refusal> {
        let binds = level(operation.op);
        let (mut operands, mut left) = (vec![(operation.op, &operation.right)], &operation.left);
        while let Expr::BinOp(inner) = left
            && level(inner.op) == binds
            && binds != COMPARED
        {
            operands.push((inner.op, &inner.right));
            left = &inner.left;
        }
        let rest = operands.iter().rev();
        match operation.op {
            BinOpKind::Concat => {
                self.put(TEXT);
                self.put("(");
                self.expression(left, CONDITIONAL)?;
                for (_, operand) in rest {
                    self.put(", ");
                    self.expression(operand, CONDITIONAL)?;
                }
                self.put(")");
            }
            BinOpKind::Add | BinOpKind::Sub => {
                self.put("(");
                self.chain(left, rest, |writer, operand| writer.through(SEEN, operand))?;
                self.put(")|");
                self.put(MADE);
            }
            BinOpKind::ScAnd | BinOpKind::ScOr => {
                self.chain(left, rest, |writer, operand| writer.expression(operand, binds + 1))?;
            }
            _ if binds == COMPARED => self.chain(left, rest, |writer, operand| writer.through(SEEN, operand))?,
            _ => self.chain(left, rest, |writer, operand| writer.through(NUMBER, operand))?,
        }
        Ok(())
    }

    fn chain<'e>(
        &mut self,
        first: &'e Expr<'s>,
        rest: impl Iterator<Item = &'e (BinOpKind, &'e Expr<'s>)>,
        operand: impl Fn(&mut Writer<'s>, &Expr<'s>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal>
    where
        's: 'e,
    {
        operand(self, first)?;
        for (sign, other) in rest {
            self.put(written(*sign));
            operand(self, other)?;
        }
        Ok(())
    }

    fn call(&mut self, call: &Spanned<Call<'s>>) -> Result<(), Refusal> {
        match &call.expr {
            Expr::Var(function) if matches!(function.id, "range" | "dict") => self.put(function.id),
            Expr::GetAttr(method) if is_loop(&method.expr) && matches!(method.name, "cycle" | "changed") => {
                self.put("loop.");
                self.put(method.name);
            }
            Expr::Var(function) => {
                let what = format!("the function `{}`", function.id);
                return refused(&what, "use a filter, such as `| upper`; `range` is a function", function.span());
            }
            other => return refused("methods", "use a filter, such as `| upper`", other.span()),
        }
        self.put("(");
        self.arguments_within(&call.args, call.span())?;
        self.put(")");
        Ok(())
    }

    fn arguments(&mut self, args: &[CallArg<'s>], span: Span) -> Result<(), Refusal> {
        if args.is_empty() {
            return Ok(());
        }
        self.put("(");
        self.arguments_within(args, span)?;
        self.put(")");
        Ok(())
    }

    fn arguments_within(&mut self, args: &[CallArg<'s>], span: Span) -> Result<(), Refusal> {
        for (index, arg) in args.iter().enumerate() {
            self.put(if index > 0 { ", " } else { "" });
            match arg {
                CallArg::Pos(value) => self.through(SEEN, value)?,
                CallArg::Kwarg(name, value) => {
                    self.put(name);
                    self.put("=");
                    self.through(SEEN, value)?;
                }
                CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                    return refused("`*` before an argument", "write each argument", span);
                }
            }
        }
        Ok(())
    }
}

fn is_loop(expression: &Expr<'_>) -> bool {
    matches!(expression, Expr::Var(variable) if variable.id == "loop")
}

/// How tightly an expression binds, as it is written here.
fn binding(expression: &Expr<'_>) -> u8 {
    match expression {
        Expr::IfExpr(_) => CONDITIONAL,
        Expr::UnaryOp(unary) => match unary.op {
            UnaryOpKind::Not => NOT,
            UnaryOpKind::Neg => FILTERED,
        },
        Expr::BinOp(operation) => match operation.op {
            BinOpKind::Concat => PRIMARY,
            BinOpKind::Add | BinOpKind::Sub => FILTERED,
            other => level(other),
        },
        Expr::Compare(_) => COMPARED,
        Expr::Filter(_) | Expr::Test(_) => FILTERED,
        Expr::Slice(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Call(_) => POSTFIX,
        Expr::Var(_) | Expr::Const(_) | Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => PRIMARY,
    }
}

/// How tightly an operation binds in a template.
fn level(operation: BinOpKind) -> u8 {
    match operation {
        BinOpKind::ScOr => OR,
        BinOpKind::ScAnd => AND,
        BinOpKind::Eq
        | BinOpKind::Ne
        | BinOpKind::Lt
        | BinOpKind::Lte
        | BinOpKind::Gt
        | BinOpKind::Gte
        | BinOpKind::In => COMPARED,
        BinOpKind::Add | BinOpKind::Sub => COMPARED + 1,
        BinOpKind::Concat => COMPARED + 2,
        BinOpKind::Mul | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem => PRODUCT,
        BinOpKind::Pow => POWER,
    }
}

fn written(operation: BinOpKind) -> &'static str {
    match operation {
        BinOpKind::Eq => " == ",
        BinOpKind::Ne => " != ",
        BinOpKind::Lt => " < ",
        BinOpKind::Lte => " <= ",
        BinOpKind::Gt => " > ",
        BinOpKind::Gte => " >= ",
        BinOpKind::In => " in ",
        BinOpKind::ScAnd => " and ",
        BinOpKind::ScOr => " or ",
        BinOpKind::Add => " + ",
        BinOpKind::Sub => " - ",
        BinOpKind::Mul => " * ",
        BinOpKind::Div => " / ",
        BinOpKind::FloorDiv => " // ",
        BinOpKind::Rem => " % ",
        BinOpKind::Pow => " ** ",
        BinOpKind::Concat => " ~ ",
    }
}

fn comparison(operation: CompareOpKind) -> &'static str {
    match operation {
        CompareOpKind::Eq => " == ",
        CompareOpKind::Ne => " != ",
        CompareOpKind::Lt => " < ",
        CompareOpKind::Lte => " <= ",
        CompareOpKind::Gt => " > ",
        CompareOpKind::Gte => " >= ",
        CompareOpKind::In => " in ",
        CompareOpKind::NotIn => " not in ",
    }
}
