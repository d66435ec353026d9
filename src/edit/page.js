// The page of `ferry map edit`. It shows what the program says and asks for each change; it knows no rule of the mapping
// language. What comes from the file enters the page as text only.
'use strict';

const UNDO_MAX = 200;
const TYPING_MS = 350;
const COLUMNS_SHOWN_AT_ONCE = 200;

const $ = (id) => document.getElementById(id);
const state = {
  token: location.hash.slice(1), opened: null, yaml: '', saved: null, form: null, tried: null, errors: [],
  undo: [], redo: [], page: Math.floor(Math.random() * 2 ** 48), seq: 0, shown: 0, refused: null, open: new Set(), added: new Set(), last: new Map(), ended: false,
};

// ---- Elements -------------------------------------------------------------------------------------------------------

function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (name in element && name !== 'list') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

// The literals of a message stand between back-ticks.
function words(text) {
  return String(text).split('`').map((part, at) => (at % 2 ? h('code', null, part) : part));
}

// An element keeps its focus when it is made again: it is found by its key.
function keepFocus(render) {
  const active = document.activeElement;
  const key = active && active.dataset ? active.dataset.key : null;
  const range = key && typeof active.selectionStart === 'number' ? [active.selectionStart, active.selectionEnd] : null;
  const scrolls = [...document.querySelectorAll('.pane')].map((pane) => [pane, pane.scrollTop]);
  render();
  for (const [pane, top] of scrolls) pane.scrollTop = top;
  if (!key || document.activeElement.dataset.key === key) return;
  const again = [...document.querySelectorAll('[data-key]')].find((element) => element.dataset.key === key);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (range && again.setSelectionRange && again.type !== 'checkbox') again.setSelectionRange(...range);
}

function focusKey(key) {
  const found = [...document.querySelectorAll('[data-key]')].find((element) => element.dataset.key === key);
  if (found) {
    found.scrollIntoView({ block: 'nearest' });
    found.focus({ preventScroll: true });
  }
}

// ---- Requests -------------------------------------------------------------------------------------------------------

async function ask(path, body) {
  const response = await fetch(path, {
    method: 'POST', cache: 'no-store', body: JSON.stringify(body),
    headers: { 'Authorization': 'Bearer ' + state.token, 'Content-Type': 'application/json' },
  });
  if (response.status === 204) return null;
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

function failed(error) {
  if (state.ended) return;
  const gone = error instanceof TypeError;
  say(gone ? 'The command has ended, so nothing can be checked or saved. The mapping is still here: copy it from the field at the right.' : error.message, true);
}

function say(text, isBad, ...buttons) {
  const message = $('message');
  message.className = isBad ? 'bad' : '';
  message.replaceChildren(h('p', null, words(text)), ...buttons, h('button', { type: 'button', class: 'icon', 'aria-label': 'Close this message', onclick: () => { message.hidden = true; } }, '✕'));
  message.hidden = false;
}

function quiet() { $('message').hidden = true; }

// Asks for the preview of a text, after a change of the form if there is one.
async function preview(yaml, change, from) {
  const seq = ++state.seq;
  document.body.setAttribute('aria-busy', 'true');
  try {
    const got = await ask('/api/preview', { page: state.page, seq, yaml, change: change || null });
    if (!got || got.seq < state.shown) return;
    state.shown = got.seq;
    if (seq === state.seq) document.body.removeAttribute('aria-busy');
    if (got.yaml !== yaml && change) remember(yaml);
    if (seq === state.seq || change) state.yaml = got.yaml;
    state.refused = got.refused ? { message: got.refused, field: change && change.field } : null;
    if (got.form) state.form = got.form;
    state.errors = got.errors;
    if (got.tried) state.tried = got.tried;
    state.isOld = !got.tried;
    show(from);
  } catch (error) {
    document.body.removeAttribute('aria-busy');
    failed(error);
  }
}

function remember(yaml) {
  if (state.undo[state.undo.length - 1] === yaml) return;
  state.undo.push(yaml);
  if (state.undo.length > UNDO_MAX) state.undo.shift();
  state.redo = [];
}

function change(what) {
  flushTyping();
  quiet();
  return preview(state.yaml, what, 'form');
}

function step(from, to) {
  flushTyping();
  const yaml = from.pop();
  if (yaml === undefined) return;
  to.push(state.yaml);
  state.yaml = yaml;
  preview(yaml, null, 'undo');
}

// ---- The whole page -------------------------------------------------------------------------------------------------

function show(from) {
  keepFocus(() => {
    showCounts();
    showUse();
    showFields();
    showContacts();
    showText(from);
    $('undo').disabled = state.undo.length === 0;
    $('redo').disabled = state.redo.length === 0;
    $('save').disabled = state.saved === state.yaml;
    $('save').textContent = state.saved === state.yaml ? 'Saved' : 'Save';
  });
}

function count(n, one, many) { return n.toLocaleString('en') + ' ' + (n === 1 ? one : many); }

function showCounts() {
  const tried = state.tried;
  const counts = $('counts');
  if (state.isOld) {
    counts.replaceChildren(h('span', { class: 'bad' }, count(state.errors.length, 'error', 'errors') + ' in the mapping'), tried ? '; the contacts below are those before' : '');
    return;
  }
  const parts = [count(tried.records, 'record', 'records') + ': ' + tried.ready.toLocaleString('en') + ' ready'];
  if (tried.duplicates) parts.push(count(tried.duplicates, 'duplicate', 'duplicates'));
  if (tried.rejects) parts.push(tried.rejects.toLocaleString('en') + ' rejected');
  if (tried.filtered) parts.push(tried.filtered.toLocaleString('en') + ' left out by the condition');
  if (tried.suppressed) parts.push(tried.suppressed.toLocaleString('en') + ' left out by a list');
  const unreadable = tried.unreadable ? '; ' + count(tried.unreadable, 'row cannot be read', 'rows cannot be read') : '';
  counts.textContent = (tried.is_whole ? '' : 'Of the first ') + parts.join(', ') + unreadable;
}

// ---- Columns --------------------------------------------------------------------------------------------------------

let columnNodes = [];

function makeColumns() {
  const list = $('column-list');
  columnNodes = state.opened.columns.map((column) => {
    const use = h('div', { class: 'use' });
    const fill = h('div');
    fill.style.width = column.percent + '%';
    const holds = [column.kind, column.detail].filter(Boolean).join(', ');
    const node = h('li', { class: 'column' },
      h('div', { class: 'column-top' }, h('span', { class: 'column-name' }, column.name || '(no name)'), h('span', { class: 'small', title: column.filled + ' filled' }, column.percent + ' %')),
      h('div', { class: 'fill', 'aria-hidden': 'true' }, fill),
      h('div', { class: 'holds' }, words(holds)),
      column.samples.length ? h('div', { class: 'samples' }, column.samples.slice(0, 3).join(' · ')) : null,
      use);
    const search = (column.name + ' ' + column.samples.join(' ') + ' ' + holds).toLowerCase();
    return { column, node, use, search, key: null };
  });
  list.replaceChildren(...columnNodes.map((one) => one.node));
  if (!columnNodes.length) list.replaceChildren(h('li', { class: 'soft' }, 'The file has no columns.'));
}

function sameName(one, other) { return one === other || one.trim().toLowerCase() === other.trim().toLowerCase(); }

function showUse() {
  const fields = state.form ? state.form.fields : [];
  const used = new Set(state.tried && !state.isOld ? state.tried.used : []);
  for (const one of columnNodes) {
    const by = fields.filter((rule) => rule.columns.some((name) => sameName(name, one.column.name)));
    const region = state.form && regionOf(state.form.settings.phone_region).from.some((name) => sameName(name, one.column.name));
    const key = JSON.stringify([by.map((rule) => rule.field), region, used.has(one.column.name), fields.length ? addable().length : 0]);
    one.isUsed = by.length > 0 || region || used.has(one.column.name);
    if (one.key === key) continue;
    one.key = key;
    one.node.className = one.isUsed ? 'column used' : 'column';
    const parts = by.map((rule) => h('button', { type: 'button', class: 'link', onclick: () => focusRule(rule.field) }, titleOf(rule.field)));
    if (region) parts.push(h('span', { class: 'small' }, 'country of phones'));
    if (!parts.length && one.isUsed) parts.push(h('span', { class: 'small' }, 'used in a template or a condition'));
    if (parts.length) one.use.replaceChildren(h('span', { class: 'small', 'aria-hidden': 'true' }, '→'), ...parts);
    else one.use.replaceChildren(...offers(one));
  }
  filterColumns();
}

function focusRule(field) {
  const rule = document.getElementById('rule-' + field);
  if (!rule) return;
  rule.scrollIntoView({ block: 'nearest' });
  const control = rule.querySelector('select, input, button, summary');
  if (control) control.focus({ preventScroll: true });
}

// What an unused column can become.
function offers(one) {
  const column = one.column;
  const parts = [];
  if (column.perhaps && fieldOf(column.perhaps.field)) {
    const field = column.perhaps.field === 'phones' ? 'phone' : column.perhaps.field === 'emails' ? 'email' : column.perhaps.field;
    parts.push(h('button', { type: 'button', class: 'link', onclick: () => takeColumn(field, column.name), title: column.reasons.join(', ') }, 'perhaps ' + titleOf(field) + ', ' + column.perhaps.percent + ' %'));
  }
  const select = h('select', { 'aria-label': 'Use ' + column.name + ' as', 'data-key': 'use/' + column.name }, h('option', { value: '' }, 'not used: use as…'));
  const fill = () => {
    if (select.length > 1) return;
    for (const group of groups()) {
      const fields = state.opened.fields.filter((field) => field.group === group && field.is_held);
      if (fields.length) select.append(h('optgroup', { label: group }, fields.map((field) => h('option', { value: field.key }, field.title))));
    }
    if (state.opened.takes_attributes) select.append(h('optgroup', { label: 'Attribute' }, h('option', { value: 'attributes.' + attributeName(column.name) }, attributeName(column.name))));
  };
  if (columnNodes.length <= COLUMNS_SHOWN_AT_ONCE) fill();
  select.addEventListener('focus', fill);
  select.addEventListener('pointerdown', fill);
  select.addEventListener('change', () => { if (select.value) takeColumn(select.value, column.name); });
  parts.push(select);
  return parts;
}

function attributeName(column) {
  const known = (state.opened.attributes || []).find((name) => sameName(name, column));
  return known || column.trim() || 'attribute';
}

// Adds a column to those of a field.
function takeColumn(field, column) {
  const rule = ruleOf(field);
  const columns = rule && rule.take === 'columns' ? rule.columns.concat([column]) : [column];
  change({ do: 'columns', field, columns, all: Boolean(rule && rule.all) }).then(() => focusRule(field));
}

function filterColumns() {
  const text = $('filter').value.trim().toLowerCase();
  const unused = $('unused-only').checked;
  for (const one of columnNodes) one.node.hidden = Boolean((text && !one.search.includes(text)) || (unused && one.isUsed));
}

// ---- Fields ---------------------------------------------------------------------------------------------------------

function fieldOf(key) {
  return state.opened.fields.find((field) => field.key === key);
}

function ruleOf(key) {
  return state.form ? state.form.fields.find((rule) => rule.field === key) : undefined;
}

function titleOf(key) {
  const field = fieldOf(key);
  return field ? field.title : key.replace(/^attributes\./, '');
}

function groups() {
  return [...new Set(state.opened.fields.map((field) => field.group))];
}

// The fields without a rule.
function addable() {
  return state.opened.fields.filter((field) => !ruleOf(field.key) && !state.added.has(field.key));
}

function showFields() {
  if (!state.form) {
    $('field-list').replaceChildren(h('p', { class: 'soft' }, 'The mapping cannot be read. Correct it at the right.'));
    return;
  }
  const parts = [];
  for (const group of groups()) {
    const fields = state.opened.fields.filter((field) => field.group === group);
    const rules = fields.map((field) => ruleOf(field.key) || (state.added.has(field.key) ? noRule(field.key) : null)).filter(Boolean);
    if (rules.length) parts.push(h('h2', { class: 'group' }, group), ...rules.map(ruleNode));
  }
  const attributes = state.form.fields.filter((rule) => rule.field.startsWith('attributes.'));
  const unknown = state.form.fields.filter((rule) => !rule.field.startsWith('attributes.') && !fieldOf(rule.field));
  if (attributes.length || state.opened.takes_attributes) {
    parts.push(h('h2', { class: 'group' }, 'Attributes' + (state.opened.platform ? ' of ' + state.opened.platform : '')), ...attributes.map(ruleNode), addAttribute());
  }
  if (unknown.length) parts.push(h('h2', { class: 'group' }, 'Not known'), ...unknown.map(ruleNode));
  parts.push(h('h2', { class: 'group' }, 'The whole file'), settings());
  $('field-list').replaceChildren(...parts);
  showAddable();
}

function noRule(field) {
  return { field, take: 'nothing', columns: [], all: false, template: null, verbs: {}, others: [], comment: '' };
}

function showAddable() {
  const options = [h('option', { value: '' }, 'Add a field…')];
  const platform = state.opened.platform;
  const held = addable().filter((field) => field.is_held);
  for (const group of groups()) {
    const fields = held.filter((field) => field.group === group);
    if (fields.length) options.push(h('optgroup', { label: group }, fields.map((field) => h('option', { value: field.key }, field.title))));
  }
  const other = addable().filter((field) => !field.is_held);
  if (other.length) options.push(h('optgroup', { label: 'Not held by ' + platform }, other.map((field) => h('option', { value: field.key }, field.title))));
  $('add-field').replaceChildren(...options);
}

function option(value, text, chosen) { return h('option', { value, selected: value === chosen }, text); }

// A list of all columns; filled when it is opened, where there are many.
function columnSelect(chosen, props, first) {
  const names = state.opened.columns.map((column) => column.name);
  const select = h('select', props);
  const fill = () => {
    if (select.dataset.full) return;
    select.dataset.full = 'yes';
    const known = names.includes(chosen) || chosen === '';
    select.replaceChildren(...(first ? [option('', first, chosen)] : []), ...(known ? [] : [option(chosen, chosen + ' (not in the file)', chosen)]), ...names.map((name) => option(name, name || '(no name)', chosen)));
    select.value = chosen;
  };
  if (names.length <= COLUMNS_SHOWN_AT_ONCE) fill();
  else {
    select.append(option(chosen, chosen || first, chosen));
    select.addEventListener('focus', fill);
    select.addEventListener('pointerdown', fill);
  }
  return select;
}

function ruleNode(rule) {
  const field = rule.field;
  const facts = fieldOf(field);
  const title = titleOf(field);
  const isAttribute = field.startsWith('attributes.');
  const errors = state.errors.filter((error) => error.field === field);
  if (state.refused && state.refused.field === field) errors.push({ message: state.refused.message });
  const carried = isAttribute ? state.opened.takes_attributes : !facts || facts.is_held;
  const key = (part) => field + '/' + part;
  const heading = isAttribute
    ? h('input', { type: 'text', value: title, 'aria-label': 'Name of the attribute ' + title, 'data-key': key('name'), onchange: (event) => change({ do: 'rename', field, name: event.target.value }) })
    : h('h3', null, title, h('code', null, field));
  const remove = h('button', { type: 'button', class: 'icon', title: 'Take the rule off', 'aria-label': 'Take ' + title + ' off', 'data-key': key('remove'), onclick: () => { state.added.delete(field); if (ruleOf(field)) change({ do: 'remove', field }); else show('form'); } }, '✕');
  const node = h('div', { class: errors.length ? 'rule wrong' : 'rule', id: 'rule-' + field, role: 'group', 'aria-label': title }, h('div', { class: 'rule-head' }, heading, remove));
  if (!carried && state.opened.platform) node.append(h('p', { class: 'why' }, state.opened.platform + (isAttribute ? ' has no attributes: the value is not carried' : ' has no such field: the value is not carried')));
  node.append(...sources(rule, title, facts, key));
  const more = node.querySelector('.more');
  if (rule.comment) (more || node).append(h('p', { class: 'why' }, words(rule.comment)));
  const sample = sampleOf(rule);
  if (sample) node.append(sample);
  for (const error of errors) node.append(h('p', { class: 'error' }, words(error.message), error.hint ? h('span', { class: 'hint' }, words(error.hint)) : null));
  node.append(options(rule, title, facts, key));
  return node;
}

// Where a value comes from.
function sources(rule, title, facts, key) {
  const field = rule.field;
  const set = (columns, all) => change({ do: 'columns', field, columns, all });
  if (rule.take === 'template') return [h('code', { class: 'template' }, rule.template), h('p', { class: 'why' }, 'A template: change it in the mapping.')];
  if (rule.take === 'left_out') return [h('p', { class: 'why' }, 'Left out on purpose (null).')];
  if (rule.take === 'other') return [h('p', { class: 'why' }, 'Written in a way that this form does not show: change it in the mapping.')];
  const shown = rule.columns.length ? rule.columns : [''];
  const list = h('ol', { class: 'sources' }, shown.map((name, at) => {
    const select = columnSelect(name, { 'aria-label': title + ', column ' + (at + 1), 'data-key': key('column/' + at) }, name === '' ? 'choose a column…' : null);
    select.addEventListener('change', () => set(rule.columns.length ? rule.columns.map((one, place) => (place === at ? select.value : one)) : [select.value], rule.all));
    const item = h('li', null, select);
    if (rule.columns.length > 1) {
      item.append(h('button', { type: 'button', class: 'icon', disabled: at === 0, 'aria-label': 'Move ' + name + ' up', title: 'Move up', 'data-key': key('up/' + at), onclick: () => { const columns = rule.columns.slice(); columns.splice(at - 1, 2, columns[at], columns[at - 1]); set(columns, rule.all).then(() => focusKey(key('column/' + (at - 1)))); } }, '↑'));
    }
    if (rule.columns.length > 1 || (rule.columns.length && (rule.verbs.default !== undefined || rule.verbs.add !== undefined))) {
      item.append(h('button', { type: 'button', class: 'icon', 'aria-label': 'Take ' + name + ' off ' + title, title: 'Take this column off', 'data-key': key('less/' + at), onclick: () => set(rule.columns.filter((_, place) => place !== at), rule.all) }, '✕'));
    }
    return item;
  }));
  const parts = [list];
  if (rule.columns.length) {
    const more = columnSelect('', { 'aria-label': title + ', another column', 'data-key': key('another') }, facts && facts.is_list ? '+ another column…' : '+ where it is blank…');
    more.addEventListener('change', () => { if (more.value) set(rule.columns.concat([more.value]), rule.all).then(() => focusKey(key('column/' + rule.columns.length))); });
    const row = h('div', { class: 'more' }, more);
    if (rule.columns.length > 1 && facts && facts.is_list) {
      row.append(h('select', { 'aria-label': 'Which values of ' + title, 'data-key': key('all'), onchange: (event) => set(rule.columns, event.target.value === 'all') }, option('first', 'the first that is valid', rule.all ? 'all' : 'first'), option('all', 'the values of all', rule.all ? 'all' : 'first')));
    }
    parts.push(row);
  }
  return parts;
}

// One value before and after, of the first contact that has it.
function sampleOf(rule) {
  if (!state.tried || rule.take !== 'columns' || !rule.columns.length) return null;
  const single = rule.field === 'phone' ? 'phones' : rule.field === 'email' ? 'emails' : rule.field;
  for (const contact of state.tried.first) {
    const before = contact.before.filter(([name]) => rule.columns.some((column) => sameName(column, name))).map(([, value]) => value);
    const after = contact.after.find(([name]) => name === rule.field || name === single);
    if (before.length && after && before.join(' · ') !== after[1]) return h('p', { class: 'sample' }, before.join(' · ').slice(0, 120), h('span', { class: 'arrow' }, '→'), after[1].slice(0, 120));
  }
  return null;
}

const LABELS = {
  split: 'Split at', join: 'Join a list with', list: 'A cell of tags', mobile_first: 'Mobiles first', lookup: 'Replace whole values', date: 'Read as a date', number: 'Write as a number',
  bool: 'Yes and no', default: 'Where it is blank', add: 'Always add', required: 'Must not be blank', optional: 'Column may be absent', on_existing: 'At the target', mode: 'Other tags', otherwise: 'A value that does not fit',
};

// The verbs of a rule.
function options(rule, title, facts, key) {
  const field = rule.field;
  const verbs = facts ? facts.verbs : state.opened.attribute_verbs;
  const set = (verb, value) => change({ do: 'verb', field, verb, value });
  const controls = h('div', { class: 'controls' });
  const add = (verb, label, control, note) => {
    const id = 'control-' + field + '-' + verb;
    control.id = id;
    control.dataset.key = key('verb/' + verb);
    controls.append(h('label', { htmlFor: id, title: note || state.opened.verbs[verb] || '' }, label), control);
  };
  const text = (value, list) => h('input', { type: 'text', value: value === undefined ? '' : [].concat(value).join(', '), list, autocomplete: 'off' });
  const has = (verb) => rule.verbs[verb] !== undefined;
  if (verbs.includes('lower')) {
    const letters = ['lower', 'upper', 'title'].find((verb) => rule.verbs[verb] === 'true') || '';
    const select = h('select', null, option('', 'as they are', letters), option('lower', 'small', letters), option('upper', 'capital', letters), option('title', 'The First Of Each Word', letters));
    select.addEventListener('change', () => (select.value ? set(select.value, true) : set(letters, null)));
    if (letters || !['address.zip', 'phone', 'phones'].includes(field)) add('letters', 'Letters', select, 'capital and small letters');
  }
  for (const verb of verbs) {
    const value = rule.verbs[verb];
    const label = LABELS[verb];
    if (!label) continue;
    if (verb === 'lookup') { lookup(rule, controls, key, set); continue; }
    let control;
    switch (verb) {
      case 'list': case 'mobile_first': case 'number': case 'bool': case 'required': case 'optional':
        control = h('input', { type: 'checkbox', checked: value === 'true', onchange: (event) => set(verb, event.target.checked ? true : null) });
        break;
      case 'on_existing':
        control = h('select', { onchange: (event) => set(verb, event.target.value || null) }, option('', 'as the command says', value || ''), option('update', 'overwrite', value), option('fill', 'only fill a blank', value));
        break;
      case 'mode':
        control = h('select', { onchange: (event) => set(verb, event.target.value || null) }, option('', 'stay', value || ''), option('replace', 'are taken off', value), option('remove', 'stay; these are taken off', value));
        break;
      case 'otherwise': {
        const checked = ['phone', 'phones', 'email', 'emails'].includes(field);
        if (!checked && !has('date') && !has('lookup') && !has('otherwise')) continue;
        const known = ['', 'keep', 'blank', 'reject'];
        control = h('select', { onchange: (event) => set(verb, event.target.value || null) }, option('', 'rejects the record', value || ''), option('blank', 'is left out', value), option('keep', 'is kept as it is', value), value === 'reject' ? option('reject', 'rejects the record (said)', value) : null, known.includes(value || '') ? null : option(value, 'becomes ' + value, value));
        break;
      }
      case 'add': case 'default':
        control = text(value);
        control.addEventListener('change', () => { const items = control.value.split(',').map((item) => item.trim()).filter(Boolean); set(verb, verb === 'add' ? items : control.value.trim() || null); });
        if (verb === 'add') control.placeholder = 'one, two';
        break;
      case 'date':
        control = text(value, 'dates');
        control.placeholder = '%d/%m/%Y';
        control.addEventListener('change', () => { const items = control.value.split(/,\s*(?=%)/).map((item) => item.trim()).filter(Boolean); set(verb, items); });
        break;
      default:
        control = text(value);
        control.addEventListener('change', () => set(verb, control.value || null));
        if (verb === 'split' || verb === 'join') control.placeholder = ';';
    }
    add(verb, label, control);
  }
  const summary = summaryOf(rule);
  const details = h('details', { class: 'options', open: state.open.has(field) }, h('summary', { 'data-key': key('options') }, 'Options' + (summary ? ': ' + summary : '')), controls);
  details.addEventListener('toggle', () => (details.open ? state.open.add(field) : state.open.delete(field)));
  if (rule.others.length) details.append(h('p', { class: 'why' }, 'Also in the mapping, and kept: ', rule.others.join(', ')));
  return details;
}

function summaryOf(rule) {
  const parts = [];
  for (const [verb, value] of Object.entries(rule.verbs)) {
    if (value === 'true') parts.push(verb.replace('_', ' '));
    else if (verb === 'lookup') parts.push(Object.keys(value || {}).length + ' values replaced');
    else parts.push(verb.replace('_', ' ') + ' ' + [].concat(value).join(', '));
  }
  return parts.concat(rule.others).join(' · ');
}

// The table of a lookup.
function lookup(rule, controls, key, set) {
  const table = rule.verbs.lookup && typeof rule.verbs.lookup === 'object' ? Object.entries(rule.verbs.lookup) : [];
  const pairs = h('div', { class: 'pairs', role: 'group', 'aria-label': LABELS.lookup });
  const send = () => {
    const entries = [...pairs.querySelectorAll('.pair-from')].map((from) => [from.value, from.nextSibling.value]).filter(([from]) => from !== '');
    set('lookup', entries.length ? Object.fromEntries(entries) : null);
  };
  const row = (from, to, at) => [
    h('input', { type: 'text', class: 'pair-from', value: from, 'aria-label': 'Value ' + (at + 1), placeholder: 'in the file', 'data-key': key('lookup/' + at + '/from'), onchange: send }),
    h('input', { type: 'text', value: to === null ? '' : to, 'aria-label': 'becomes', placeholder: 'becomes', 'data-key': key('lookup/' + at + '/to'), onchange: send }),
    h('button', { type: 'button', class: 'icon', 'aria-label': 'Take the value off', 'data-key': key('lookup/' + at + '/less'), onclick: (event) => { event.target.previousSibling.previousSibling.value = ''; send(); } }, '✕'),
  ];
  table.forEach(([from, to], at) => pairs.append(...row(from, to, at)));
  pairs.append(...row('', '', table.length));
  const values = state.opened.columns.filter((column) => rule.columns.some((name) => sameName(name, column.name))).flatMap((column) => column.values);
  const missing = values.filter((value) => !table.some(([from]) => from === value));
  if (missing.length) {
    pairs.append(h('button', { type: 'button', class: 'link wide', 'data-key': key('lookup/fill'), onclick: () => set('lookup', Object.fromEntries(table.concat(missing.map((value) => [value, value])))) }, 'Add the ' + count(missing.length, 'value', 'values') + ' of the column'));
  }
  const isOpen = state.open.has(key('lookup')) || table.length > 0;
  const details = h('details', { class: 'options', open: isOpen }, h('summary', { 'data-key': key('lookup') }, LABELS.lookup), pairs);
  details.style.gridColumn = '1 / -1';
  details.addEventListener('toggle', () => (details.open ? state.open.add(key('lookup')) : state.open.delete(key('lookup'))));
  controls.append(details);
}

function addAttribute() {
  const select = columnSelect('', { 'aria-label': 'Column for a new attribute', 'data-key': 'new-attribute' }, '+ an attribute from a column…');
  select.addEventListener('change', () => {
    if (!select.value) return;
    const field = 'attributes.' + attributeName(select.value);
    change({ do: 'columns', field, columns: [select.value], all: false }).then(() => focusRule(field));
  });
  return h('div', { class: 'add-attribute' }, select);
}

// ---- What holds for the whole file ----------------------------------------------------------------------------------

function regionOf(value) {
  if (value === undefined || value === null) return { from: [], default: '' };
  if (typeof value === 'string') return { from: [], default: value };
  return { from: [].concat(value.from || []), default: value.default || '' };
}

function settings() {
  const all = state.form.settings;
  const set = (key, value) => change({ do: 'setting', key, value });
  const controls = h('div', { class: 'controls' });
  const add = (name, label, control, isGroup) => {
    control.id = 'setting-' + name;
    if (!isGroup) control.dataset.key = 'setting/' + name;
    controls.append(isGroup ? h('span', { class: 'label', id: 'setting-' + name + '-l' }, label) : h('label', { htmlFor: control.id }, label), control);
    if (isGroup) { control.setAttribute('role', 'group'); control.setAttribute('aria-labelledby', 'setting-' + name + '-l'); }
  };
  const region = regionOf(all.phone_region);
  const setRegion = (from, code) => set('phone_region', from.length ? (code ? { from: from.length === 1 ? from[0] : from, default: code } : { from: from.length === 1 ? from[0] : from }) : code || null);
  const from = columnSelect(region.from[0] || '', {}, 'no column');
  from.addEventListener('change', () => setRegion(from.value ? [from.value].concat(region.from.slice(1)) : [], region.default));
  add('region-column', 'Country of phones, column', from);
  const known = state.opened.countries.some(([code]) => code === region.default) || region.default === '';
  const country = h('select', { onchange: (event) => setRegion(region.from, event.target.value) }, option('', region.from.length ? 'none where it is blank' : 'none', region.default), known ? null : option(region.default, region.default, region.default), state.opened.countries.map(([code, name]) => option(code, name + ' (' + code + ')', region.default)));
  add('region', region.from.length ? 'and where it is blank' : 'Country of all phones', country);
  const only = h('input', { type: 'text', value: all.only_if || '', placeholder: "row.Status != 'spam'", class: 'mono', autocomplete: 'off', spellcheck: false, onchange: (event) => set('only_if', event.target.value.trim() || null) });
  add('only_if', 'Only records where', only);
  const identity = [].concat(all.identity || []);
  const choices = ['phone', 'email', 'document.number', 'handles', 'target_id'].concat(identity).filter((one, at, list) => list.indexOf(one) === at && one !== 'phones' && one !== 'emails');
  const chosen = identity.map((one) => (one === 'phones' ? 'phone' : one === 'emails' ? 'email' : one));
  add('identity', 'A contact is found by', h('div', { class: 'choices' }, choices.map((one) => h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: chosen.includes(one), 'data-key': 'setting/identity/' + one, onchange: (event) => set('identity', event.target.checked ? chosen.concat([one]) : chosen.filter((other) => other !== one)) }), titleOf(one))), chosen.length ? null : h('span', { class: 'small' }, 'what the target finds by')), true);
  const blanks = h('input', { type: 'text', value: [].concat(all.blanks || []).join(', '), placeholder: 'n/a, -', autocomplete: 'off', onchange: (event) => set('blanks', event.target.value.split(',').map((one) => one.trim()).filter(Boolean)) });
  add('blanks', 'Cells that mean nothing', blanks);
  const choice = (key, texts) => h('select', { onchange: (event) => set(key, event.target.value || null) }, texts.map(([value, text]) => option(value, text, all[key] || '')));
  add('unmapped', 'Columns without a rule', choice('unmapped', [['', 'are left out'], ['ignore', 'are left out'], ['attributes', 'become attributes'], ['error', 'are an error']].filter(([value]) => value !== '' || !all.unmapped)));
  add('duplicates', 'The same contact twice', choice('duplicates', [['', 'is merged'], ['merge', 'is merged'], ['first', 'counts once: the first']].filter(([value]) => (value === '') !== (all.duplicates === 'merge') || value === 'first')));
  if (state.opened.platform) add('overflow', 'What ' + state.opened.platform + ' cannot hold', choice('overflow', [['', 'is left out and counted'], ['attributes', 'goes into attributes'], ['reject', 'rejects the record']]));
  const errors = state.errors.filter((error) => !error.field && !error.line);
  const node = h('div', { class: 'rule', id: 'rule-settings' }, controls, errors.map((error) => h('p', { class: 'error' }, words(error.message), error.hint ? h('span', { class: 'hint' }, words(error.hint)) : null)));
  const others = state.form.others.filter((name) => name !== 'read' || !all.blanks);
  if (others.length) node.append(h('p', { class: 'why' }, 'Also in the mapping, and kept: ', others.join(', ')));
  if (state.refused && !state.refused.field) node.append(h('p', { class: 'error' }, words(state.refused.message)));
  return node;
}

// ---- Contacts -------------------------------------------------------------------------------------------------------

function showContacts() {
  const tried = state.tried;
  const notices = [];
  if (state.isOld) notices.push(h('p', { class: 'notice old' }, tried ? 'The mapping has an error; these are the contacts before it.' : 'The mapping has an error; it is shown with the mapping.'));
  if (tried) {
    for (const text of tried.notices) notices.push(h('p', { class: 'notice' }, words(text)));
    const lost = Object.entries(tried.not_carried);
    if (lost.length && state.opened.platform) notices.push(h('p', { class: 'notice' }, state.opened.platform + ' has no field for: ', lost.slice(0, 8).map(([name, n]) => name + ' (' + n + ')').join(', ')));
  }
  $('notices').replaceChildren(...notices);
  $('arrive').classList.toggle('old-preview', Boolean(state.isOld));
  const troubled = $('troubled-only').checked;
  const list = tried ? (troubled ? tried.troubled : tried.first) : [];
  const before = state.last;
  state.last = new Map();
  const nodes = list.map((contact) => contactNode(contact, before.get(contact.line)));
  if (tried && !nodes.length) nodes.push(h('p', { class: 'soft' }, troubled ? 'No record has a problem.' : 'No record becomes a contact.'));
  $('contacts').replaceChildren(...nodes);
}

function contactNode(contact, before) {
  const values = new Map(contact.after);
  state.last.set(contact.line, values);
  const name = values.get('full_name') || [values.get('first_name'), values.get('last_name')].filter(Boolean).join(' ') || values.get('phone') || values.get('email') || '';
  const isBad = contact.problems.length > 0;
  const node = h('article', { class: isBad ? 'contact bad' : 'contact' }, h('div', { class: 'contact-top' },
    name ? h('strong', null, name) : null,
    isBad ? h('span', { class: 'state bad' }, 'rejected') : null,
    contact.duplicate_of ? h('span', { class: 'state warn' }, 'same contact as line ' + contact.duplicate_of) : null,
    h('span', { class: 'line' }, 'line ' + contact.line)));
  if (contact.after.length) {
    node.append(h('dl', { class: 'values' }, contact.after.flatMap(([key, value]) => [h('dt', null, titleOf(key === 'phones' ? 'phone' : key === 'emails' ? 'email' : key)), h('dd', { class: before && before.get(key) !== value ? 'new' : '' }, value)])));
  }
  for (const problem of contact.problems) node.append(h('p', { class: 'problem' }, h('code', null, problem.code), ' ', words(problem.message), problem.hint ? h('span', { class: 'hint' }, words(problem.hint)) : null));
  for (const left of contact.left_blank) node.append(h('p', { class: 'problem warn' }, h('code', null, left.code), ' left out: ', left.value, left.column ? ' (' + left.column + ')' : ''));
  if (contact.before.length) {
    const details = h('details', { open: isBad || state.open.has('before/' + contact.line) }, h('summary', { 'data-key': 'before/' + contact.line }, 'In the file'), h('dl', { class: 'values' }, contact.before.flatMap(([key, value]) => [h('dt', null, key), h('dd', null, value)])));
    details.addEventListener('toggle', () => (details.open ? state.open.add('before/' + contact.line) : state.open.delete('before/' + contact.line)));
    node.append(details);
  }
  return node;
}

// ---- The mapping ----------------------------------------------------------------------------------------------------

let typing = null;

function showText(from) {
  const area = $('yaml');
  if (from !== 'typing' && area.value !== state.yaml) {
    const top = area.scrollTop;
    const old = area.value;
    area.value = state.yaml;
    area.scrollTop = top;
    if (old && from !== 'open') reveal(area, old);
  }
  $('errors').replaceChildren(...state.errors.map((error) => h('li', null,
    error.line ? h('button', { type: 'button', class: 'link', onclick: () => { area.focus(); area.setSelectionRange(error.from, error.to); revealLine(area, error.line); } }, 'line ' + error.line) : null,
    error.line ? ' ' : null, h('span', null, words(error.message)), error.hint ? h('span', { class: 'hint soft' }, words(error.hint)) : null)));
  area.setAttribute('aria-invalid', String(state.errors.length > 0));
}

// Scrolls to the first line that a change has touched.
function reveal(area, old) {
  const [one, other] = [old.split('\n'), area.value.split('\n')];
  const line = other.findIndex((text, at) => text !== one[at]);
  if (line >= 0) revealLine(area, line + 1);
}

function revealLine(area, line) {
  const height = area.scrollHeight / Math.max(area.value.split('\n').length, 1);
  const top = (line - 1) * height;
  if (top < area.scrollTop || top > area.scrollTop + area.clientHeight - 2 * height) area.scrollTop = Math.max(0, top - area.clientHeight / 3);
}

function typed() {
  clearTimeout(typing);
  typing = setTimeout(flushTyping, TYPING_MS);
}

function flushTyping() {
  if (typing === null) return;
  clearTimeout(typing);
  typing = null;
  const yaml = $('yaml').value;
  if (yaml === state.yaml) return;
  remember(state.yaml);
  state.yaml = yaml;
  preview(yaml, null, 'typing');
}

// ---- Saving and ending ----------------------------------------------------------------------------------------------

async function save() {
  flushTyping();
  const yaml = state.yaml;
  try {
    const got = await ask('/api/save', { yaml });
    if (got.error) { say(got.error.message + (got.error.hint ? '\n' + got.error.hint : ''), true); return false; }
    state.saved = yaml;
    state.next = got.next;
    const errors = state.errors.length ? ' It has ' + count(state.errors.length, 'error', 'errors') + ' still.' : '';
    say('Saved to `' + got.saved + '`.' + errors + ' Next: `' + got.next + '`', false);
    show('save');
    return true;
  } catch (error) { failed(error); return false; }
}

async function done() {
  flushTyping();
  if (state.saved !== state.yaml) {
    say('The mapping is not saved.', false,
      h('button', { type: 'button', class: 'main', onclick: async () => { if (await save()) end(); } }, 'Save and end'),
      h('button', { type: 'button', onclick: end }, 'End without saving'));
    $('message').querySelector('button').focus();
    return;
  }
  end();
}

async function end() {
  state.ended = true;
  try { await ask('/api/close', {}); } catch (error) { /* It has ended already. */ }
  const isSaved = state.next !== undefined;
  document.body.replaceChildren(h('div', { class: 'ended', role: 'status' }, h('h1', null, 'The editor has ended'),
    isSaved ? [h('p', null, 'The mapping is in ', h('code', null, state.opened.out)), h('p', null, 'Next:'), h('code', null, state.next)] : h('p', null, 'Nothing was saved.'),
    h('p', { class: 'soft' }, 'You can close this page.')));
}

// ---- Keys -----------------------------------------------------------------------------------------------------------

const PANES = ['columns', 'fields', 'arrive', 'text'];

document.addEventListener('keydown', (event) => {
  if (!state.opened || state.ended) return;
  const target = event.target;
  const isText = target.tagName === 'TEXTAREA' || (target.tagName === 'INPUT' && target.type !== 'checkbox');
  const isMain = (event.ctrlKey || event.metaKey) && !event.altKey;
  const letter = event.key.toLowerCase();
  if (isMain && letter === 's') { event.preventDefault(); save(); return; }
  if (isMain && (target === $('yaml') || !isText) && (letter === 'z' || letter === 'y')) {
    event.preventDefault();
    if (letter === 'y' || event.shiftKey) step(state.redo, state.undo); else step(state.undo, state.redo);
    return;
  }
  if (event.key === 'F6') {
    event.preventDefault();
    const at = PANES.findIndex((id) => $(id).contains(document.activeElement));
    const next = $(PANES[(at + (event.shiftKey ? PANES.length - 1 : 1) + PANES.length) % PANES.length] || PANES[0]);
    const control = next.id === 'text' ? $('yaml') : next.querySelector('input, select, button, textarea');
    (control || next).focus();
    return;
  }
  if (event.key === '/' && !isText) { event.preventDefault(); $('filter').focus(); }
});

window.addEventListener('beforeunload', (event) => {
  if (state.opened && !state.ended && state.saved !== state.yaml && state.undo.length) event.preventDefault();
});

// ---- Beginning ------------------------------------------------------------------------------------------------------

async function begin() {
  $('undo').addEventListener('click', () => step(state.undo, state.redo));
  $('redo').addEventListener('click', () => step(state.redo, state.undo));
  $('save').addEventListener('click', save);
  $('done').addEventListener('click', done);
  $('filter').addEventListener('input', filterColumns);
  $('unused-only').addEventListener('change', filterColumns);
  $('troubled-only').addEventListener('change', () => { state.last = new Map(); showContacts(); });
  $('yaml').addEventListener('input', typed);
  $('yaml').addEventListener('blur', flushTyping);
  $('add-field').addEventListener('change', (event) => {
    const field = event.target.value;
    if (!field) return;
    state.added.add(field);
    show('form');
    focusRule(field);
  });
  try {
    state.opened = await ask('/api/open', {});
    state.token = state.opened.token;
    history.replaceState(null, '', '#' + state.token);
    const { file, to, platform, out, notes, vendor, yaml, is_saved: isSaved } = state.opened;
    document.title = file + ': mapping';
    $('what').replaceChildren(file, to ? [' → ' + to + (platform && platform.toLowerCase() !== to.toLowerCase() ? ' (' + platform + ')' : '')].join('') : '');
    $('out').textContent = out;
    $('note').replaceChildren(...words([vendor ? 'a file of ' + vendor : '', ...notes].filter(Boolean).join(' · ')));
    $('dates').replaceChildren(...state.opened.dates.map((format) => h('option', { value: format })));
    state.yaml = yaml;
    state.saved = isSaved ? yaml : null;
    makeColumns();
    await preview(yaml, null, 'open');
  } catch (error) { $('what').textContent = 'The page cannot be opened'; failed(error); }
}

begin();
