// The local mailbox: lists what the application sent, newest first, and follows along by server-sent events.

const list = document.querySelector('#list');
const detail = document.querySelector('#detail');
const empty = document.querySelector('#empty');
const live = document.querySelector('#live');
const filter = document.querySelector('#filter');
const hint = detail.firstElementChild;

let messages = [];
let shown; // id of the message in the detail pane: a reload of the list must not reload its frame
let known; // ids that were there before this page was opened, or have been opened since
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

function make(tag, values = {}, ...children) {
  const { dataset, ...rest } = values;
  const el = Object.assign(document.createElement(tag), rest);
  Object.assign(el.dataset, dataset);
  el.append(...children);
  return el;
}

function withLinks(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part, index) =>
    index % 2 ? make('a', { href: part, target: '_blank', rel: 'noreferrer', textContent: part }) : part);
}

function brief(at) {
  const date = new Date(at);
  return (date.toDateString() === new Date().toDateString() ? minute : day).format(date);
}

const chosen = () => decodeURIComponent(location.hash.slice(1));
const visible = () => messages.filter(({ kind }) => !filter.kind.value || kind === filter.kind.value);

// Either AWS refused it, with a code, or SES took a mail and kept it from its reader.
function verdict({ undelivered: { code, message } }) {
  return code ? `Refused by AWS: ${message} (${code})` : `Not delivered: ${message}`;
}

function row(message) {
  const classes = [message.kind, known.has(message.id) ? '' : 'new', message.undelivered ? 'undelivered' : ''];
  const link = make('a', { href: `#${encodeURIComponent(message.id)}`, className: classes.join(' '), dataset: { id: message.id } },
    make('b', { textContent: message.subject || '(no subject)' }),
    make('time', { dateTime: message.at, textContent: brief(message.at) }),
    make('small', { textContent: message.kind === 'mail' ? `To ${message.to.join(', ')}` : message.text }));
  if (message.undelivered) link.append(make('strong', { textContent: verdict(message) }));
  if (message.id === chosen()) link.setAttribute('aria-current', 'true');
  return make('li', {}, link);
}

function drawList() {
  const focused = document.activeElement?.dataset.id;
  const rows = visible().map(row);
  list.replaceChildren(...rows);
  empty.hidden = rows.length > 0;
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  const unread = messages.filter(({ id }) => !known.has(id)).length;
  document.title = unread ? `(${unread}) Mailbox` : 'Mailbox';
}

function facts(message) {
  const pairs = message.kind === 'mail'
    ? [['From', message.from], ['To', message.to.join(', ')]]
    : Object.entries(message.attributes ?? {});
  const when = message.undelivered?.code ? 'Refused' : 'Sent';
  return make('dl', {}, ...[...pairs, [when, full.format(new Date(message.at))]].flatMap(
    ([name, value]) => [make('dt', { textContent: name }), make('dd', { textContent: value })]));
}

function warning(message) {
  return message.undelivered ? [make('p', { className: 'warning', textContent: verdict(message) })] : [];
}

function readable(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body; // not all bodies are JSON
  }
}

function views(message) {
  const text = () => make('pre', {}, ...withLinks(message.text ?? ''));
  // What subscribers of one protocol got instead of the text.
  const bodies = Object.entries(message.bodies ?? {}).map(([protocol, body]) =>
    [protocol, () => make('pre', {}, ...withLinks(readable(body)))]);
  if (!message.html) return { Text: text, ...Object.fromEntries(bodies) };
  return {
    Rendered: () => {
      const frame = make('iframe', { title: message.subject, src: `messages/${encodeURIComponent(message.id)}/html` });
      frame.setAttribute('sandbox', 'allow-popups allow-popups-to-escape-sandbox');
      return frame;
    },
    Text: text,
    Source: () => make('pre', { textContent: message.html }),
  };
}

function drawDetail() {
  const message = messages.find(({ id }) => id === chosen());
  document.body.classList.toggle('open', Boolean(message));
  if (message?.id === shown) return;
  shown = message?.id;
  if (!message) {
    detail.replaceChildren(hint);
    return;
  }
  known.add(message.id);
  const offered = views(message);
  const tabs = make('div', { className: 'tabs' }, ...Object.keys(offered).map((name) =>
    make('button', { type: 'button', textContent: name, onclick: () => choose(name) })));
  const choose = (name) => {
    for (const tab of tabs.children) tab.setAttribute('aria-pressed', String(tab.textContent === name));
    detail.lastElementChild.replaceWith(offered[name]());
  };
  detail.replaceChildren(make('a', { className: 'back', href: '#', textContent: '← All messages' }),
    make('h2', { textContent: message.subject || '(no subject)' }), ...warning(message), facts(message), tabs, make('div'));
  tabs.hidden = tabs.children.length < 2;
  choose(Object.keys(offered)[0]);
}

function draw() {
  drawDetail();
  drawList();
}

async function load() {
  const answer = await fetch('messages');
  if (!answer.ok) return;
  ({ messages } = await answer.json());
  known ??= new Set(messages.map(({ id }) => id));
  draw();
}

function say(text, on) {
  live.textContent = text;
  live.toggleAttribute('data-on', on);
}

function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.target.closest('form, #detail')) return;
  const links = [...list.querySelectorAll('a')];
  const at = links.findIndex((link) => link.hasAttribute('aria-current'));
  const next = links[at < 0 ? 0 : at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  location.replace(next.href);
}

filter.addEventListener('change', drawList);
addEventListener('hashchange', draw);
addEventListener('keydown', move);
const events = new EventSource('events');
events.addEventListener('changed', load);
events.addEventListener('open', () => {
  say('live', true);
  load(); // what came while nobody was connected
});
events.addEventListener('error', () => say('not connected, trying again …', false));
load();
