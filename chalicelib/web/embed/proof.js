// The forms' proof of work. It begins when a form is touched, so that sending seldom has to wait. ALTCHA's own worker
// does the work, where the stage requires it.
import { api, debug } from './page.js';
import { trusted } from './trust.js';
import worker from '../vendor/altcha/pbkdf2.js';

const PATIENCE = 1e4;
const proofs = new Map(); // by form
let source;

const work = async (kind) => {
	const { required, ...challenge } = await (await fetch(`${api()}altcha?form=${kind}`)).json();
	if (!required) return;
	source ||= URL.createObjectURL(new Blob([worker])); // a worker has to be of the page's origin, and a blob is
	const workers = [], counterStep = Math.min(navigator.hardwareConcurrency || 1, 8);
	try {
		const solution = await new Promise((done, fail) => {
			for (let counterStart = 0; counterStart < counterStep; counterStart++) {
				const worker = new Worker(trusted('createScriptURL', source));
				workers.push(worker);
				worker.onerror = fail;
				worker.onmessage = ({ data }) => data?.derivedKey ? done(data) : fail(data);
				worker.postMessage({ type: 'work', challenge, counterStart, counterStep });
			}
		}).catch((error) => { throw { error }; }); // a policy's TypeError is no lost connection
		return btoa(JSON.stringify({ challenge, solution }));
	} finally {
		for (const each of workers) each.terminate();
	}
};

export const begin = (form, kind) => {
	let made = proofs.get(form);
	if (!made) {
		made = work(kind);
		proofs.set(form, made);
		made.catch((error) => {
			debug(error);
			proofs.delete(form);
		});
	}
	return made;
};
// A proof is good for one sending. One that takes too long goes on, for the next try.
export const proof = async (form, kind) => {
	const made = await Promise.race([begin(form, kind), new Promise((_, fail) => setTimeout(fail, PATIENCE))]);
	proofs.delete(form);
	return made;
};
