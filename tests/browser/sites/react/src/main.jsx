// A site as React Router's data mode makes it: each route draws its page, and says what it is.
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter, Link, Outlet, RouterProvider, useParams } from 'react-router';

const ARTICLES = { gold: 'Gold kaufen', silber: 'Silber kaufen', platin: 'Platin kaufen' };

const Frame = () => (
	<>
		<nav>
			<Link to="/">Start</Link> <Link to="/ratgeber/gold">Gold</Link> <Link to="/ratgeber/silber">Silber</Link>{' '}
			<Link to="/ratgeber/platin">Platin</Link> <Link to="/newsletter">Newsletter</Link> <Link to="/rueckruf">Rückruf</Link>
		</nav>
		<main><Outlet /></main>
	</>
);

const Start = () => <><title>Start</title><p data-contact="hotline" /></>;

// Most articles say what they are; one is named on the snippet's tag.
const Article = () => {
	const { slug } = useParams(), named = slug === 'platin';
	useEffect(() => {
		if (!named) return;
		const tag = document.querySelector('script[src$="embed.js"]');
		tag.dataset.article = slug;
		return () => tag.removeAttribute('data-article');
	}, [slug, named]);
	return (
		<>
			<title>{ARTICLES[slug]}</title>
			{!named && <meta property="og:type" content="article" />}
			{!named && <link rel="canonical" href={`/react/ratgeber/${slug}`} />}
			<h1>{ARTICLES[slug]}</h1>
			<b data-contact="views" />
		</>
	);
};

// All fields are React's: it writes its values into them each time it draws.
const useFields = (first) => {
	const [fields, setFields] = useState(first);
	return (name) => ({ name, value: fields[name], onChange: ({ target }) => setFields((all) => ({ ...all, [name]: target.value })) });
};

const Newsletter = () => {
	const field = useFields({ email: '' });
	return (
		<form data-contact="newsletter" method="post" action="https://contact.example.com/newsletter/signups">
			<title>Newsletter</title>
			<label>E-Mail <input type="email" required {...field('email')} /></label>
			<p data-contact="consent" data-for="newsletter">Ein alter Text.</p>
			<input type="hidden" name="consent" value="newsletter-de-0" />
			<button type="submit">Anmelden</button>
		</form>
	);
};

const Callback = () => {
	const field = useFields({ name: '', phone: '', note: '', window: '' });
	const [agreed, setAgreed] = useState(false);
	return (
		<form data-contact="callback" method="post" action="https://contact.example.com/callbacks">
			<title>Rückruf</title>
			<label>Name <input {...field('name')} /></label>
			<label>Telefon <input type="tel" {...field('phone')} /></label>
			<label>Wann? <select data-contact="slots" {...field('window')}><option value="">So bald wie möglich</option></select></label>
			<label>Worum geht es? <textarea {...field('note')} /></label>
			<label>
				<input type="checkbox" name="consent" value="callback-de-0" checked={agreed} onChange={({ target }) => setAgreed(target.checked)} />
				<span data-contact="consent" data-for="callbacks">Ein alter Text.</span>
			</label>
			<button type="submit">Rückruf anfordern</button>
		</form>
	);
};

const router = createBrowserRouter([{
	element: <Frame />,
	children: [
		{ index: true, element: <Start /> },
		{ path: 'ratgeber/:slug', element: <Article /> },
		{ path: 'newsletter', element: <Newsletter /> },
		{ path: 'rueckruf', element: <Callback /> },
	],
}], { basename: '/react' });

createRoot(document.getElementById('root')).render(<StrictMode><RouterProvider router={router} /></StrictMode>);
