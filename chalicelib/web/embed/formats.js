// Days, times of day and spans, as `formats.py` writes them.
import { fill, language } from './words.js';
import { _, pgettext } from './said.js';

let zone;
export const setZone = (named) => zone ||= named;
export const hasZone = () => zone;

// Swedish writes dates as ISO 8601 does.
const date = (at) => Date.parse(new Intl.DateTimeFormat('sv', { timeZone: zone }).format(new Date(at))) / 864e5;
const local = (at, style = 'long') => {
	const parts = {}, two = '2-digit', format = new Intl.DateTimeFormat(language(), {
		timeZone: zone, weekday: style, day: 'numeric', month: style, hour: two, minute: two, hourCycle: 'h23',
	});
	for (const { type, value } of format.formatToParts(new Date(at))) parts[type] = value;
	const { weekday, day: d, month, hour, minute } = parts;
	const day = fill(pgettext("date", "%(weekday)s, %(d)s %(month)s"), { weekday, d, month });
	return { weekday, day, time: `${hour}:${minute}` };
};
const clock = (time) => {
	const [hour, minute] = time.split(':');
	const text = minute > 0 ? pgettext("time", "%(hour)s:%(minute)s") : pgettext("full hour", "%(hour)s:00");
	return fill(text, { hour: +hour, minute });
};
export const span = (from, to, one, two, write = clock, style) => {
	const first = local(from, style), last = local(to, style), days = date(to) - date(from);
	const midnight = days === 1 && last.time === '00:00';
	return fill(days && !midnight ? two : one, {
		day: first.day, from: write(first.time), last: last.day, to: write(midnight ? '24:00' : last.time),
	});
};
export const when = (at) => {
	const { weekday, day, time } = local(at), days = date(at) - date(Date.now());
	const text = [_("from %(time)s today"), _("from %(time)s tomorrow")][days]
		|| (days < 7 ? _("from %(time)s on %(weekday)s") : _("from %(time)s on %(day)s"));
	return fill(text, { time: clock(time), weekday, day });
};
