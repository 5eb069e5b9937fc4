// Reads from the API. All that a page shows is asked for in one request.
import { api, debug, warn } from './page.js';
import { setZone } from './formats.js';
import { language } from './words.js';

const FRESH = 3e4; // milliseconds, as long as the API's answers may be kept
const kept = {}; // by what was read; null where it could not be

// What was read under a key, `PART=VALUE` with a part of the API's `/page`.
export const last = (key) => kept[key]?.value;
export const known = (key) => Date.now() - kept[key]?.at < FRESH ? last(key) : undefined;
const keep = (key, value = null) => {
	kept[key] = { at: Date.now(), value };
	setZone(value?.timezone);
};

const ask = async (path, cache) => {
	try {
		const answer = await fetch(api() + path, { cache }), reply = await answer.json();
		debug('read', path, answer.status);
		return answer.ok ? reply : { refused: reply.errors };
	} catch (error) {
		debug('read', path, error);
	}
};
export const renew = async (key, path) => {
	const reply = await ask(path, 'reload');
	if (reply && !reply.refused) keep(key, reply);
	return last(key);
};

const take = async (query) => {
	const parts = Object.entries(query), asked = parts.map(([part, values]) => `${part}=${encodeURIComponent(values)}`);
	const reply = asked[0] && await ask(`page?${asked.join('&')}&language=${language()}`), refused = reply?.refused;
	if (refused?.[0]) { // one part that cannot be read takes no other with it
		for (const { field, message } of refused) {
			warn(field, query[field], message);
			delete query[field];
		}
		return take(query);
	}
	for (const [part, values] of parts) for (const value of values) {
		const shown = reply?.[part];
		keep(`${part}=${value}`, part === 'slugs' ? shown && { views: shown.views[value] } : part === 'consent' ? shown?.[value] : shown);
	}
};
export const read = (keys) => {
	const queries = [];
	for (const key of keys) {
		const [, part, value] = /(.*?)=(.*)/.exec(key), many = /^(slugs|consent)/.test(part) && 100;
		let query = queries.find((each) => !each[part] || each[part].length < many);
		if (!query) queries.push(query = {});
		(query[part] ||= []).push(value);
	}
	return Promise.all(queries.map(take));
};
