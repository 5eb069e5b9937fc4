// Gives the page's forms a proof of work each. It begins when a form is touched, so that sending seldom has to wait.
const script = document.currentScript, api = new URL('.', script.src).href;
// A worker must be of the page's own origin, and a blob is.
const source = URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
$altcha.algorithms.set('PBKDF2/SHA-256', () => new Worker(source));

const guard = (form) => {
	const field = Object.assign(document.createElement('input'), { type: 'hidden', name: 'altcha' });
	const widget = Object.assign(document.createElement('altcha-widget'), { hidden: true });
	widget.setAttribute('challenge', `${api}altcha?form=${form.dataset.contact}`);
	// Nothing is watched, and nobody waits for the look of it.
	widget.setAttribute('configuration', '{"humanInteractionSignature": false, "minDuration": 0}');
	form.append(field);
	document.body.append(widget); // beside the form, as its own checkbox is no field of it

	let proof, waiting, unproven;
	const prove = () => proof ??= widget.verify();
	widget.addEventListener('statechange', ({ detail: { state, payload } }) => {
		field.value = state === 'verified' ? payload : '';
		if (state !== 'verifying' && state !== 'verified') proof = null; // expired, failed or used
	});
	form.addEventListener('focusin', () => field.isConnected && prove());
	form.addEventListener('submit', (event) => {
		if (field.value || unproven) {
			setTimeout(() => widget.reset()); // once the form's values are taken: a proof is good for one sending
			return;
		}
		event.preventDefault();
		event.stopImmediatePropagation();
		if (waiting) return;
		waiting = true;
		form.dataset.state = 'sending';
		prove().then(() => setTimeout(() => { // a form cannot be sent anew before this event is over
			waiting = false;
			delete form.dataset.state;
			unproven = true; // without a proof the API says what is wrong, if it wants one
			form.requestSubmit(event.submitter);
			unproven = false;
		}));
	}, true);
};

document.querySelectorAll('form[data-contact]').forEach(guard);
